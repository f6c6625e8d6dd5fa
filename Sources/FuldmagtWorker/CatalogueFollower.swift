import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord

/// Keeps a worker's catalogue up with the topic, and remembers what each record came to until the shard that answers for
/// the catalogue has stored it.
struct CatalogueFollower {
    /// A record that shard 0 still has to answer.
    struct Answer {
        var offset: Int64
        var timestamp: Int64
        /// Nil where nobody waits for an answer.
        var kind: Kind?
        var restoration: Restoration?

        enum Kind {
            case accepted(Cause)
            case rejected(Cause, [Reason])
            case deadLetter(DeadLetter, RecordBatch)
        }
    }

    /// What has to be written again, since a record that changes nothing took its place: compaction would keep that one
    /// alone, and whoever reads the topic after it would come to another catalogue than those who read it before.
    struct Restoration {
        var key: [UInt8]
        /// The record that the key stands for; nil where it stands for nothing.
        var record: RecordBatch?
    }

    private(set) var catalogue = Catalogue()
    /// In order of offsets.
    private(set) var answers: [Answer] = []
    /// The last record under each key that did change the catalogue, by the key's bytes. Kept by whoever answers.
    private var standing: [[UInt8]: RecordBatch] = [:]
    /// Whether this worker owns the shard that answers.
    private(set) var isAnswering = false
    /// Set from the moment it owns that shard until the topic has been read again: the position answered through.
    private var startsOverFrom: Int64?

    private let document = JSONDocument()
    private var scratch: [UInt8] = []
    private var batch = RecordBatch()
    private let settings: Settings

    init(settings: Settings) { self.settings = settings }

    /// Reads the catalogue to the end it has now.
    mutating func catchUp(_ log: any RecordLog, offsetSeconds: Int64) throws(LogFailure) {
        guard let position = startsOverFrom else {
            try read(log, offsetSeconds: offsetSeconds)
            return
        }
        // Until all of it is read, what was known before stays known.
        let known = catalogue
        do throws(LogFailure) {
            try log.rewindCatalogue()
            catalogue = Catalogue()
            answers = []
            standing = [:]
            try read(log, offsetSeconds: offsetSeconds)
        } catch {
            catalogue = known
            answers = []
            throw error
        }
        startsOverFrom = nil
        answered(through: position)
    }

    private mutating func read(_ log: any RecordLog, offsetSeconds: Int64) throws(LogFailure) {
        var isAtEnd = false
        while !isAtEnd {
            batch.removeAll()
            isAtEnd = try log.readCatalogue(into: &batch, limit: 10_000)
            apply(offsetSeconds: offsetSeconds)
        }
    }

    private mutating func apply(offsetSeconds: Int64) {
        let document = document
        let settings = settings
        let isAnswering = isAnswering
        var scratch = scratch
        var catalogue = catalogue
        self.catalogue = Catalogue()
        var found: [Answer] = []
        var standing = standing
        self.standing = [:]
        batch.withRecords { records in
            for record in records {
                let timestamp = record.timestamp + offsetSeconds * 1000
                let shifted = RecordView(
                    topic: record.topic, offset: record.offset, timestamp: timestamp, key: record.key,
                    headers: record.headers, value: record.value)
                let outcome = catalogue.apply(shifted, document: document, settings: settings) {
                    ClusterKey.digest($0, scratch: &scratch)
                }
                guard isAnswering else { continue }
                var answer = Answer(offset: record.offset, timestamp: timestamp)
                switch outcome {
                case .applied(let cause): answer.kind = .accepted(cause)
                case .rejected(let cause, let reasons): answer.kind = .rejected(cause, reasons)
                case .deadLetter(let letter): answer.kind = .deadLetter(letter, Self.copy(record))
                case .repeated, .removed: break
                }
                // Its first writing was answered.
                if OutputWriter.restoredOffset(record) != nil { answer.kind = nil }
                answer.restoration = Self.note(record, outcome, in: &standing)
                if answer.kind != nil || answer.restoration != nil { found.append(answer) }
            }
        }
        self.standing = standing
        self.catalogue = catalogue
        self.scratch = scratch
        answers += found
    }

    /// Notes what a record's key stands for now.
    /// - Returns: what must be written again for the topic to say so too.
    private static func note(
        _ record: RecordView, _ outcome: CatalogueOutcome, in standing: inout [[UInt8]: RecordBatch]
    ) -> Restoration? {
        // Without a key nothing is compacted.
        guard let key = record.key.map(Array.init) else { return nil }
        switch outcome {
        case .applied: standing[key] = copy(record)
        case .removed: standing[key] = nil
        case .repeated, .rejected, .deadLetter:
            let kept = standing[key]
            let isTheSame =
                kept?.withRecords { records in
                    guard let value = records.first?.value, let new = record.value else { return false }
                    return value.elementsEqual(new)
                } ?? (record.value == nil)
            return isTheSame ? nil : Restoration(key: key, record: kept)
        }
        return nil
    }

    private static func copy(_ record: RecordView) -> RecordBatch {
        var copy = RecordBatch()
        copy.append(record)
        return copy
    }

    /// Has the next `catchUp` start over from the beginning of the topic, to answer what the shard that answers has not
    /// stored yet.
    /// - Parameter position: answered through, as stored.
    mutating func beginAnswering(from position: Int64) {
        isAnswering = true
        startsOverFrom = position
    }

    mutating func stopAnswering() {
        isAnswering = false
        answers = []
        standing = [:]
    }

    /// Forgets answers that are stored.
    mutating func answered(through position: Int64) {
        answers.removeAll { $0.offset < position }
    }
}
