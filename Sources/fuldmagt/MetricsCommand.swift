import ArgumentParser
import FuldmagtWorker

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "List what workers and consumers show on /metrics: name, kind, unit, labels, meaning.",
        discussion: """
            Needs no broker and no worker. Dashboards and alerts in deploy/monitoring are checked against this list.

            Examples:
              fuldmagt metrics
              fuldmagt metrics --json | jq -r .name
            """)

    @Flag(help: "One JSON object for each.")
    var json = false

    func run() {
        for metric in Metric.allCases {
            let description = metric.description
            if json {
                Output.line(
                    JSONText.object([
                        "name": metric.rawValue, "kind": description.kind.name, "unit": description.unit,
                        "labels": description.labels, "meaning": description.meaning,
                    ]))
            } else {
                let labels = description.labels.isEmpty ? "" : "{\(description.labels.joined(separator: ","))}"
                Output.line(
                    [
                        (metric.rawValue + labels).padded(to: 44), description.kind.name.padded(to: 9),
                        description.unit.padded(to: 13), description.meaning,
                    ].joined(separator: "  "))
            }
        }
    }
}
