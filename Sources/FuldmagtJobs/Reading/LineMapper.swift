import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// Turns a line into a command by the job's mapping, and has it checked as a worker would read it.
struct LineMapper {
    let job: Job
    let settings: Settings
    let ids: LineIDs
    /// For birth dates only: nobody is born after it.
    let today: Day
    private var document = JSONDocument()
    /// Fields with the place of their column, counted from 0; of CSV only.
    private var places: [String: Int] = [:]
    private var columnCount: Int?

    /// A field's text as it stood, and where.
    private struct Cell {
        var text: String
        var column: Int?
    }

    init(job: Job, settings: Settings, today: Day, ids: LineIDs) throws(Job.Unusable) {
        self.ids = ids
        self.job = job
        self.settings = settings
        self.today = today
        guard job.format == .csv, !job.hasHeader else { return }
        for case (let name, .numbered(let number)) in job.columns { places[name] = number - 1 }
    }

    /// Whether what it knows of the columns is final.
    var isSettled: Bool { job.format == .jsonLines || columnCount != nil }

    /// The same, for another thread.
    func forked() -> LineMapper {
        var fork = self
        fork.document = JSONDocument()
        return fork
    }

    /// Whether the next line names the columns.
    var awaitsHeader: Bool { job.format == .csv && job.hasHeader && columnCount == nil }

    /// Finds the columns that the job maps in the header.
    mutating func readHeader(_ line: [UInt8]) throws(Job.Unusable) {
        let names: [String]
        do throws(LineFault) {
            names = try CSVLine.fields(line, delimiter: job.delimiter).map { (field) throws(LineFault) in
                guard let text = job.encoding.text(field) else { throw LineFault(.encoding) }
                return Self.trimmed(text)
            }
        } catch {
            throw Job.Unusable("the header cannot be read: \(error.text); \(error.remedy)")
        }
        for (name, column) in job.columns.sorted(by: { $0.key < $1.key }) {
            switch column {
            case .numbered(let number):
                guard number <= names.count else {
                    throw Job.Unusable("columns.\(name) is \(number), but the header has \(names.count) columns")
                }
                places[name] = number - 1
            case .named(let wanted):
                let found = names.indices.filter { names[$0] == wanted }
                guard found.count == 1 else {
                    throw Job.Unusable(
                        "columns.\(name): the header has \(found.isEmpty ? "no column" : "\(found.count) columns") “\(wanted)”; check names, delimiter and encoding"
                    )
                }
                places[name] = found[0]
            }
        }
        columnCount = names.count
    }

    /// - Returns: the command of a line, or all that is wrong with it.
    mutating func map(_ line: LineSplitter.Line) -> Result<LineCommand, Faults> {
        do throws(Faults) {
            return command(try values(of: line.bytes), line: line.number)
        } catch {
            return .failure(error)
        }
    }

    /// The key of the command that a line stands for, without a look at its other fields; nil where it has none.
    mutating func key(of bytes: [UInt8]) -> String? {
        let name = job.kind.keyField.name
        do throws(LineFault) {
            guard let cell = try cells(of: bytes)[name] ?? job.defaults[name].map({ Cell(text: $0) }) else {
                return nil
            }
            switch try FieldValue.read(Self.trimmed(cell.text), as: .party) {
            case .cpr(let digits), .cvr(let digits): return digits
            case .text, .flag, .list: return nil
            }
        } catch {
            return nil
        }
    }

    /// All that is wrong with a line.
    struct Faults: Error {
        var all: [LineFault]
    }

    /// A line's fields as a command wants them, with the columns they came from, counted from 1.
    struct Values {
        var type: CommandType?
        var fields: [(field: JobField, value: FieldValue)] = []
        var columns: [String: Int] = [:]

        subscript(_ name: String) -> FieldValue? { fields.first { $0.field.name == name }?.value }
    }

    private mutating func cells(of bytes: [UInt8]) throws(LineFault) -> [String: Cell] {
        switch job.format {
        case .csv: try csvCells(bytes)
        case .jsonLines: try jsonCells(bytes)
        }
    }

    private mutating func csvCells(_ bytes: [UInt8]) throws(LineFault) -> [String: Cell] {
        let fields = try CSVLine.fields(bytes, delimiter: job.delimiter)
        // Without a header the first line that can be read says how many there are.
        if columnCount == nil, fields.count > places.values.max() ?? 0 { columnCount = fields.count }
        guard fields.count == columnCount else { throw LineFault(.columnCount, column: fields.count) }
        for (at, field) in fields.enumerated() where job.encoding.text(field) == nil {
            throw LineFault(.encoding, column: at + 1)
        }
        var cells: [String: Cell] = [:]
        for (name, place) in places {
            guard let text = job.encoding.text(fields[place]) else { continue }
            cells[name] = Cell(text: text, column: place + 1)
        }
        return cells
    }

    private func jsonCells(_ bytes: [UInt8]) throws(LineFault) -> [String: Cell] {
        guard let text = job.encoding.text(bytes) else { throw LineFault(.encoding) }
        switch document.withRoot(of: Array(text.utf8), cells) {
        case .failure: throw LineFault(.notJSON)
        case .success(.failure(let fault)): throw fault
        case .success(.success(let cells)): return cells
        }
    }

    private func cells(of root: JSONNode) -> Result<[String: Cell], LineFault> {
        guard root.kind == .object else { return .failure(LineFault(.notAnObject)) }
        var members: [String: JSONNode] = [:]
        root.forEachMember { members[$0] = $1 }
        var cells: [String: Cell] = [:]
        for name in job.kind.fieldNames {
            var member = name
            if case .named(let mapped)? = job.columns[name] { member = mapped }
            guard let node = members[member], !node.isNull else { continue }
            guard let text = Self.text(of: node) else { return .failure(LineFault(.notAValue, field: name)) }
            cells[name] = Cell(text: text)
        }
        return .success(cells)
    }

    /// A JSON value as a column would hold it; nil for lists, objects and null.
    static func text(of node: JSONNode) -> String? {
        node.string ?? node.int.map(String.init) ?? node.bool.map(String.init)
    }

    /// Reads a line's fields by their forms.
    /// - Throws: all that is wrong with them.
    mutating func values(of bytes: [UInt8]) throws(Faults) -> Values {
        let cells: [String: Cell]
        do throws(LineFault) {
            cells = try self.cells(of: bytes)
        } catch {
            throw Faults(all: [error])
        }
        func cell(_ name: String) -> Cell? {
            if let cell = cells[name] {
                let text = Self.trimmed(cell.text)
                if !text.isEmpty { return Cell(text: text, column: cell.column) }
            }
            return job.defaults[name].map { Cell(text: $0, column: cells[name]?.column) }
        }
        var values = Values(type: job.kind.types.first?.type)
        if job.kind.types.count > 1, let word = cell("type") {
            guard let found = job.kind.types.first(where: { $0.word == word.text.lowercased() }) else {
                throw Faults(all: [LineFault(.type, column: word.column, field: "type")])
            }
            values.type = found.type
        }
        var faults: [LineFault] = []
        for field in job.kind.fields {
            values.columns[field.fullName] = cells[field.name]?.column
            guard let cell = cell(field.name) else { continue }
            do throws(LineFault) {
                values.fields.append(
                    (field, try FieldValue.read(cell.text, as: field.form, privileges: job.privileges)))
            } catch {
                faults.append(
                    LineFault(
                        code: error.code, column: cell.column, field: field.name, text: error.text,
                        remedy: error.remedy))
            }
        }
        guard faults.isEmpty else { throw Faults(all: faults) }
        return values
    }

    private func command(_ values: Values, line: Int) -> Result<LineCommand, Faults> {
        guard let type = values.type else { return .failure(Faults(all: [LineFault(.type, field: "type")])) }
        var json = JSONWriter()
        json.beginObject()
        var path: [String] = []
        for (field, value) in values.fields {
            // Fields of one object stand together.
            while !field.path.starts(with: path) {
                json.endObject()
                path.removeLast()
            }
            for name in field.path.dropFirst(path.count) {
                json.key(name)
                json.beginObject()
                path.append(name)
            }
            json.key(field.name)
            value.write(to: &json)
        }
        for _ in path { json.endObject() }
        json.endObject()
        return check(json.finish(), type: type, line: line, columns: values.columns)
    }

    /// Reads the command as a worker will.
    private func check(
        _ data: [UInt8], type: CommandType, line: Int, columns: [String: Int]
    ) -> Result<LineCommand, Faults> {
        let (id, mark) = LineCommand.id(job: job.id, line: line, type: type, data: data, ids: ids)
        let cause = LineCommand.cause(id: id, job: job, type: type)
        var headers: [UInt8] = []
        for (name, value) in LineCommand.headers(of: cause) {
            HeaderBlock.append(name: name, value: value, to: &headers)
        }
        do throws(DeadLetter) {
            let command = try record(data, headers: headers, topic: type.topic).withRecords {
                (records) throws(DeadLetter) in
                let (envelope, data) = try Envelope.read(records[0], into: document)
                return try Command.read(data, envelope: envelope, topic: type.topic, today: today, settings: settings)
            }
            guard command.faults.isEmpty else {
                let contract = Contract.record(type.name)
                return .failure(
                    Faults(
                        all: command.faults.map { reason in
                            LineFault(
                                reason, column: reason.field.flatMap { Self.column(of: $0, in: columns) },
                                remedy: reason.field.flatMap { contract?.remedy(for: $0) })
                        }))
            }
            return .success(
                LineCommand(
                    line: line, key: command.citizen.digits, cause: cause, command: command, mark: mark, type: type,
                    data: data))
        } catch {
            let field = error.reason == .invalidCitizen ? job.kind.keyField.name : nil
            return .failure(
                Faults(all: [
                    LineFault(
                        code: error.reason.rawValue, column: field.flatMap { columns[$0] }, field: field,
                        text: error.detail, remedy: "correct it at the source of the file")
                ]))
        }
    }

    /// The column of the field that a reason names: `evidence.journal`, `packages[0]`, `citizen.cpr`.
    private static func column(of field: String, in columns: [String: Int]) -> Int? {
        var path = field.split(separator: ".").map { String($0.prefix { $0 != "[" }) }
        while !path.isEmpty {
            if let column = columns[path.joined(separator: ".")] { return column }
            path.removeLast()
        }
        return nil
    }

    private func record(_ data: [UInt8], headers: [UInt8], topic: Topic) -> RecordBatch {
        var batch = RecordBatch()
        data.withUnsafeBytes { value in
            batch.append(topic: topic.rawValue, offset: 0, timestamp: 0, key: nil, value: value) {
                $0.append(contentsOf: headers)
            }
        }
        return batch
    }

    static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
