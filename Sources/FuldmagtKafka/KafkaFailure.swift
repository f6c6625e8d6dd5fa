import CRdKafka

/// What librdkafka could not do, by what follows from it.
public struct KafkaFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Consequence: String, CaseIterable, Sendable {
        /// The same call again, with backoff.
        case retriable
        /// The transaction must be aborted; then the same again.
        case abortable
        /// Another instance has taken over, or the broker knows this one no more: give up what is owned, and begin anew.
        case fenced
        /// The client is of no more use.
        case fatal
        /// A setting or a right is wrong: stop and say which.
        case configuration
    }

    /// librdkafka's code; negative ones are its own, positive ones the broker's.
    public var code: Int32
    public var consequence: Consequence
    /// What was attempted and what was answered. Names settings, never their secret values.
    public var text: String

    public init(code: Int32, consequence: Consequence, text: String) {
        self.code = code
        self.consequence = consequence
        self.text = text
    }

    public var description: String { text }

    /// Whether a record is larger than the producer or the topic allows.
    public var isTooLarge: Bool { code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue }

    /// Whether something was asked for in a state that does not allow it: what led to the state is asked for otherwise.
    public var isWrongState: Bool { code == RD_KAFKA_RESP_ERR__STATE.rawValue }

    /// Whether the broker does not know a topic, or one of its partitions.
    public var isUnknownTopic: Bool {
        [
            RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        ].contains { $0.rawValue == code }
    }

    /// Whether another member of the group has taken this one's place by its name, `group.instance.id`.
    public var isInstanceFenced: Bool { code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID.rawValue }

    init(_ code: rd_kafka_resp_err_t, doing: String) {
        let name = rd_kafka_err2name(code).map { String(cString: $0) } ?? "?"
        let explanation = rd_kafka_err2str(code).map { String(cString: $0) } ?? "?"
        self.init(
            code: code.rawValue, consequence: Self.consequence(of: code), text: "\(doing): \(explanation) (\(name))")
    }

    /// Takes over and destroys an error object of librdkafka.
    init(_ error: OpaquePointer, doing: String) {
        let code = rd_kafka_error_code(error)
        let name = rd_kafka_error_name(error).map { String(cString: $0) } ?? "?"
        let explanation = rd_kafka_error_string(error).map { String(cString: $0) } ?? "?"
        var consequence = Self.consequence(of: code)
        if consequence != .fenced, consequence != .configuration {
            if rd_kafka_error_is_fatal(error) != 0 {
                consequence = .fatal
            } else if rd_kafka_error_txn_requires_abort(error) != 0 {
                consequence = .abortable
            } else if rd_kafka_error_is_retriable(error) != 0 {
                consequence = .retriable
            }
        }
        rd_kafka_error_destroy(error)
        self.init(code: code.rawValue, consequence: consequence, text: "\(doing): \(explanation) (\(name))")
    }

    /// librdkafka says no more than that a client is of no more use; what made it so says what follows.
    static func causeOfFatal(_ code: rd_kafka_resp_err_t, _ client: OpaquePointer) -> rd_kafka_resp_err_t {
        guard code == RD_KAFKA_RESP_ERR__FATAL else { return code }
        var text = [CChar](repeating: 0, count: 256)
        let cause = rd_kafka_fatal_error(client, &text, text.count)
        return cause == RD_KAFKA_RESP_ERR_NO_ERROR ? code : cause
    }

    /// The one table from librdkafka's codes to consequences. Codes that are not named are retriable: our surroundings
    /// failed in a way that says nothing about us.
    static func consequence(of code: rd_kafka_resp_err_t) -> Consequence {
        switch code {
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
            RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED,
            RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
            RD_KAFKA_RESP_ERR_INVALID_TXN_STATE:
            .fenced
        case RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__DESTROY, RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE,
            RD_KAFKA_RESP_ERR__INCONSISTENT, RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
            .fatal
        case RD_KAFKA_RESP_ERR__STATE, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT,
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
            RD_KAFKA_RESP_ERR_INVALID_RECORD:
            .abortable
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR__INVALID_ARG,
            RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
            RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR__NOT_CONFIGURED,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, RD_KAFKA_RESP_ERR_INVALID_CONFIG,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_SECURITY_DISABLED,
            RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
            RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
            RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
            RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
            .configuration
        default: .retriable
        }
    }
}
