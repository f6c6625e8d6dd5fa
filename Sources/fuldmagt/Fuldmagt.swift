import ArgumentParser
import Foundation
import FuldmagtStore

@main
struct Fuldmagt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuldmagt",
        abstract: "Digital powers of attorney: decides commands from Kafka, keeps the state in SQLite.",
        discussion: """
            Settings are environment variables, or members of the JSON file that FULDMAGT_CONFIG names: \
            FULDMAGT_WORKER_ID is {"fuldmagt": {"worker.id": "…"}} there, and Kafka's properties are the list \
            "kafka.properties": ["property=value"]. These are enough to begin with; all of them, with what is allowed: \
            fuldmagt help worker.
              FULDMAGT_KAFKA_BOOTSTRAP_SERVERS  host:port,host:port
                                                (default localhost:9092)
              FULDMAGT_KAFKA_<PROPERTY>         any of librdkafka's, dots as underscores:
                                                FULDMAGT_KAFKA_SECURITY_PROTOCOL=ssl
              FULDMAGT_DATA                     folder of the shard files
                                                (default ./fuldmagt-data)
              FULDMAGT_CLUSTER                  name of the cluster: 1 to 64 of a-z, 0-9
                                                and - (default fuldmagt)
              FULDMAGT_CLUSTER_KEY_FILE         file with the key that all workers share:
                                                openssl rand -hex 32 > cluster.key
              FULDMAGT_WORKER_ID                name of this worker, and of no other:
                                                1 to 200 of A-Z, a-z, 0-9, ., _ and -
                                                (default: the host's name)
              FULDMAGT_TEST_MODE                1: test persons are admitted, and no key is
                                                needed. Never in production

            Examples:
              fuldmagt topics create --partitions 4
              fuldmagt worker
              fuldmagt publish day.jsonl && fuldmagt outcomes --follow
              fuldmagt status

            Exit codes:
              0   done
              1   failed at work, or standard output could not be written
              3   a check found something
              64  wrong arguments
              75  the broker or the disk did not answer in time: try again
              78  a setting is wrong
            """,
        version: "0.1.0",
        subcommands: [
            TopicsCommand.self, WorkerCommand.self, PublishCommand.self, OutcomesCommand.self,
            NotificationsCommand.self, DeadLettersCommand.self, ParkedCommands.self, JobCommand.self,
            PostCommand.self, StatusCommand.self, MetricsCommand.self, StoreCommand.self, ValidateCommand.self,
            ContractCommand.self, BenchCommand.self, SimulateCommand.self,
        ])

    /// Parses the command line, and does what it says.
    static func main() async {
        // Shards, frames, ledgers and jobs hold what people wrote. No command makes a file or a folder for others: what they
        // are to have goes to standard output, or is fetched by whoever the program runs as.
        umask(0o077)
        await main(nil)
    }
}

/// How a command ended; see the exit codes in `fuldmagt --help`.
enum Exit {
    static let failure = ExitCode(1)
    static let found = ExitCode(3)
    static let usage = ExitCode(64)
    static let temporary = ExitCode(75)
    static let setting = ExitCode(78)

    /// Says on standard error why, and gives the code to end with.
    static func saying(_ text: String, _ code: ExitCode) -> ExitCode {
        StandardError.write("fuldmagt: \(text)\n")
        return code
    }

    /// The same of what a store refused.
    /// - Parameter option: what named the folder.
    static func saying(_ error: StoreError, of option: String) -> ExitCode {
        saying("\(option): \(error)", error.consequence == .retry ? temporary : failure)
    }
}

/// Where a command says how it fares; what it was asked for goes to standard output.
enum StandardError {
    /// What cannot be written, as to a file on a full disk, is lost: that ends nobody, and there is nowhere left to say it.
    static func write(_ text: String) {
        do { try FileHandle.standardError.write(contentsOf: Data(text.utf8)) } catch { return }
    }
}
