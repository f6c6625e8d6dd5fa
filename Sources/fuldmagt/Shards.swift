import ArgumentParser
import FuldmagtDomain
import FuldmagtJobs
import FuldmagtKeys
import FuldmagtStore

/// All shards as they were at one moment, read only.
struct Shards {
    let keys: ClusterKey
    private let snapshots: [ShardSnapshot]

    var partitions: Int32 { Int32(snapshots.count) }

    /// - Parameter folder: with the files of all shards: a citizen of one that is missing would be taken for unknown.
    init(in folder: String, keys: ClusterKey) throws {
        self.keys = keys
        do {
            snapshots = try ShardFiles.all(in: folder).map { try ShardSnapshot(path: $0.path, keys: keys) }
        } catch let error as StoreError {
            throw Exit.saying(error, of: "--data")
        }
        let count = Int(snapshots.first?.partitions ?? 0)
        guard snapshots.map({ Int($0.shard) }) == Array(0..<count) else {
            throw Exit.saying(
                "--data: \(folder) has \(snapshots.count) of \(count) shards; bring the files of all workers together, as they are copied on each machine by: fuldmagt store copy --to FOLDER",
                Exit.failure)
        }
    }

    func close() throws {
        for snapshot in snapshots { try snapshot.close() }
    }

    var source: PlanSource {
        let snapshots = snapshots
        return PlanSource(
            file: { citizen, sections, grants in
                try snapshots[Int(citizen.shard)].file(of: citizen, sections, notificationsAbout: grants)
            },
            isDecided: { citizen, name in try snapshots[Int(citizen.shard)].processed(name) != nil })
    }

    var population: Population {
        let (snapshots, keys) = (snapshots, keys)
        func identity(_ known: KnownCitizen) throws -> Identity {
            try keys.identity(
                pseudonym: known.pseudonym, sealed: known.sealed, partitions: Int32(snapshots.count))
        }
        return Population(
            residents: { municipality, body in
                for snapshot in snapshots {
                    try snapshot.forEachResident(of: municipality) { try body(try identity($0)) }
                }
            },
            grantors: { package, body in
                for snapshot in snapshots {
                    try snapshot.forEachGrantor(of: package) { try body(try identity($0)) }
                }
            })
    }

    /// A citizen's file by pseudonym; nil where the shard knows nobody by it.
    func file(of pseudonym: Ident, shard: Int32, _ sections: FileSections) throws -> CitizenFile? {
        guard snapshots.indices.contains(Int(shard)), let known = try snapshots[Int(shard)].citizen(pseudonym) else {
            return nil
        }
        let citizen = try keys.identity(pseudonym: known.pseudonym, sealed: known.sealed, partitions: partitions)
        return try snapshots[Int(shard)].file(of: citizen, sections)
    }

    /// The file of a party, by whatever number they have now.
    func file(of party: Party, _ sections: FileSections) throws -> CitizenFile {
        var citizen = keys.identity(of: party, partitions: partitions)
        var file = try snapshots[Int(citizen.shard)].file(of: citizen, sections)
        var hops = 0
        while let renumbering = file.renumbering, renumbering.isHandedOver, hops < 16 {
            citizen = try keys.identity(
                pseudonym: renumbering.to.pseudonym, sealed: renumbering.to.sealed, partitions: partitions)
            file = try snapshots[Int(citizen.shard)].file(of: citizen, sections)
            hops += 1
        }
        return file
    }

    /// What made a grant of a file what it is now.
    func lastCause(of grant: Grant, in file: CitizenFile) throws -> Cause? {
        try snapshots[Int(file.citizen.shard)].lastCause(of: grant)
    }
}
