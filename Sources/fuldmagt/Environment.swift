import ArgumentParser
import Configuration
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtKeys
import FuldmagtWorker
import SystemPackage

/// Settings from environment variables and, below them, a JSON file.
struct Environment {
    private let reader: ConfigReader
    private let variables: [String: String]

    /// - Throws: when the file that FULDMAGT_CONFIG names cannot be read.
    init() async throws {
        variables = ProcessInfo.processInfo.environment
        var names = Set(variables.keys)
        var inFile: [String] = []
        var providers: [any ConfigProvider] = [EnvironmentVariablesProvider()]
        if let path = variables["FULDMAGT_CONFIG"], !path.isEmpty {
            do {
                providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(path)))
                inFile = try SettingNames.names(inFile: Data(contentsOf: URL(fileURLWithPath: path)))
            } catch {
                throw Exit.saying("FULDMAGT_CONFIG: \(path) is not a readable JSON file", Exit.setting)
            }
            // Nobody would read them, and who wrote security.protocol there would connect without.
            for name in inFile where !name.hasPrefix("FULDMAGT_") {
                throw Exit.saying(
                    "FULDMAGT_CONFIG: \(path): its only member is to be “fuldmagt”, with the settings in it",
                    Exit.setting)
            }
            for name in inFile where name.hasPrefix("FULDMAGT_KAFKA_") && name != "FULDMAGT_KAFKA_PROPERTIES" {
                throw Exit.saying(
                    "FULDMAGT_CONFIG: \(path): Kafka's properties stand in “kafka.properties”, each a text of the form property=value",
                    Exit.setting)
            }
            names.formUnion(inFile)
        }
        reader = ConfigReader(providers: providers).scoped(to: "fuldmagt")
        SettingNames.complain(about: names)
    }

    /// A member of the file may be a number where digits are meant, as a CVR number's are.
    func text(_ key: ConfigKey) -> String? {
        (reader.string(forKey: key) ?? reader.int(forKey: key).map(String.init)).flatMap { $0.isEmpty ? nil : $0 }
    }

    func number(_ key: ConfigKey, name: String, default value: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let text = text(key) else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw Exit.saying(
                "\(name) is “\(text)”; a whole number from \(range.lowerBound) to \(range.upperBound) is allowed",
                Exit.setting)
        }
        return number
    }

    /// Where to answer probes and scrapes; nil where it is not set.
    var listenerAddress: (host: String, port: Int)? {
        get throws {
            guard let text = text("http") else { return nil }
            guard let address = Self.address(text) else {
                throw Exit.saying(
                    "FULDMAGT_HTTP is “\(text)”; host:port is allowed, such as 127.0.0.1:9464", Exit.setting)
            }
            return address
        }
    }

    /// An address to listen on; nil where the text is none.
    static func address(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon != text.startIndex
        else { return nil }
        return (text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]")), port)
    }

    /// A share of something; nil where it is not set, or 0.
    func share(_ key: ConfigKey, name: String) throws -> Double? {
        guard let text = text(key) ?? reader.double(forKey: key).map({ String($0) }) else { return nil }
        guard let share = Double(text), (0...1).contains(share) else {
            throw Exit.saying("\(name) is “\(text)”; a number from 0 (off) to 1 is allowed", Exit.setting)
        }
        return share == 0 ? nil : share
    }

    func flag(_ key: ConfigKey, name: String, default value: Bool) throws -> Bool {
        guard let text = text(key) ?? reader.bool(forKey: key).map({ String($0) }) else { return value }
        switch text.lowercased() {
        case "1", "true", "yes", "on": return true
        case "0", "false", "no", "off": return false
        default: throw Exit.saying("\(name) is “\(text)”; 1 or 0 is allowed", Exit.setting)
        }
    }

    // MARK: What commands need

    var isTestMode: Bool {
        get throws { try flag("test.mode", name: "FULDMAGT_TEST_MODE", default: false) }
    }

    var cluster: String {
        get throws { try name("cluster", "FULDMAGT_CLUSTER", default: "fuldmagt", longest: 64, "a-z, 0-9 and -", "-") }
    }

    var directory: String { text("data") ?? "fuldmagt-data" }

    /// Part of names that Kafka is told, of file names, and of a text in which blanks part names.
    var workerID: String {
        get throws {
            try name(
                "worker.id", "FULDMAGT_WORKER_ID", default: ProcessInfo.processInfo.hostName,
                longest: 200, "A-Z, a-z, 0-9, ., _ and -", "._-", allowsCapitals: true)
        }
    }

    /// A setting that becomes part of names.
    /// - Parameters:
    ///   - letters: which are allowed, for people.
    ///   - marks: those that are neither letters nor digits.
    private func name(
        _ key: ConfigKey, _ variable: String, default standard: String, longest: Int, _ letters: String,
        _ marks: String, allowsCapitals: Bool = false
    ) throws -> String {
        let name = text(key) ?? standard
        let isAllowed = name.utf8.allSatisfy {
            (48...57).contains($0) || (97...122).contains($0) || marks.utf8.contains($0)
                || allowsCapitals && (65...90).contains($0)
        }
        guard isAllowed, (1...longest).contains(name.utf8.count) else {
            throw Exit.saying("\(variable) is “\(name)”; 1 to \(longest) of \(letters) are allowed", Exit.setting)
        }
        return name
    }

    /// The properties of librdkafka: from `kafka.properties` in the file, then from variables.
    var kafka: KafkaConfiguration {
        get throws {
            var properties = ["bootstrap.servers": "localhost:9092"]
            for line in reader.stringArray(forKey: "kafka.properties") ?? [] {
                guard let equals = line.firstIndex(of: "=") else {
                    throw Exit.saying(
                        "kafka.properties: each is a text of the form property=value", Exit.setting)
                }
                properties[String(line[..<equals])] = String(line[line.index(after: equals)...])
            }
            let prefix = "FULDMAGT_KAFKA_"
            for (name, value) in variables where name.hasPrefix(prefix) && name != "FULDMAGT_KAFKA_PROPERTIES" {
                let property = name.dropFirst(prefix.count).lowercased().replacingOccurrences(of: "_", with: ".")
                properties[property] = value
            }
            let configuration = KafkaConfiguration(properties)
            if let refusal = configuration.refusal {
                let name = prefix + refusal.name.uppercased().replacingOccurrences(of: ".", with: "_")
                throw Exit.saying("\(name) \(refusal.text)", Exit.setting)
            }
            return configuration
        }
    }

    /// The properties of a worker: it keeps its place in the group over a restart unless told otherwise.
    var workerKafka: KafkaConfiguration {
        get throws {
            KafkaConfiguration(["group.instance.id": try workerID, "session.timeout.ms": "15000"])
                .setting(try kafka.properties)
        }
    }

    var keys: ClusterKey {
        get throws {
            guard let path = text("cluster.key.file") else {
                guard try isTestMode else {
                    throw Exit.saying(
                        "FULDMAGT_CLUSTER_KEY_FILE is not set; make a key with: openssl rand -hex 32 > cluster.key, give it to every worker of the cluster, and set the variable to its path",
                        Exit.setting)
                }
                // Known to everyone, so of use for test persons only.
                return try ClusterKey(hex: String(repeating: "7e57", count: 16))
            }
            guard let text = FileManager.default.contents(atPath: path).map({ String(decoding: $0, as: UTF8.self) })
            else {
                throw Exit.saying("FULDMAGT_CLUSTER_KEY_FILE: \(path) cannot be read", Exit.setting)
            }
            do {
                return try ClusterKey(hex: text)
            } catch {
                throw Exit.saying("FULDMAGT_CLUSTER_KEY_FILE: \(path): \(error)", Exit.setting)
            }
        }
    }

    /// Settings for who checks or foresees commands, and writes nothing in the name of an authority: that may be an example.
    func settings(partitions: Int32) throws -> Settings {
        try settings(partitions: partitions, sender: readSender() ?? Self.exampleSender)
    }

    private func settings(partitions: Int32, sender: Sender) throws -> Settings {
        let sources = try sources
        let administrators = try administrators
        guard administrators.isEmpty || sources == .enforce else {
            throw Exit.saying(
                "FULDMAGT_ADMINISTRATORS is set, and FULDMAGT_SOURCES is \(sources.rawValue), so anybody could change the catalogue: set FULDMAGT_SOURCES=enforce on every worker of the cluster, or leave FULDMAGT_ADMINISTRATORS out",
                Exit.setting)
        }
        return Settings(
            admitsTestPersons: try isTestMode, sender: sender, cluster: try cluster, partitions: partitions,
            kle: try kle,
            requestDays: try number("request.days", name: "FULDMAGT_REQUEST_DAYS", default: 180, in: 1...3_650),
            sources: sources, exemptionsFromAnyMunicipality: try anyMunicipality,
            administrators: administrators, patience: try patience)
    }

    private static let exampleSender = Sender(cvr: "10000009", name: "Fuldmagt (example authority)")

    /// The authority that tells people things.
    /// - Throws: where it is not set outside test mode: people would be told by an example.
    var sender: Sender {
        get throws {
            if let sender = try readSender() { return sender }
            guard try isTestMode else {
                throw Exit.saying(
                    "FULDMAGT_SENDER_CVR is not set; notifications come from the authority that it and FULDMAGT_SENDER_NAME name: set both, to the same for every worker and consumer of the cluster",
                    Exit.setting)
            }
            return Self.exampleSender
        }
    }

    /// Nil where none is set.
    private func readSender() throws -> Sender? {
        let name = text("sender.name")
        guard let cvr = text("sender.cvr") else {
            guard let name else { return nil }
            guard try isTestMode else {
                throw Exit.saying(
                    "FULDMAGT_SENDER_NAME is “\(name)”, and FULDMAGT_SENDER_CVR is not set; set it to its CVR number",
                    Exit.setting)
            }
            return Sender(cvr: Self.exampleSender.cvr, name: name)
        }
        guard CVR(cvr) != nil else {
            throw Exit.saying("FULDMAGT_SENDER_CVR is “\(cvr)”; a CVR number is allowed", Exit.setting)
        }
        if let name, name.unicodeScalars.count > 256 {
            throw Exit.saying(
                "FULDMAGT_SENDER_NAME has \(name.unicodeScalars.count) characters; 1 to 256 are allowed", Exit.setting)
        }
        guard try name != nil || isTestMode else {
            throw Exit.saying(
                "FULDMAGT_SENDER_NAME is not set; set it to the name of the authority whose FULDMAGT_SENDER_CVR is \(cvr)",
                Exit.setting)
        }
        return Sender(cvr: cvr, name: name ?? Self.exampleSender.name)
    }

    private var patience: ReceiptPatience {
        get throws {
            var patience = ReceiptPatience()
            func seconds(_ key: ConfigKey, _ name: String, _ value: Int64?) throws -> Int64? {
                let hours = try number(key, name: name, default: Int((value ?? 0) / 3_600), in: 0...87_600)
                return hours == 0 ? nil : Int64(hours) * 3_600
            }
            patience.queued = try seconds(
                "receipt.queued.hours", "FULDMAGT_RECEIPT_QUEUED_HOURS", patience.queued)
            patience.submitted = try seconds(
                "receipt.submitted.hours", "FULDMAGT_RECEIPT_SUBMITTED_HOURS", patience.submitted)
            patience.accepted = try seconds(
                "receipt.accepted.hours", "FULDMAGT_RECEIPT_ACCEPTED_HOURS", patience.accepted)
            patience.letterSubmitted = try seconds(
                "receipt.letter.submitted.hours", "FULDMAGT_RECEIPT_LETTER_SUBMITTED_HOURS", patience.letterSubmitted)
            patience.letterAccepted = try seconds(
                "receipt.letter.accepted.hours", "FULDMAGT_RECEIPT_LETTER_ACCEPTED_HOURS", patience.letterAccepted)
            let unknown = try number(
                "receipt.unknown.hours", name: "FULDMAGT_RECEIPT_UNKNOWN_HOURS", default: Int(patience.unknown / 3_600),
                in: 1...8_760)
            patience.unknown = Int64(unknown) * 3_600
            return patience
        }
    }

    private var sources: SourceCheck {
        get throws {
            guard let text = text("sources") else { return .off }
            guard let check = SourceCheck(rawValue: text) else {
                throw Exit.saying("FULDMAGT_SOURCES is “\(text)”; allowed are off, warn and enforce", Exit.setting)
            }
            return check
        }
    }

    private var anyMunicipality: Bool {
        get throws {
            switch text("exemptions.from") ?? "deciding" {
            case "deciding": return false
            case "any": return true
            case let text:
                throw Exit.saying("FULDMAGT_EXEMPTIONS_FROM is “\(text)”; allowed are deciding and any", Exit.setting)
            }
        }
    }

    private var administrators: Set<String> {
        get throws {
            let numbers = (text("administrators") ?? "").split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            for number in numbers where CVR(number) == nil {
                throw Exit.saying(
                    "FULDMAGT_ADMINISTRATORS names “\(number)”; CVR numbers with commas between them are allowed",
                    Exit.setting)
            }
            return Set(numbers)
        }
    }

    private var kle: KLERegister {
        get throws { try kleNumbers.map { KLERegister(numbers: $0) } ?? KLERegister() }
    }

    /// The KLE numbers in use; nil where no list is set.
    var kleNumbers: Set<String>? {
        get throws {
            guard let path = text("kle.file") else { return nil }
            guard let data = FileManager.default.contents(atPath: path) else {
                throw Exit.saying("FULDMAGT_KLE_FILE: \(path) cannot be read", Exit.setting)
            }
            // One number a line, or CSV with the number in some column. Taken apart as bytes: CR LF is one character, and a
            // byte order mark may go with the first.
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            let numbers = data.dropFirst(data.starts(with: mark) ? mark.count : 0)
                .split { "\n\r,;\t \"".utf8.contains($0) }
                .map { String(decoding: $0, as: UTF8.self) }.filter { KLEPattern($0) != nil }
            guard !numbers.isEmpty else {
                throw Exit.saying("FULDMAGT_KLE_FILE: \(path) holds no KLE numbers", Exit.setting)
            }
            return Set(numbers)
        }
    }

    func workerSetup(directory: String) throws -> WorkerSetup {
        WorkerSetup(
            try tuning(
                of: WorkerOptions(
                    worker: try workerID, settings: try settings(partitions: 1, sender: try sender), keys: try keys,
                    directory: directory)))
    }

    /// Options with the bounds that are set.
    func tuning(of options: WorkerOptions) throws -> WorkerOptions {
        var options = options
        options.batchRecords = try number(
            "batch.records", name: "FULDMAGT_BATCH_RECORDS", default: options.batchRecords, in: 1...100_000)
        options.batchBytes = try number(
            "batch.bytes", name: "FULDMAGT_BATCH_BYTES", default: options.batchBytes, in: 1 << 16...1 << 28)
        options.pollMilliseconds = try number(
            "poll.milliseconds", name: "FULDMAGT_POLL_MILLISECONDS", default: options.pollMilliseconds, in: 0...10_000)
        options.cacheBytes =
            try number("store.cache.mib", name: "FULDMAGT_STORE_CACHE_MIB", default: 64, in: 4...65_536) << 20
        options.recordsChanges = try flag("changelog", name: "FULDMAGT_CHANGELOG", default: true)
        // With a changelog the disk is a cache: a file that a power cut has set back is behind the group's mark.
        options.isDurable = try flag(
            "store.durable", name: "FULDMAGT_STORE_DURABLE", default: !options.recordsChanges)
        options.acceptsGap = try flag("accept.gap", name: "FULDMAGT_ACCEPT_GAP", default: false)
        options.handOverSeconds = try number(
            "hand.over.seconds", name: "FULDMAGT_HAND_OVER_SECONDS", default: options.handOverSeconds, in: 1...240)
        options.deadLettersInARow = try number(
            "dead.letters.in.a.row", name: "FULDMAGT_DEAD_LETTERS_IN_A_ROW", default: options.deadLettersInARow,
            in: 1...1_000_000_000)
        options.deadLettersRatio = try share("dead.letters.ratio", name: "FULDMAGT_DEAD_LETTERS_RATIO")
        options.cataloguePatience = try number(
            "catalogue.patience.seconds", name: "FULDMAGT_CATALOGUE_PATIENCE_SECONDS",
            default: options.cataloguePatience, in: 0...86_400)
        options.parkedPerCitizen = try number(
            "parked.per.citizen", name: "FULDMAGT_PARKED_PER_CITIZEN", default: options.parkedPerCitizen, in: 1...10_000
        )
        options.parkedPerShard = try number(
            "parked.per.shard", name: "FULDMAGT_PARKED_PER_SHARD", default: options.parkedPerShard, in: 1...1_000_000)
        options.parkedSeconds = Int64(
            try number(
                "parked.seconds", name: "FULDMAGT_PARKED_SECONDS", default: Int(options.parkedSeconds),
                in: 60...31_536_000))
        options.processedDays = try number(
            "processed.days", name: "FULDMAGT_PROCESSED_DAYS", default: options.processedDays, in: 90...36_500)
        return options
    }
}

/// Time and named points from this process.
enum Host {
    /// Counts on while the machine is suspended, too.
    static func nanosecondsSinceBoot() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    static var surroundings: Surroundings {
        Surroundings(
            now: { now() }, nanoseconds: { nanoseconds() }, pause: { usleep(UInt32($0) * 1000) },
            jitter: { Double.random(in: 0...1) })
    }
}
