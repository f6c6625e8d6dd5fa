import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtOperations

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show who works on what, and how far behind each shard is.",
        discussion: """
            Asks the broker only, so it tells of shards that nobody works on too. Lag counts records after the group's \
            committed offsets; its age is that of the first of them. Offsets are shown as committed/end, by topic; \
            markers of transactions have offsets, so the inbox's end can be beyond its last record. Dead letters are \
            counted by the shard they came from, up to 10000. Parked commands are told by the shard's worker with each \
            frame it publishes, so one that is away told of its last.

            Exit codes:
              0   nothing needs attention
              3   something does: no worker, a shard that nobody reads, a revocation that
                  is parked, lag over --max-lag-seconds, or workers that are just
                  joining or leaving: ask again in a minute
              75  the broker did not answer
              78  a setting is wrong, or the topics are

            Examples:
              fuldmagt status
              fuldmagt status --max-lag-seconds 30 > /dev/null || page-somebody
              fuldmagt status --json | jq '.shards[] | select(.lagSeconds > 5)'
            """)

    @Flag(help: "One JSON object.")
    var json = false
    @Option(help: "Age of a shard's oldest unprocessed record that needs attention, seconds.")
    var maxLagSeconds: Int64 = 60

    func validate() throws {
        guard maxLagSeconds >= 0 else {
            throw ValidationError("--max-lag-seconds is \(maxLagSeconds); 0 or more is allowed")
        }
    }

    func run() async throws {
        let status = try await StatusReader(environment: try await Environment()).read()
        let now = Host.now()
        let problems = status.problems(at: now, maximumLagSeconds: maxLagSeconds)
        if json { Output.line(Self.object(status, problems, now)) } else { Self.show(status, problems, now) }
        if !problems.isEmpty { throw Exit.found }
    }

    private static func show(_ status: ClusterStatus, _ problems: [String], _ now: Instant) {
        let count = status.members.count == 1 ? "1 member" : "\(status.members.count) members"
        let state = status.state.map { "\($0), \(count)" } ?? "members are not told by this broker"
        Output.line("group \(status.group): \(state)")
        for member in status.members {
            let shards = member.shards.isEmpty ? "no shards" : "shards \(ClusterStatus.runs(member.shards))"
            Output.line("  \(member.name.padded(to: 24))  \(member.host.padded(to: 18))  \(shards)")
        }
        Output.line("")
        Output.line("shard  worker            lag        lag s    parked   dead letters  oldest command")
        for shard in status.shards {
            let columns = [
                String(shard.number).padded(to: 5), (shard.owner ?? "-").padded(to: 16),
                String(shard.lag).padded(to: 9), String(shard.lagSeconds(at: now)).padded(to: 7),
                (shard.parked.map { String($0) } ?? "-").padded(to: 7), String(shard.deadLetters).padded(to: 12),
                shard.oldestCommand?.description ?? "-",
            ]
            Output.line(columns.joined(separator: "  "))
        }
        Output.line("")
        Output.line("shard  committed/end of \(Self.row(Topic.consumed.map(Self.short)))")
        for shard in status.shards {
            let places = shard.places.map { "\($0.committed.map { String($0) } ?? "-")/\($0.end)" }
            Output.line("\(String(shard.number).padded(to: 5))                   \(Self.row(places))")
        }
        if status.otherDeadLetters > 0 { Output.line("\(status.otherDeadLetters) dead letters from the catalogue") }
        if status.hasMoreDeadLetters { Output.line("there are more dead letters than were counted") }
        Output.line("")
        Output.line(problems.isEmpty ? "nothing needs attention" : problems.map { "! \($0)" }.joined(separator: "\n"))
    }

    /// Columns for a topic each.
    private static func row(_ places: [String]) -> String {
        guard let last = places.last else { return "" }
        return places.dropLast().map { $0.padded(to: 15) + " " }.joined() + last
    }

    private static func short(_ topic: Topic) -> String {
        topic.name.split(separator: ".").last.map(String.init) ?? topic.name
    }

    private static func object(_ status: ClusterStatus, _ problems: [String], _ now: Instant) -> String {
        let shards = status.shards.map { shard -> [String: Any] in
            let places = shard.places.map { place in
                JSONText.present([
                    "topic": place.topic.name, "committed": place.committed, "end": place.end, "lag": place.lag,
                    "oldest": place.oldest?.description,
                ])
            }
            return JSONText.present([
                "shard": shard.number, "worker": shard.owner, "lag": shard.lag,
                "lagSeconds": shard.lagSeconds(at: now), "deadLetters": shard.deadLetters, "parked": shard.parked,
                "parkedRevocations": shard.parkedRevocations,
                "oldestCommand": shard.oldestCommand?.description, "topics": places,
            ])
        }
        let members = status.members.map { ["name": $0.name, "host": $0.host, "shards": $0.shards] as [String: Any] }
        return JSONText.object([
            "group": status.group, "state": status.state, "members": members, "shards": shards,
            "otherDeadLetters": status.otherDeadLetters, "hasMoreDeadLetters": status.hasMoreDeadLetters,
            "problems": problems, "time": now.description,
        ])
    }
}
