import FuldmagtDomain
import FuldmagtOperations
import Testing

@Suite struct ClusterStatusTests {
    private static let now = Instant(milliseconds: 1_795_514_400_000)

    private func status(
        state: String? = "Stable", members: [ClusterStatus.Member]? = nil, owner: String? = "w1", lag: Int64 = 0,
        seconds: Int64? = nil
    ) -> ClusterStatus {
        let oldest = seconds.map { Self.now.adding(seconds: -$0) }
        return ClusterStatus(
            group: "g", state: state, members: members ?? [.init(name: "w1", host: "h", shards: [0])],
            shards: [
                .init(
                    number: 0, owner: owner,
                    places: [
                        .init(topic: .grantCommands, committed: 5, end: 5 + lag, lag: lag, oldest: oldest),
                        .init(topic: .inbox, committed: nil, end: 0, lag: 0, oldest: nil),
                    ], deadLetters: 0)
            ], otherDeadLetters: 0, hasMoreDeadLetters: false)
    }

    private func problems(_ status: ClusterStatus) -> [String] { status.problems(at: Self.now, maximumLagSeconds: 60) }

    @Test("nothing needs attention while the lag is small and somebody works")
    func well() {
        #expect(problems(status()).isEmpty)
        #expect(problems(status(lag: 9, seconds: 60)).isEmpty)
        #expect(status(lag: 9, seconds: 60).shards[0].lagSeconds(at: Self.now) == 60)
    }

    @Test("a lag over the limit, no worker, a shard that nobody reads and an unsettled group need attention")
    func unwell() {
        #expect(problems(status(lag: 9, seconds: 61)).first?.hasPrefix("shard 0 is 61 s behind (9 records)") == true)
        #expect(problems(status(members: [])).first?.contains("no member") == true)
        #expect(problems(status(owner: nil)) == ["nobody reads shards 0"])
        #expect(problems(status(state: "PreparingRebalance")).count == 1)
    }

    @Test("a group without members may be another cluster's: the setting is named, and the groups that there are")
    func otherCluster() throws {
        var lonely = status(members: [])
        let alone = try #require(problems(lonely).first)
        #expect(alone.contains("FULDMAGT_CLUSTER") && !alone.contains("these groups"))
        lonely.otherGroups = ["fuldmagt-a", "fuldmagt-b"]
        #expect(problems(lonely).first == alone + "; the broker knows these groups too: fuldmagt-a, fuldmagt-b")
    }

    @Test("commands that wait are no alarm, but a revocation that does is")
    func parked() {
        var one = status()
        one.shards[0].parked = 3
        #expect(problems(one).isEmpty)
        one.shards[0].parkedRevocations = 1
        #expect(problems(one) == ["1 parked in shard 0 revoke: see fuldmagt parked list"])
    }

    @Test("a broker that does not tell of groups is no alarm by itself; lag still is")
    func untold() {
        #expect(problems(status(state: nil, members: [], owner: nil)).isEmpty)
        #expect(problems(status(state: nil, members: [], owner: nil, lag: 1, seconds: 3600)).count == 1)
    }

    @Test("the oldest command is not a record of the workers; a clock that is behind gives no negative age")
    func oldest() {
        let shard = ClusterStatus.Shard(
            number: 0, owner: nil,
            places: [
                .init(topic: .inbox, committed: 0, end: 1, lag: 1, oldest: Self.now.adding(seconds: -30)),
                .init(topic: .moveCommands, committed: 0, end: 1, lag: 1, oldest: Self.now.adding(seconds: 5)),
            ], deadLetters: 0)
        #expect(shard.oldestCommand == Self.now.adding(seconds: 5))
        #expect(shard.lagSeconds(at: Self.now) == 30)
        #expect(shard.lagSeconds(at: Self.now.adding(seconds: -60)) == 0)
    }

    @Test(
        "shards are shown as runs", arguments: [([], ""), ([0, 1, 2, 3, 7], "0-3, 7"), ([5], "5"), ([1, 3], "1, 3")])
    func runs(_ numbers: [Int32], _ text: String) {
        #expect(ClusterStatus.runs(numbers) == text)
    }
}
