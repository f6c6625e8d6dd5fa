import CRdKafka
import Glibc

/// Keeps a consumer from asking a broker that answers at once all the time.
///
/// A broker is asked to hold an empty answer back for a moment (`fetch.wait.max.ms`). One that does not, or that counts
/// what an open transaction has written and its readers cannot see yet, would be asked thousands of times a second, on two
/// cores a good part of both. librdkafka has no setting for a pause between answers. So its thread of that broker waits here,
/// though an interceptor is asked not to hold it up: what else goes that way, questions for leaders and for where topics end, is
/// seldom and may wait these two milliseconds. The group's coordinator, and so heartbeats and commits, has a thread of its own.
enum FetchPace {
    /// From asking to taking the answer in, at least: microseconds. What has come meanwhile waits so long at most.
    static let least: Int64 = 2_000

    private static let fetch: Int16 = 1

    /// How long to wait before an answer is taken in, microseconds.
    /// - Parameters:
    ///   - request: the protocol's number of what was asked, negative where there was no answer.
    ///   - roundTrip: what passed since it was asked, microseconds, negative where that is not known.
    static func pause(after request: Int16, roundTrip: Int64) -> Int64 {
        request == fetch && roundTrip >= 0 ? max(0, least - roundTrip) : 0
    }

    /// Sets the pace of the client that will be made of a configuration.
    static func keep(in configuration: OpaquePointer) throws(KafkaFailure) {
        let code = rd_kafka_conf_interceptor_add_on_new(
            configuration, "pace",
            { client, _, _, _, _ in
                rd_kafka_interceptor_add_on_response_received(
                    client, "pace",
                    { _, _, _, _, request, _, _, _, roundTrip, _, _ in
                        let pause = FetchPace.pause(after: request, roundTrip: roundTrip)
                        if pause > 0 { usleep(UInt32(pause)) }
                        return RD_KAFKA_RESP_ERR_NO_ERROR
                    }, nil)
            }, nil)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(code, doing: "setting the pace of fetches") }
    }
}
