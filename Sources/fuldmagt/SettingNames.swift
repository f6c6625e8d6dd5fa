import Foundation
import Synchronization

/// The names of all settings: one that is misspelt would be ignored, and nobody would know.
enum SettingNames {
    /// Variables, besides `FULDMAGT_KAFKA_<PROPERTY>`. `.ci/tidy` compares them with what the program reads.
    static let all: Set<String> = [
        "FULDMAGT_ACCEPT_GAP", "FULDMAGT_ADMINISTRATORS", "FULDMAGT_BATCH_BYTES", "FULDMAGT_BATCH_RECORDS",
        "FULDMAGT_CATALOGUE_PATIENCE_SECONDS", "FULDMAGT_CHANGELOG", "FULDMAGT_CLUSTER", "FULDMAGT_CLUSTER_KEY_FILE",
        "FULDMAGT_CONFIG", "FULDMAGT_DATA", "FULDMAGT_DEAD_LETTERS_IN_A_ROW", "FULDMAGT_DEAD_LETTERS_RATIO",
        "FULDMAGT_EXEMPTIONS_FROM", "FULDMAGT_HAND_OVER_SECONDS", "FULDMAGT_HTTP", "FULDMAGT_KLE_FILE",
        "FULDMAGT_LIVE_SECONDS", "FULDMAGT_PARKED_PER_CITIZEN", "FULDMAGT_PARKED_PER_SHARD", "FULDMAGT_PARKED_SECONDS",
        "FULDMAGT_POLL_MILLISECONDS", "FULDMAGT_PROCESSED_DAYS", "FULDMAGT_RECEIPT_ACCEPTED_HOURS",
        "FULDMAGT_RECEIPT_LETTER_ACCEPTED_HOURS", "FULDMAGT_RECEIPT_LETTER_SUBMITTED_HOURS",
        "FULDMAGT_RECEIPT_QUEUED_HOURS", "FULDMAGT_RECEIPT_SUBMITTED_HOURS", "FULDMAGT_RECEIPT_UNKNOWN_HOURS",
        "FULDMAGT_REQUEST_DAYS", "FULDMAGT_SENDER_CVR", "FULDMAGT_SENDER_NAME", "FULDMAGT_SOURCES", "FULDMAGT_STANDBY",
        "FULDMAGT_STOP_SECONDS", "FULDMAGT_STORE_CACHE_MIB", "FULDMAGT_STORE_DURABLE", "FULDMAGT_TEST_CLOCK",
        "FULDMAGT_TEST_KILL", "FULDMAGT_TEST_LOOK", "FULDMAGT_TEST_MODE", "FULDMAGT_WORKER_ID",
    ]

    /// What the tests of this program and its deployment scripts are told by, and `kafka.properties` of the file.
    private static let others: Set<String> = [
        "FULDMAGT_KAFKA_PROPERTIES", "FULDMAGT_TEST_BROKER", "FULDMAGT_CHAOS_SECONDS", "FULDMAGT_SIMULATED_SEEDS",
        "FULDMAGT_TEST_MINUTES", "FULDMAGT_WRITE_TABLES", "FULDMAGT_POST_NOTIFICATIONS", "FULDMAGT_PARTITIONS",
        "FULDMAGT_SWITCH_PORT",
    ]

    /// What has been complained of: a command may read its settings more than once.
    private static let told = Mutex<Set<String>>([])

    /// Says on standard error which names begin like a setting and are none, each once.
    static func complain(about names: some Sequence<String>) {
        for complaint in complaints(about: names) where told.withLock({ $0.insert(complaint).inserted }) {
            StandardError.write("fuldmagt: \(complaint)\n")
        }
    }

    /// One line for each name that begins like a setting and is none, in order.
    private static func complaints(about names: some Sequence<String>) -> [String] {
        names.filter { isUnknown($0) }.sorted().map { name in
            let nearest = all.sorted().min { distance($0, name) < distance($1, name) }
            let hint = nearest.flatMap { distance($0, name) <= 4 ? "; is \($0) meant?" : nil } ?? ""
            return "\(name) is no setting and is ignored\(hint)"
        }
    }

    /// The names that a JSON file's members stand for: `{"fuldmagt": {"batch": {"records": 1}}}` is
    /// FULDMAGT_BATCH_RECORDS.
    static func names(inFile data: Data) throws -> [String] {
        func names(_ node: Any, _ prefix: String) -> [String] {
            guard let object = node as? [String: Any] else { return [prefix] }
            return object.flatMap { key, value in
                let part = key.uppercased().replacingOccurrences(of: ".", with: "_")
                return names(value, prefix.isEmpty ? part : "\(prefix)_\(part)")
            }
        }
        return names(try JSONSerialization.jsonObject(with: data), "")
    }

    private static func isUnknown(_ name: String) -> Bool {
        guard name.hasPrefix("FULDMAGT_"), !name.hasPrefix("FULDMAGT_KAFKA_") else { return false }
        guard !all.contains(name), !others.contains(name) else { return false }
        // Kubernetes tells each container of the services beside it, such as one that is called fuldmagt.
        let isServiceLink =
            name.contains("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || name.hasSuffix("_PORT")
            || name.contains(/_PORT_[0-9]+_(TCP|UDP)/)
        return !isServiceLink
    }

    /// Levenshtein's: characters to be added, removed or changed.
    private static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other.utf8)
        var row = Array(0...other.count)
        for (at, letter) in one.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = at + 1
            for column in other.indices {
                let changed = diagonal + (letter == other[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, diagonal + 1, row[column] + 1)
            }
        }
        return row[other.count]
    }
}
