import Foundation
import FuldmagtDomain
import FuldmagtStore
import GRDB

/// What tests of receipts need.
extension TestCluster {
    /// A cluster with its catalogue, and Anna at home in Copenhagen.
    static func atHome(_ patience: ReceiptPatience? = nil) throws -> TestCluster {
        let cluster = try TestCluster()
        if let patience { cluster.options.settings.patience = patience }
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2020-01-01", id: "home")
        try cluster.drain()
        return cluster
    }

    /// Anna gives somebody a grant.
    /// - Returns: what they are told.
    func given(to cpr: String = bent, id: String = "g") throws -> Said {
        issue(Self.anna, to: cpr, ["tax"], id: id)
        try drain()
        guard let told = posted(to: cpr).last else { throw NobodyTold() }
        return told
    }

    struct NobodyTold: Error {}

    /// Notifications to a party, in the order written.
    func posted(to digits: String) -> [Said] {
        said(.notifications).filter { $0.text("recipient.cpr") == digits || $0.text("recipient.cvr") == digits }
    }

    /// A receipt for a notification, to the partition that it asks for.
    func receipt(
        _ notification: Said, _ status: String, by transport: String = "digital-post", more: String = "",
        partition: Int32? = nil
    ) {
        receipt(
            of: notification.text("id") ?? "", key: notification.key ?? "", status, by: transport, more: more,
            partition: partition ?? notification.headers["fm_shard"].flatMap { Int32($0) } ?? 0)
    }

    /// Receipts are named `receipt-1`, `receipt-2` … in the order in which they are sent.
    func receipt(
        of id: String, key: String, _ status: String, by transport: String = "digital-post", more: String = "",
        partition: Int32
    ) {
        let number = broker.written(.receipts) + 1
        let headers = [
            ("ce_specversion", "1.0"), ("ce_id", "receipt-\(number)"), ("ce_type", "dk.fuldmagt.receipt.v1"),
            ("ce_source", "urn:dk:cvr:99000007:post"), ("content-type", "application/json"),
        ]
        let at = clock.now.withLock { $0 }.description
        broker.append(
            topic: .receipts, partition: partition, key: Array(key.utf8), headers: headers.map { ($0, Array($1.utf8)) },
            value: Array(
                #"{"notification":"\#(id)","transport":"\#(transport)","status":"\#(status)","at":"\#(at)"\#(more)}"#
                    .utf8))
    }

    /// - Parameter dump: of now, where a test asks often.
    private func lines(_ table: String, _ notification: Said, in dump: [String]? = nil) throws -> [[String: Any]] {
        try (dump ?? self.dump()).compactMap { line in
            guard line.contains(#""table":"\#(table)""#), line.contains(notification.text("id") ?? "?") else {
                return nil
            }
            return try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        }
    }

    /// The state of a notification; nil where nothing has happened to it yet.
    func post(_ notification: Said, in dump: [String]? = nil) throws -> String? {
        try lines("post", notification, in: dump).first?["state"] as? String
    }

    /// The channel a notification is on.
    func channel(_ notification: Said, in dump: [String]? = nil) throws -> String? {
        try lines("notification", notification, in: dump).first?["channel"] as? String
    }

    /// `event channel state` of each entry, in order.
    func timeline(_ notification: Said, in dump: [String]? = nil) throws -> [String] {
        try lines("timeline", notification, in: dump).sorted { ($0["entry"] as? Int ?? 0) < ($1["entry"] as? Int ?? 0) }
            .map { "\($0["event"] ?? "") \($0["channel"] ?? "") \($0["state"] ?? "")" }
    }

    /// Removes all shard files, as a lost disk does.
    func loseFiles() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.hasPrefix("shard-") {
            try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
        }
    }

    /// Leaves the shards as a version that read no receipts would have, had it been rebuilt from its changelog.
    func forgetWatch() throws {
        for file in try ShardFiles.all(in: directory) {
            let queue = try DatabaseQueue(path: file.path)
            try queue.write { try $0.execute(sql: "UPDATE meta SET watched = NULL") }
            try queue.close()
        }
    }
}
