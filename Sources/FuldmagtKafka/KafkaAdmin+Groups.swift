import CRdKafka
import FuldmagtRecord

/// A consumer group as the broker tells of it.
public struct GroupDescription: Equatable, Sendable {
    /// Kafka's name of the state: Stable, Empty, PreparingRebalance, CompletingRebalance, Dead, Unknown.
    public var state: String
    public var members: [GroupMember]

    public init(state: String, members: [GroupMember]) {
        self.state = state
        self.members = members
    }
}

/// A member of a consumer group.
public struct GroupMember: Equatable, Sendable {
    /// `group.instance.id`, else the id that the broker gave it.
    public var name: String
    /// Where it connects from.
    public var host: String
    /// What it was given to read.
    public var partitions: [TopicPartition]

    public init(name: String, host: String, partitions: [TopicPartition]) {
        self.name = name
        self.host = host
        self.partitions = partitions
    }
}

extension KafkaFailure {
    /// Whether the broker does not know the request at all.
    public var isUnsupported: Bool {
        [RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION].contains { $0.rawValue == code }
    }
}

extension KafkaAdmin {
    /// Asks for something about groups, and waits for the answer, which `read` is given while it lasts.
    private func ask<Answer>(
        _ operation: rd_kafka_admin_op_t, doing: String, timeoutMilliseconds: Int32,
        _ send: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void,
        read: (_ event: OpaquePointer) throws(KafkaFailure) -> Answer
    ) throws(KafkaFailure) -> Answer {
        let queue = rd_kafka_queue_new(client)
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(client, operation)
        defer { rd_kafka_AdminOptions_destroy(options) }
        var explanation = [CChar](repeating: 0, count: 512)
        rd_kafka_AdminOptions_set_request_timeout(options, timeoutMilliseconds, &explanation, explanation.count)
        send(options, queue)
        guard let event = rd_kafka_queue_poll(queue, timeoutMilliseconds + 1000) else {
            throw KafkaFailure(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: doing)
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(code, doing: doing) }
        return try read(event)
    }

    /// Names of the consumer groups that there are, sorted, as far as brokers tell.
    public func groups(timeoutMilliseconds: Int32) throws(KafkaFailure) -> [String] {
        try ask(
            RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, doing: "asking for the groups",
            timeoutMilliseconds: timeoutMilliseconds
        ) { options, queue in
            rd_kafka_ListConsumerGroups(client, options, queue)
        } read: { event in
            var count = 0
            let groups = rd_kafka_ListConsumerGroups_result_valid(
                rd_kafka_event_ListConsumerGroups_result(event), &count)
            return (0..<count).compactMap { at in
                groups?[at].flatMap { rd_kafka_ConsumerGroupListing_group_id($0) }.map { String(cString: $0) }
            }.sorted()
        }
    }

    /// Members of a group, and what each reads. A group that does not exist has no members.
    public func describe(group: String, timeoutMilliseconds: Int32) throws(KafkaFailure) -> GroupDescription {
        let doing = "asking for the members of group \(group)"
        return try ask(
            RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, doing: doing, timeoutMilliseconds: timeoutMilliseconds
        ) { options, queue in
            group.withCString { name in
                var names: [UnsafePointer<CChar>?] = [name]
                rd_kafka_DescribeConsumerGroups(client, &names, 1, options, queue)
            }
        } read: { (event) throws(KafkaFailure) in
            try Self.description(in: event, doing: doing)
        }
    }

    private static func description(
        in event: OpaquePointer, doing: String
    ) throws(KafkaFailure) -> GroupDescription {
        var count = 0
        let groups = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(event), &count)
        guard count == 1, let description = groups?[0] else {
            return GroupDescription(state: "Unknown", members: [])
        }
        if let error = rd_kafka_ConsumerGroupDescription_error(description) {
            let code = rd_kafka_error_code(error)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(code, doing: doing) }
        }
        let state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(description))
        let members = (0..<rd_kafka_ConsumerGroupDescription_member_count(description)).compactMap { at in
            rd_kafka_ConsumerGroupDescription_member(description, at).map { member($0) }
        }
        return GroupDescription(
            state: state.map { String(cString: $0) } ?? "Unknown", members: members.sorted { $0.name < $1.name })
    }

    private static func member(_ member: OpaquePointer) -> GroupMember {
        let instance = rd_kafka_MemberDescription_group_instance_id(member).map { String(cString: $0) } ?? ""
        let given = rd_kafka_MemberDescription_consumer_id(member).map { String(cString: $0) } ?? ""
        let list = rd_kafka_MemberDescription_assignment(member).flatMap { rd_kafka_MemberAssignment_partitions($0) }
        return GroupMember(
            name: instance.isEmpty ? given : instance,
            host: rd_kafka_MemberDescription_host(member).map { String(cString: $0) } ?? "",
            partitions: PartitionList.partitions(of: UnsafeMutablePointer(mutating: list)).sorted())
    }
}
