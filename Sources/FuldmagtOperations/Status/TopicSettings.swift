import FuldmagtDomain
import FuldmagtWorker

extension Topic {
    /// How `topics create` sets a topic up.
    public var creationSettings: [String: String] {
        let day: Int64 = 86_400_000
        var settings = [
            "message.timestamp.type": "LogAppendTime",
            // What is set aside is a whole record of another topic and more headers, perhaps no longer compressed.
            "max.message.bytes": self == .deadLetters ? "16777216" : "8388608",
        ]
        switch self {
        case .catalogue:
            settings["cleanup.policy"] = "compact"
            settings["min.compaction.lag.ms"] = String(Catalogue.rememberedDays * day)
        case .changelog:
            settings["cleanup.policy"] = "compact"
            // What is deleted in a shard can be read there until then.
            settings["max.compaction.lag.ms"] = String(7 * day)
            // A copy that lags behind learns of deletions for so long.
            settings["delete.retention.ms"] = String(TopicSettings.deletionsToldFor)
        case .grantCommands, .moveCommands, .exemptionCommands, .inbox, .receipts:
            settings["cleanup.policy"] = "delete"
            settings["retention.ms"] = String(7 * day)
        case .outcomes, .notifications:
            settings["cleanup.policy"] = "delete"
            settings["retention.ms"] = String(28 * day)
        case .deadLetters, .tasks:
            settings["cleanup.policy"] = "delete"
            settings["retention.ms"] = String(365 * day)
        }
        return settings
    }

    /// How `topics create` sets a topic up of which more than one broker is to keep copies.
    /// - Parameter copies: that are asked for; -1 for as many as the broker makes of itself.
    public func creationSettings(copies: Int32) -> [String: String] {
        var settings = creationSettings
        // What one broker alone has taken would be gone with its disk. Of three, one can be away all the same.
        if copies >= TopicSettings.manyCopies { settings["min.insync.replicas"] = "2" }
        return settings
    }
}

/// What topics must be set to, whoever made them.
public enum TopicSettings {
    /// How long deletions are told in the changelog, milliseconds: twice as long as a copy of a shard may lag behind.
    static let deletionsToldFor = 2 * Standby.longestLag

    /// From so many copies of a topic on, two of them can be asked for with each record.
    static let manyCopies: Int32 = 3

    /// What is set otherwise than it must be, and what would follow.
    /// - Parameters:
    ///   - settings: of each topic, as a broker tells them; those it does not tell are not judged.
    ///   - copies: of each topic, as far as they are known.
    public static func problems(_ settings: [Topic: [String: String]], copies: [Topic: Int32] = [:]) -> [String] {
        func number(_ setting: String, _ topic: Topic) -> Int64? { settings[topic]?[setting].flatMap { Int64($0) } }
        var problems = sizes(number)
        problems += policies(settings)
        problems += times(settings)
        problems += retention(settings, number)
        problems += losses(settings, copies)
        let lagging = least(
            "min.compaction.lag.ms", of: .catalogue, Catalogue.rememberedDays * 86_400_000, number,
            otherwise: "may be compacted after %d ms: whoever reads it then may take a repeat for a new record")
        if let lagging { problems.append(lagging) }
        let told = least(
            "delete.retention.ms", of: .changelog, deletionsToldFor, number,
            otherwise: "tells of deletions for %d ms only: a copy of a shard that lags behind would keep deleted rows")
        if let told { problems.append(told) }
        let kept = erased(number)
        if let kept { problems.append(kept) }
        return problems
    }

    /// What is well for trying out, and not in production.
    /// - Parameter copies: of each topic, as far as they are known.
    public static func warnings(copies: [Topic: Int32]) -> [String] {
        let single = Topic.allCases.filter { copies[$0] == 1 }
        guard !single.isEmpty else { return [] }
        let isEach = single.count == Topic.allCases.count
        let names = isEach ? "each topic" : single.map(\.name).joined(separator: ", ")
        return [
            "\(names) \(isEach || single.count == 1 ? "has" : "have") 1 copy of each partition: fine for trying out, in production create with --replication-factor 3"
        ]
    }

    private typealias Numbers = (_ setting: String, _ topic: Topic) -> Int64?

    private static func sizes(_ number: Numbers) -> [String] {
        let size = "max.message.bytes"
        let room: Int64 = 65_536
        guard let largest = number(size, .deadLetters) else { return [] }
        var problems: [String] = []
        for topic in Topic.read {
            guard let other = number(size, topic), other + room > largest else { continue }
            problems.append(
                "\(Topic.deadLetters.name) takes records of \(largest) bytes, and \(topic.name) of \(other): one that cannot be read could not be set aside, and its worker would wait. Set \(size) of \(Topic.deadLetters.name) to \(2 * other) or more"
            )
        }
        return problems
    }

    /// A catalogue or a changelog that forgets by age would lose what nobody has said again since.
    private static func policies(_ settings: [Topic: [String: String]]) -> [String] {
        let policy = "cleanup.policy"
        var problems = unlike(
            policy, of: [.catalogue, .changelog], settings,
            "what was said of old would be deleted, and nobody could tell. Set it to compact"
        ) { $0 == "compact" }
        problems += unlike(
            policy, of: Topic.consumed, settings,
            "of several records with one key only the last would be read. Set it to delete"
        ) { !$0.contains("compact") }
        return problems
    }

    /// What a sender writes as a time is not what a command is decided by.
    private static func times(_ settings: [Topic: [String: String]]) -> [String] {
        unlike(
            "message.timestamp.type", of: Topic.read, settings,
            "commands would be decided as of the time that their senders write. Set it to LogAppendTime"
        ) { $0 == "LogAppendTime" }
    }

    /// Records that are deleted before anybody was bound to have read them.
    private static func retention(_ settings: [Topic: [String: String]], _ number: Numbers) -> [String] {
        let age = "retention.ms"
        var problems: [String] = []
        for topic in Topic.consumed {
            // -1 is for ever.
            guard let least = topic.creationSettings[age].flatMap({ Int64($0) }), let set = number(age, topic),
                set >= 0, set < least
            else { continue }
            problems.append(
                "\(age) of \(topic.name) is \(set): after a stop as long as that records would be gone that nobody has read. Set it to \(least) or more"
            )
        }
        let size = "retention.bytes"
        let policy = "cleanup.policy"
        for topic in Topic.allCases {
            let isCompacted = (settings[topic]?[policy] ?? topic.creationSettings[policy]) == "compact"
            guard !isCompacted, let set = number(size, topic), set != -1 else { continue }
            problems.append(
                "\(size) of \(topic.name) is \(set): under load records would be deleted long before their time. Set it to -1"
            )
        }
        return problems
    }

    /// Records that were acknowledged, and that are gone with one broker.
    private static func losses(_ settings: [Topic: [String: String]], _ copies: [Topic: Int32]) -> [String] {
        // Where there is one copy no other can lead.
        var problems = unlike(
            "unclean.leader.election.enable", of: Topic.allCases.filter { copies[$0] != 1 }, settings,
            "a broker that lags behind could lead, and what it has not got would be gone. Set it to false"
        ) { $0 != "true" }
        problems += unlike(
            "min.insync.replicas", of: Topic.allCases.filter { copies[$0] ?? 0 >= manyCopies }, settings,
            "what one broker alone has taken is acknowledged, and gone with its disk. Set it to 2"
        ) { $0 != "1" }
        return problems
    }

    /// A problem for each topic whose setting is told and not right.
    private static func unlike(
        _ setting: String, of topics: [Topic], _ settings: [Topic: [String: String]], _ consequence: String,
        isRight: (String) -> Bool
    ) -> [String] {
        topics.compactMap { topic in
            guard let set = settings[topic]?[setting], !isRight(set) else { return nil }
            return "\(setting) of \(topic.name) is \(set): \(consequence)"
        }
    }

    private static func least(
        _ setting: String, of topic: Topic, _ least: Int64, _ number: Numbers, otherwise: String
    ) -> String? {
        guard let set = number(setting, topic), set < least else { return nil }
        return
            "\(topic.name) \(otherwise.replacing("%d", with: String(set))). Set \(setting) to \(least) or more"
    }

    private static func erased(_ number: Numbers) -> String? {
        let longest: Int64 = 30 * 86_400_000
        let lag = "max.compaction.lag.ms"
        guard let set = number(lag, .changelog), set > longest else { return nil }
        return
            "\(Topic.changelog.name) may keep for \(set) ms what was deleted in the shards: what somebody wanted erased can be read there as long. Set \(lag) to \(longest) or less"
    }
}
