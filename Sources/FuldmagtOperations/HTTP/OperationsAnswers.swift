import FuldmagtJSON
import FuldmagtWorker

/// An answer by HTTP.
public struct HTTPAnswer: Equatable, Sendable {
    public var status: Int
    public var contentType: String
    public var body: String
    /// Seconds after which the same may be asked again; nil where that is not said.
    public var retryAfter: Int?

    public init(status: Int, contentType: String, body: String, retryAfter: Int? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.retryAfter = retryAfter
    }
}

/// What probes ask, whatever runs: a worker, or a consumer of notifications.
public protocol Probed: Sendable {
    /// Whether there was a sign of life lately.
    func isAlive(within seconds: Int) -> Bool
    /// Seconds since the last.
    var silence: Double { get }
    /// Why it is not ready; empty when it is.
    var problems: [WorkerHealth.Problem] { get }
    /// Brings gauges up to this moment. Called before each scrape.
    func refresh()
}

extension WorkerHealth: Probed {}

/// What probes and scrapes are answered: a table of three paths. Nothing here knows of sockets.
public struct OperationsAnswers: Sendable {
    private let health: any Probed
    private let metrics: PrometheusMetrics
    private let liveSeconds: Int

    /// - Parameter liveSeconds: how long the run loop may be silent and still be taken for alive. One call to a broker
    ///   that does not answer takes 30 s, and a turn makes a few.
    public init(health: any Probed, metrics: PrometheusMetrics, liveSeconds: Int) {
        self.health = health
        self.metrics = metrics
        self.liveSeconds = liveSeconds
    }

    /// - Parameter path: of the request, without its query.
    public func answer(method: String, path: String) -> HTTPAnswer {
        guard method == "GET" || method == "HEAD" else {
            return json(405) { $0.member("error", "only GET and HEAD are answered") }
        }
        switch path {
        case "/livez":
            let isAlive = health.isAlive(within: liveSeconds)
            let silence = Int(health.silence)
            return json(isAlive ? 200 : 503) {
                $0.member("alive", isAlive)
                $0.member("secondsSinceLastTurn", silence)
                $0.member("allowed", liveSeconds)
            }
        case "/readyz":
            let problems = health.problems
            return json(problems.isEmpty ? 200 : 503) { json in
                json.member("ready", problems.isEmpty)
                json.key("problems")
                json.beginArray()
                for problem in problems {
                    json.beginObject()
                    json.member("code", problem.code)
                    json.member("text", problem.text)
                    json.endObject()
                }
                json.endArray()
            }
        case "/metrics":
            health.refresh()
            return HTTPAnswer(status: 200, contentType: PrometheusMetrics.contentType, body: metrics.text)
        default:
            return json(404) { $0.member("error", "there are /livez, /readyz and /metrics") }
        }
    }

    private func json(_ status: Int, _ members: (inout JSONWriter) -> Void) -> HTTPAnswer {
        var json = JSONWriter()
        json.beginObject()
        members(&json)
        json.endObject()
        return HTTPAnswer(
            status: status, contentType: "application/json", body: String(decoding: json.finish(), as: UTF8.self))
    }
}
