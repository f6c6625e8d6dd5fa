import Dispatch
import FuldmagtDomain

/// What a line of the input came to.
public enum JobLine: Sendable {
    /// One of the line's commands; most have one.
    case command(LineCommand)
    /// Not to be sent: everything that is wrong with it.
    case rejected(LineSplitter.Line, [LineFault])
    /// A further part of a line that was rejected for its length.
    case rejectedPart(LineSplitter.Line)
    /// Says of its citizen again what that citizen's line before said: sending it would change nothing.
    case duplicate(line: Int, of: Int)
    /// The line that names the columns.
    case header(LineSplitter.Line)
    /// Nothing stands on it.
    case blank(line: Int)

    /// Counted from 1.
    public var number: Int {
        switch self {
        case .command(let command): command.line
        case .rejected(let line, _), .rejectedPart(let line), .header(let line): line.number
        case .duplicate(let line, _), .blank(let line): line
        }
    }
}

/// Reads a job's input as it comes, line by line: the same bytes give the same lines, always.
///
/// A line that is wrong is told and never stops the others; only a header without the columns that the job maps does.
public struct JobReader {
    private let job: Job
    private var splitter: LineSplitter
    private var mapper: LineMapper
    /// Each citizen's last line, by key: its content and number.
    private var latest: [String: (content: UInt64, line: Int)] = [:]
    private let switches: SwitchRecords?
    private var latestSwitch: [SwitchLine: Int] = [:]
    /// Further commands of the line read last.
    private var pending: ArraySlice<LineCommand> = []
    /// What the lines of a supplier switch stand for, to be written down by the plan.
    public private(set) var switchRecords: [UInt8] = []

    /// - Parameters:
    ///   - today: nobody is born after it.
    ///   - ids: how ids of commands are made: always the same way for one job.
    ///   - switches: what the lines of a supplier switch stand for.
    public init(
        job: Job, settings: Settings, today: Day, ids: LineIDs, switches: SwitchRecords? = nil,
        lineLimit: Int = LineSplitter.defaultLimit
    ) throws(Job.Unusable) {
        self.job = job
        self.switches = switches
        splitter = LineSplitter(limit: lineLimit)
        mapper = try LineMapper(job: job, settings: settings, today: today, ids: ids)
    }

    /// Bytes of the input that have been dealt with.
    public var position: Int { splitter.position }

    /// Adds what came next.
    public mutating func feed(_ bytes: some Sequence<UInt8>) { splitter.feed(bytes) }

    /// Says that nothing comes after what was fed.
    public mutating func finish() { splitter.finish() }

    /// The next line; nil when more has to be fed, or nothing is left.
    public mutating func next() throws(Job.Unusable) -> JobLine? {
        if let command = pending.popFirst() { return .command(command) }
        guard let line = splitter.next() else { return nil }
        if let read = try withoutMapping(line) { return read }
        return finish(line, mapper.map(line))
    }

    /// The next lines, read on several threads, to the same result; none when more has to be fed, or nothing is left.
    /// - Parameters:
    ///   - count: how many at most, but for the further commands of the last one.
    ///   - threads: how many read.
    public mutating func next(upTo count: Int, threads: Int) throws(Job.Unusable) -> [JobLine] {
        var lines: [JobLine] = []
        // The first line that can be read says how many columns there are.
        while !mapper.isSettled || job.kind == .supplierSwitch {
            guard let line = try next() else { return lines }
            lines.append(line)
            if lines.count >= count, pending.isEmpty { return lines }
        }
        var found: [(line: LineSplitter.Line, read: JobLine?)] = []
        while found.count < count, let line = splitter.next() { found.append((line, try withoutMapping(line))) }
        let mapped = Self.map(found, mapper, threads: threads)
        for (at, (line, read)) in found.enumerated() {
            if let read {
                lines.append(read)
            } else if let result = mapped[at] {
                lines.append(finish(line, result))
            }
        }
        return lines
    }

    private typealias Mapped = Result<LineCommand, LineMapper.Faults>

    /// What threads that are waited for write into: each its own places.
    private struct Places: @unchecked Sendable {
        var found: [(line: LineSplitter.Line, read: JobLine?)]
        var mapper: LineMapper
        var mapped: UnsafeMutableBufferPointer<Mapped?>
    }

    private static func map(
        _ found: [(line: LineSplitter.Line, read: JobLine?)], _ mapper: LineMapper, threads: Int
    ) -> [Mapped?] {
        var mapped = [Mapped?](repeating: nil, count: found.count)
        mapped.withUnsafeMutableBufferPointer { buffer in
            let places = Places(found: found, mapper: mapper, mapped: buffer)
            let size = (found.count + threads - 1) / max(threads, 1)
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                var mapper = places.mapper.forked()
                let from = min(thread * size, places.found.count)
                for at in from..<min(from + size, places.found.count) where places.found[at].read == nil {
                    places.mapped[at] = mapper.map(places.found[at].line)
                }
            }
        }
        return mapped
    }

    /// A line that is no command by its form; nil for one that has to be mapped.
    private mutating func withoutMapping(_ line: LineSplitter.Line) throws(Job.Unusable) -> JobLine? {
        switch line.part {
        case .first: return .rejected(line, [LineFault(.lineTooLong)])
        case .later: return .rejectedPart(line)
        case .whole: break
        }
        if mapper.awaitsHeader {
            try mapper.readHeader(line.bytes)
            return .header(line)
        }
        guard !line.bytes.isEmpty else { return .blank(line: line.number) }
        return job.kind == .supplierSwitch ? readSwitch(line) : nil
    }

    private mutating func finish(_ line: LineSplitter.Line, _ mapped: Mapped) -> JobLine {
        switch mapped {
        case .failure(let faults): return .rejected(line, faults.all)
        case .success(let command):
            let earlier = latest.updateValue((command.content, command.line), forKey: command.key)
            if let earlier, earlier.content == command.content {
                return .duplicate(line: command.line, of: earlier.line)
            }
            return .command(command)
        }
    }

    private mutating func readSwitch(_ line: LineSplitter.Line) -> JobLine {
        do throws(LineMapper.Faults) {
            let values = try mapper.values(of: line.bytes)
            let read = try SwitchLine(values)
            if let earlier = latestSwitch.updateValue(line.number, forKey: read) {
                return .duplicate(line: line.number, of: earlier)
            }
            let found = switches?.records(of: read, line: line.number) ?? .failure(LineFault(.notOffered))
            switchRecords += SwitchRecords.json(found, line: line.number)
            switch found {
            case .failure(var fault):
                fault.column = fault.field.flatMap { values.columns[$0] }
                return .rejected(line, [fault])
            case .success(let records):
                let commands = records.enumerated().map { part, record in
                    var command = LineCommand(record, line: line.number, job: job, ids: mapper.ids)
                    (command.part, command.parts) = (part, records.count)
                    return command
                }
                pending = commands.dropFirst()
                return .command(commands[0])
            }
        } catch {
            return .rejected(line, error.all)
        }
    }
}
