import FuldmagtWorker
import Metrics
import Synchronization

/// Keeps the metrics of this process for Prometheus: only those of the catalogue, with the catalogue's labels, and no more
/// label sets than a limit. What is refused is counted in `fuldmagt_metrics_refused_total`.
///
/// Label values are short codes and numbers; anything else is refused, so that nothing about a person can get into one.
public final class PrometheusMetrics: MetricsFactory {
    private enum Handler {
        case sample(Sample)
        case histogram(Histogram)
    }

    private struct State {
        var handlers: [Place: Handler] = [:]
        var labelSets: [String: Int] = [:]
        var refused: UInt64 = 0
    }

    private let state = Mutex(State())
    private let maximumLabelSets: Int

    /// - Parameter maximumLabelSets: of one metric; a shard is one, so at least the number of partitions.
    public init(maximumLabelSets: Int = 2_000) { self.maximumLabelSets = maximumLabelSets }

    // MARK: Registration

    private enum Shape { case counter, gauge, histogram }

    private static func shape(_ kind: Metric.Kind) -> Shape {
        switch kind {
        case .counter: .counter
        case .gauge: .gauge
        case .histogram: .histogram
        }
    }

    private func handler(_ name: String, _ dimensions: [(String, String)], _ shape: Shape) -> Handler? {
        let description = Metric(rawValue: name)?.description
        return state.withLock { state in
            guard let description, Self.shape(description.kind) == shape,
                let labels = Self.labels(dimensions, of: description)
            else {
                state.refused += 1
                return nil
            }
            let place = Place(name: name, labels: labels)
            if let handler = state.handlers[place] { return handler }
            guard state.labelSets[name, default: 0] < maximumLabelSets else {
                state.refused += 1
                return nil
            }
            state.labelSets[name, default: 0] += 1
            let handler: Handler
            if case .histogram(let bounds) = description.kind {
                handler = .histogram(Histogram(place, bounds: bounds))
            } else {
                handler = .sample(Sample(place))
            }
            state.handlers[place] = handler
            return handler
        }
    }

    /// - Returns: nil when names are not the catalogue's, or a value is no short code.
    private static func labels(_ dimensions: [(String, String)], of description: Metric.Description) -> String? {
        guard dimensions.count == description.labels.count else { return nil }
        var parts: [String] = []
        for name in description.labels {
            guard let value = dimensions.first(where: { $0.0 == name })?.1, isCode(value) else { return nil }
            parts.append("\(name)=\"\(value)\"")
        }
        return parts.joined(separator: ",")
    }

    /// Up to 40 of a-z, 0-9, hyphen and underscore, with no more than six digits: shorter than any number of a person.
    private static func isCode(_ text: String) -> Bool {
        var digits = 0
        for byte in text.utf8 {
            switch byte {
            case 48...57: digits += 1
            case 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): break
            default: return false
            }
        }
        return !text.isEmpty && text.utf8.count <= 40 && digits <= 6
    }

    private func sample(_ name: String, _ dimensions: [(String, String)], _ shape: Shape) -> Sample? {
        guard case .sample(let sample) = handler(name, dimensions, shape) else { return nil }
        return sample
    }

    private func histogram(_ name: String, _ dimensions: [(String, String)]) -> Histogram? {
        guard case .histogram(let histogram) = handler(name, dimensions, .histogram) else { return nil }
        return histogram
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        sample(label, dimensions, .counter) ?? Refused.one
    }
    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)])
        -> any FloatingPointCounterHandler
    {
        sample(label, dimensions, .counter) ?? Refused.one
    }
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        sample(label, dimensions, .gauge) ?? Refused.one
    }
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { return histogram(label, dimensions) ?? Refused.one }
        return sample(label, dimensions, .gauge) ?? Refused.one
    }
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions) ?? Refused.one
    }

    // MARK: Removal

    private func remove(_ place: Place?) {
        guard let place else { return }
        state.withLock { state in
            guard state.handlers.removeValue(forKey: place) != nil else { return }
            state.labelSets[place.name, default: 1] -= 1
        }
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove((handler as? Sample)?.place) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        remove((handler as? Sample)?.place)
    }
    public func destroyMeter(_ handler: any MeterHandler) { remove((handler as? Sample)?.place) }
    public func destroyRecorder(_ handler: any RecorderHandler) {
        remove((handler as? Sample)?.place ?? (handler as? Histogram)?.place)
    }
    public func destroyTimer(_ handler: any TimerHandler) { remove((handler as? Histogram)?.place) }

    // MARK: Exposition

    /// What `text` is.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Everything, in Prometheus' text format: metrics in the catalogue's order, label sets sorted. A metric without
    /// labels and without samples yet is left out.
    public var text: String {
        let (handlers, refused) = state.withLock { ($0.handlers, $0.refused) }
        let byName = Dictionary(grouping: handlers, by: \.key.name)
        var text = ""
        for metric in Metric.allCases {
            var lines = ""
            if metric == .metricsRefused { lines = "\(metric.rawValue) \(refused)\n" }
            for (place, handler) in (byName[metric.rawValue] ?? []).sorted(by: { $0.key.labels < $1.key.labels }) {
                Self.write(handler, at: place, to: &lines)
            }
            guard !lines.isEmpty else { continue }
            let description = metric.description
            text += "# HELP \(metric.rawValue) \(description.meaning)\n"
            text += "# TYPE \(metric.rawValue) \(description.kind.name)\n"
            text += lines
        }
        return text
    }

    private static func write(_ handler: Handler, at place: Place, to text: inout String) {
        func line(_ suffix: String, _ labels: String, _ value: String) {
            text += "\(place.name)\(suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
        }
        switch handler {
        case .sample(let sample): line("", place.labels, number(sample.value))
        case .histogram(let histogram):
            let counts = histogram.counts
            let comma = place.labels.isEmpty ? "" : ","
            var below: UInt64 = 0
            for (bound, count) in zip(histogram.bounds, counts.buckets) {
                below += count
                line("_bucket", "\(place.labels)\(comma)le=\"\(number(bound))\"", String(below))
            }
            line("_bucket", "\(place.labels)\(comma)le=\"+Inf\"", String(counts.count))
            line("_sum", place.labels, number(counts.sum))
            line("_count", place.labels, String(counts.count))
        }
    }

    private static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return value.isNaN ? "NaN" : value.isInfinite ? (value > 0 ? "+Inf" : "-Inf") : String(value)
    }
}
