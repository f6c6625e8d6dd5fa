import Dispatch
import FuldmagtOperations
import FuldmagtWorker
import Metrics
import Testing

@Suite struct PrometheusMetricsTests {
    @Test("the catalogue keeps Prometheus' customs", arguments: Metric.allCases)
    func catalogue(_ metric: Metric) {
        let description = metric.description
        let name = metric.rawValue
        #expect(name.hasPrefix("fuldmagt_"))
        #expect(name.utf8.allSatisfy { (97...122).contains($0) || $0 == UInt8(ascii: "_") })
        #expect(name.hasSuffix("_total") == (description.kind == .counter))
        if description.unit == "seconds" { #expect(name.contains("_seconds")) }
        #expect(!description.unit.isEmpty && description.meaning.hasSuffix("."))
        #expect(!description.meaning.contains("\n") && !description.meaning.contains("\\"))
        let allowed: Set<String> = [
            "shard", "reason", "status", "phase", "event", "activity", "channel", "state", "transport", "consumer",
            "result",
        ]
        #expect(Set(description.labels).isSubset(of: allowed))
        if case .histogram(let bounds) = description.kind { #expect(bounds == bounds.sorted() && !bounds.isEmpty) }
    }

    @Test("counters, gauges and histograms are shown as Prometheus reads them")
    func exposition() {
        let metrics = PrometheusMetrics()
        let records = Counter(label: "fuldmagt_records_total", factory: metrics)
        records.increment(by: 3)
        Counter(label: "fuldmagt_records_total", factory: metrics).increment()
        FloatingPointCounter(
            label: "fuldmagt_phase_seconds_total", dimensions: [("phase", "poll")], factory: metrics
        ).increment(by: 0.25)
        Gauge(label: "fuldmagt_lag_records", dimensions: [("shard", "1")], factory: metrics).record(7)
        Gauge(label: "fuldmagt_lag_records", dimensions: [("shard", "0")], factory: metrics).record(2.5)
        let turn = Recorder(label: "fuldmagt_turn_seconds", aggregate: true, factory: metrics)
        turn.record(0.004)
        turn.record(0.005)
        turn.record(60)
        let lines = metrics.text.split(separator: "\n").map(String.init)
        #expect(lines.contains("# TYPE fuldmagt_records_total counter"))
        #expect(lines.contains("fuldmagt_records_total 4"))
        #expect(lines.contains(#"fuldmagt_phase_seconds_total{phase="poll"} 0.25"#))
        let gauges = lines.filter { $0.hasPrefix("fuldmagt_lag_records{") }
        #expect(gauges == [#"fuldmagt_lag_records{shard="0"} 2.5"#, #"fuldmagt_lag_records{shard="1"} 7"#])
        #expect(lines.contains(#"fuldmagt_turn_seconds_bucket{le="0.005"} 2"#))
        #expect(lines.contains(#"fuldmagt_turn_seconds_bucket{le="30"} 2"#))
        #expect(lines.contains(#"fuldmagt_turn_seconds_bucket{le="+Inf"} 3"#))
        #expect(lines.contains("fuldmagt_turn_seconds_count 3"))
        #expect(metrics.text.hasSuffix("\n"))
        #expect(Set(lines.filter { $0.hasPrefix("# HELP") }).count == lines.filter { $0.hasPrefix("# HELP") }.count)
    }

    @Test("what is not in the catalogue, or could hold a person's number, is refused and counted")
    func refused() {
        let metrics = PrometheusMetrics()
        Counter(label: "somebody_elses_total", factory: metrics).increment()
        Gauge(label: "fuldmagt_records_total", factory: metrics).record(1)
        Gauge(label: "fuldmagt_lag_records", factory: metrics).record(1)
        Gauge(label: "fuldmagt_lag_records", dimensions: [("citizen", "1")], factory: metrics).record(1)
        Counter(label: "fuldmagt_rejections_total", dimensions: [("reason", "6101500014")], factory: metrics)
            .increment()
        Counter(label: "fuldmagt_rejections_total", dimensions: [("reason", "Anna\"} 1")], factory: metrics).increment()
        let text = metrics.text
        #expect(text.contains("fuldmagt_metrics_refused_total 6"))
        #expect(text.split(separator: "\n").filter { !$0.hasPrefix("#") }.count == 1)
    }

    @Test("label sets are bounded, and room comes back when one is destroyed")
    func bounded() {
        let metrics = PrometheusMetrics(maximumLabelSets: 2)
        let shards = (0..<3).map {
            Gauge(label: "fuldmagt_lag_records", dimensions: [("shard", "\($0)")], factory: metrics)
        }
        for shard in shards { shard.record(1) }
        #expect(metrics.text.contains("fuldmagt_metrics_refused_total 1"))
        #expect(!metrics.text.contains(#"shard="2""#))
        shards[0].destroy()
        shards[2].destroy()
        Gauge(label: "fuldmagt_lag_records", dimensions: [("shard", "2")], factory: metrics).record(9)
        #expect(metrics.text.contains(#"fuldmagt_lag_records{shard="2"} 9"#))
        #expect(!metrics.text.contains(#"shard="0""#))
    }

    @Test("counts of many threads all arrive")
    func threads() {
        let metrics = PrometheusMetrics()
        DispatchQueue.concurrentPerform(iterations: 64) { _ in
            for _ in 0..<500 {
                Counter(label: "fuldmagt_records_total", factory: metrics).increment()
                Recorder(label: "fuldmagt_turn_seconds", factory: metrics).record(0.01)
            }
        }
        #expect(metrics.text.contains("fuldmagt_records_total 32000"))
        #expect(metrics.text.contains("fuldmagt_turn_seconds_count 32000"))
    }
}
