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
        ] as [(Topic, String, String)])
    func otherwise(topic: Topic, setting: String, value: String) {
        var settings = created
        settings[topic]?[setting] = value
        let problems = TopicSettings.problems(settings)
        #expect(!problems.isEmpty)
        #expect(problems.allSatisfy { $0.contains(topic.name) && $0.contains(setting) })
    }
}
