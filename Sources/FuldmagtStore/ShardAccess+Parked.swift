import FuldmagtDomain

/// A command that waits until it can be decided.
public struct ParkedCommand: Sendable {
    public var row: Int64
    /// Digest of source and id.
    public var key: Ident
    /// The sender's id of it.
    public var id: String
    /// The record as it came.
    public var record: PassedOnCommand
    public var why: Waiting
    public var isRevocation: Bool
    /// When it was first looked at again; its patience is counted from there.
    public var since: Instant?

    public init(
        row: Int64 = 0, key: Ident, id: String, record: PassedOnCommand, why: Waiting, isRevocation: Bool,
        since: Instant? = nil
    ) {
        self.row = row
        self.key = key
        self.id = id
        self.record = record
        self.why = why
        self.isRevocation = isRevocation
        self.since = since
    }

    /// Puts commands that were first written to one partition in the order they have there, in the places that they hold
    /// among all.
    public static func ordered(_ parked: [ParkedCommand]) -> [ParkedCommand] {
        guard parked.count > 1 else { return parked }
        var places: [Position: [Int]] = [:]
        for (place, command) in parked.enumerated() {
            var partition = command.record.position
            partition.offset = 0
            places[partition, default: []].append(place)
        }
        var ordered = parked
        for places in places.values where places.count > 1 {
            let commands = places.map { parked[$0] }.sorted { $0.record.position.offset < $1.record.position.offset }
            for (place, command) in zip(places, commands) { ordered[place] = command }
        }
        return ordered
    }
}

/// How much is parked in a shard, and whose.
public struct ParkedLoad: Sendable, Equatable {
    /// Commands by citizen's pseudonym.
    public private(set) var citizens: [Ident: Int] = [:]
    public private(set) var commands = 0
    public private(set) var revocations = 0
    /// Numbers in use again, by pseudonym, while something that was passed on from there may still be on its way back. What
    /// arrives for them waits until nothing is.
    public var comingBack: [Ident: ComingBack] = [:]

    public struct ComingBack: Sendable, Equatable {
        /// The number that had taken its place.
        public var from: PartyReference
        /// Which echo is waited for: see `Echo`.
        public var asked: Int64

        public init(from: PartyReference, asked: Int64) {
            self.from = from
            self.asked = asked
        }
    }

    public init() {}

    public var isEmpty: Bool { commands == 0 }

    public mutating func add(_ citizen: Ident, isRevocation: Bool) {
        citizens[citizen, default: 0] += 1
        commands += 1
        if isRevocation { revocations += 1 }
    }

    public mutating func remove(_ citizen: Ident, isRevocation: Bool) {
        let left = (citizens[citizen] ?? 0) - 1
        citizens[citizen] = left > 0 ? left : nil
        commands -= 1
        if isRevocation { revocations -= 1 }
    }
}

/// Parked commands: a citizen's wait in the order in which they came, and nobody else waits.
extension ShardAccess {
    public func parkedLoad() throws(StoreError) -> ParkedLoad {
        let rows = try Statement(
            connection, "SELECT c.pseudonym, p.revocation FROM parked p JOIN citizens c ON c.row = p.citizen")
        var load = ParkedLoad()
        while try rows.next() { load.add(try rows.ident(0), isRevocation: rows.int(1) == 1) }
        let numbers = try Statement(
            connection,
            """
            SELECT c.pseudonym, r.pseudonym, r.sealed, r.shard, r.at
            FROM renumberings r JOIN citizens c ON c.row = r.citizen WHERE c.renumbered IS NULL
            """)
        while try numbers.next() {
            load.comingBack[try numbers.ident(0)] = ParkedLoad.ComingBack(
                from: PartyReference(
                    pseudonym: try numbers.ident(1), sealed: try numbers.sealed(2), shard: Int32(numbers.int(3))),
                asked: numbers.int(4))
        }
        return load
    }

    /// Which echo is waited for before a number that is in use again is settled.
    public func setEcho(_ asked: Int64, of number: Ident) throws(StoreError) {
        try Statement(
            connection,
            "UPDATE renumberings SET at = ?2 WHERE citizen = (SELECT row FROM citizens WHERE pseudonym = ?1)"
        ).bind(1, number).bind(2, asked).run()
    }

    /// Everything that was passed on from a citizen's number is back.
    public func settleNumber(of loaded: LoadedFile) throws(StoreError) {
        guard let citizen = loaded.row else { return }
        try statements.deleteRenumbering.bind(1, citizen).run()
    }

    /// Parks a command behind those that wait.
    public func park(_ parked: ParkedCommand, cause: Cause, of loaded: inout LoadedFile) throws(StoreError) {
        let (why, fault) = Self.texts(of: parked.why)
        try statements.insertParked.bind(1, try citizenRow(of: &loaded)).bind(2, parked.key).bind(3, parked.id)
            .bind(4, try origin(of: cause)).bind(5, parked.record.topic.name)
            .bind(6, Int64(parked.record.position.partition)).bind(7, parked.record.position.offset)
            .bind(8, parked.record.at).bind(9, parked.record.sealed).bind(10, why).bind(11, fault)
            .bind(12, parked.isRevocation).bind(13, parked.record.isTold).run()
    }

    /// What waits about a citizen, in the order in which it is decided.
    public func parked(of loaded: LoadedFile) throws(StoreError) -> [ParkedCommand] {
        guard let citizen = loaded.row else { return [] }
        let rows = statements.readParked.bind(1, citizen)
        var parked: [ParkedCommand] = []
        while try rows.next() {
            guard let topic = Topic(name: rows.text(3)) else {
                throw StoreError(.fatal, "a parked command names a topic that is not there")
            }
            let why: Waiting
            switch rows.text(8) {
            case "catalogue": why = .catalogue
            case "order": why = .order
            default: why = .fault(rows.text(9))
            }
            parked.append(
                ParkedCommand(
                    row: rows.int(0), key: try rows.ident(1), id: rows.text(2),
                    record: PassedOnCommand(
                        topic: topic,
                        position: Position(topic: topic, partition: Int32(rows.int(4)), offset: rows.int(5)),
                        at: rows.instant(6), sealed: rows.bytes(7), isTold: rows.int(11) == 1),
                    why: why, isRevocation: rows.int(10) == 1, since: rows.optionalInstant(12)))
        }
        return parked
    }

    /// Notes why a parked command still waits.
    public func setWaiting(_ why: Waiting, of parked: ParkedCommand) throws(StoreError) {
        guard why != parked.why else { return }
        let (text, fault) = Self.texts(of: why)
        try statements.setParkedWhy.bind(1, parked.row).bind(2, text).bind(3, fault).run()
    }

    /// Its sender has been told that it waits.
    public func noteTold(_ parked: ParkedCommand) throws(StoreError) {
        try Statement(connection, "UPDATE parked SET told = 1 WHERE row = ?1").bind(1, parked.row).run()
    }

    /// A citizen's parked commands are looked at again: their patience counts from the first time.
    public func noteLook(at now: Instant, of loaded: LoadedFile) throws(StoreError) {
        guard let citizen = loaded.row else { return }
        try statements.setParkedSince.bind(1, citizen).bind(2, now).run()
    }

    /// Whether a command waits.
    /// - Parameter command: the digest of its source and id.
    public func isParked(_ command: Ident) throws(StoreError) -> Bool {
        defer { statements.isParked.reset() }
        return try statements.isParked.bind(1, command).next()
    }

    /// It waits no longer.
    public func release(_ parked: ParkedCommand) throws(StoreError) {
        try statements.deleteParked.bind(1, parked.row).run()
    }

    /// Citizens with parked commands, by pseudonym, after one of them.
    public func citizensWaiting(after: Ident?, limit: Int) throws(StoreError) -> [KnownCitizen] {
        try citizens(
            Statement(
                connection,
                """
                SELECT DISTINCT c.sealed, c.pseudonym FROM parked p JOIN citizens c ON c.row = p.citizen
                WHERE c.pseudonym > ?1 ORDER BY c.pseudonym LIMIT ?2
                """
            ).bind(1, after ?? Ident(high: 0, low: 0)).bind(2, limit))
    }

    private static func texts(of why: Waiting) -> (String, String?) {
        switch why {
        case .catalogue: ("catalogue", nil)
        case .order: ("order", nil)
        case .fault(let text): ("fault", text)
        }
    }
}
