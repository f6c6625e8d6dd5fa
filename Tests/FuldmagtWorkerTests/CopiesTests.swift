import Foundation
import FuldmagtStore
import FuldmagtWorker
import Testing

/// Whether a shard's file is the shard, as somebody sees who only has the file and the mark beside the group's offsets.
@Suite struct CopiesTests {
    private func isShard(_ shard: Int32, in folder: String, _ cluster: TestCluster) throws -> Bool? {
        guard let mark = try cluster.broker.member().committed(shard: shard).mark else { return nil }
        let path = "\(folder)/\(ShardStore.fileName(of: shard))"
        return mark.isOfShard(in: try ShardFiles.standing(path: path))
    }

    @Test(
        "a file that was given up is a copy as soon as its shard has gone on elsewhere; one that was rebuilt is the shard"
    )
    func copies() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.defineCatalogue()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g")
        try cluster.drain()
        let own = cluster.directory
        #expect(try isShard(0, in: own, cluster) == true)
        try cluster.stop()
        #expect(try isShard(0, in: own, cluster) == true)
        // The shard goes on on a machine of its own, and in a file of its own.
        let other = own + "/other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
        cluster.options.directory = other
        cluster.options.worker = "w2"
        try cluster.drain()
        #expect(try isShard(0, in: other, cluster) == true)
        cluster.revoke(TestCluster.anna, from: TestCluster.bent, ["tax"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        #expect(try isShard(0, in: other, cluster) == true)
        #expect(try isShard(0, in: own, cluster) == false)
        // An older copy of the same file.
        let kept = own + "/kept"
        try cluster.stop()
        try FileManager.default.copyItem(atPath: other, toPath: kept)
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "again")
        try cluster.drain()
        try cluster.stop()
        #expect(try isShard(0, in: other, cluster) == true)
        #expect(try isShard(0, in: kept, cluster) == false)
    }
}
