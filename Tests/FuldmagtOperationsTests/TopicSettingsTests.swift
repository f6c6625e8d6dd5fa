import FuldmagtDomain
import FuldmagtOperations
import Testing

/// How topics must be set up.
@Suite struct TopicSettingsTests {
    private var created: [Topic: [String: String]] {
        Dictionary(uniqueKeysWithValues: Topic.allCases.map { ($0, $0.creationSettings) })
    }

    @Test("what is created is as it must be")
    func asCreated() { #expect(TopicSettings.problems(created) == []) }

    @Test("a broker that tells nothing is not judged")
    func silent() { #expect(TopicSettings.problems([:]) == []) }

    @Test(
        "what is set otherwise is told, with the topic",
        arguments: [
            (Topic.changelog, "cleanup.policy", "delete"), (.changelog, "cleanup.policy", "compact,delete"),
            (.changelog, "delete.retention.ms", "3600000"),
            (.changelog, "max.compaction.lag.ms", "9223372036854775807"),
            (.catalogue, "cleanup.policy", "compact,delete"), (.catalogue, "min.compaction.lag.ms", "0"),
            (.catalogue, "message.timestamp.type", "CreateTime"), (.inbox, "message.timestamp.type", "CreateTime"),
            (.inbox, "cleanup.policy", "compact"), (.deadLetters, "max.message.bytes", "8388608"),
            (.grantCommands, "retention.ms", "604799999"), (.receipts, "retention.ms", "0"),
            (.inbox, "retention.ms", "3600000"), (.exemptionCommands, "retention.bytes", "1073741824"),
            (.outcomes, "retention.bytes", "0"), (.tasks, "retention.bytes", "1073741824"),
            (.changelog, "unclean.leader.election.enable", "true"),
        ] as [(Topic, String, String)])
    func otherwise(topic: Topic, setting: String, value: String) {
        var settings = created
        settings[topic]?[setting] = value
        let problems = TopicSettings.problems(settings)
        #expect(!problems.isEmpty)
        #expect(problems.allSatisfy { $0.contains(topic.name) && $0.contains(setting) })
    }

    @Test(
        "what is kept longer, or as large as it may get, is well; so is what is compacted, and settings without a value",
        arguments: [
            (Topic.grantCommands, "retention.ms", "-1"), (.inbox, "retention.ms", "604800001"),
            (.outcomes, "retention.ms", "1"), (.outcomes, "retention.bytes", "-1"), (.inbox, "retention.bytes", ""),
            (.changelog, "retention.bytes", "1073741824"), (.moveCommands, "unclean.leader.election.enable", "false"),
            (.moveCommands, "min.insync.replicas", "1"),
        ] as [(Topic, String, String)])
    func well(topic: Topic, setting: String, value: String) {
        var settings = created
        settings[topic]?[setting] = value
        #expect(TopicSettings.problems(settings) == [])
    }

    @Test("with three copies two brokers are to have a record; with fewer, or where nobody knows, that is not judged")
    func brokersInSync() {
        func problems(_ inSync: String?, copies: Int32?) -> [String] {
            var settings = created
            settings[.inbox]?["min.insync.replicas"] = inSync
            return TopicSettings.problems(settings, copies: copies.map { [Topic.inbox: $0] } ?? [:])
        }
        #expect(problems("1", copies: 3).count == 1)
        #expect(problems("1", copies: 3).first?.hasPrefix("min.insync.replicas of fuldmagt.inbox is 1") == true)
        for (inSync, copies) in [("2", 3), ("3", 5), (nil, 3), ("1", 2), ("1", 1), ("1", nil)] as [(String?, Int32?)] {
            #expect(problems(inSync, copies: copies) == [])
        }
    }

    @Test("who may lead is no matter where there is one copy")
    func leaders() {
        var settings = created
        settings[.inbox]?["unclean.leader.election.enable"] = "true"
        #expect(TopicSettings.problems(settings, copies: [.inbox: 1]) == [])
        #expect(TopicSettings.problems(settings, copies: [.inbox: 2]).count == 1)
    }

    @Test(
        "two brokers are asked for where there are to be three copies, and then all is well",
        arguments: [-1, 1, 2, 3, 5] as [Int32])
    func copies(_ copies: Int32) {
        for topic in Topic.allCases {
            let settings = topic.creationSettings(copies: copies)
            #expect(settings["min.insync.replicas"] == (copies >= 3 ? "2" : nil))
            #expect(TopicSettings.problems([topic: settings], copies: [topic: copies]) == [])
        }
    }

    @Test("a single copy is told, and of which topics")
    func warnings() {
        func all(_ copies: Int32) -> [Topic: Int32] {
            Dictionary(uniqueKeysWithValues: Topic.allCases.map { ($0, copies) })
        }
        #expect(TopicSettings.warnings(copies: [:]) == [])
        #expect(TopicSettings.warnings(copies: all(2)) == [])
        #expect(TopicSettings.warnings(copies: all(1)).map { $0.hasPrefix("each topic has 1 copy") } == [true])
        var one = all(3)
        one[.receipts] = 1
        let warnings = TopicSettings.warnings(copies: one)
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("fuldmagt.receipts has 1 copy of each partition") == true)
        #expect(warnings.first?.contains("--replication-factor 3") == true)
    }
}
