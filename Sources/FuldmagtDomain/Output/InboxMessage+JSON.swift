import FuldmagtBytes
import FuldmagtJSON

/// Types of inbox records.
public enum InboxType: String, CaseIterable, Sendable {
    case news = "dk.fuldmagt.inbox.news.v1"
    case readAccess = "dk.fuldmagt.inbox.readaccess.v1"
    case death = "dk.fuldmagt.inbox.death.v1"
    case sweep = "dk.fuldmagt.inbox.sweep.v1"
    case handover = "dk.fuldmagt.inbox.handover.v1"
    case numberChange = "dk.fuldmagt.inbox.numberchange.v1"
    case command = "dk.fuldmagt.inbox.command.v1"
    case parked = "dk.fuldmagt.inbox.parked.v1"
    case echo = "dk.fuldmagt.inbox.echo.v1"
}

/// An inbox record as it arrives.
public struct InboxRecord: Sendable {
    /// The sealed number of the citizen it concerns; nil for a shard's own affairs, and where the shard knows it.
    public var citizen: SealedNumber?
    public var body: InboxMessage.Body
    /// See `InboxMessage`.
    public var rounds: [Ident] = []
}

extension InboxMessage.Body {
    /// The record's id: the same for the same news.
    func writeID(shard: String, to id: inout ByteSink) {
        switch self {
        case .news(let news):
            if let first = news.items.first { id.append(uuid: first.grant) } else { id.append("-") }
            id.append(UInt8(ascii: "/"))
            id.append(news.event.rawValue)
            id.append(UInt8(ascii: "/"))
            id.append(String(news.items.first?.entry ?? 0))
        case .readAccess(let news):
            id.append(news.cause.source)
            id.append(UInt8(ascii: "/"))
            id.append(news.cause.id)
            id.append("/readaccess")
            if let citizen = news.citizen {
                id.append(UInt8(ascii: "/"))
                id.append(hex: citizen)
            }
        case .death(let death):
            id.append(hex: death.representative)
            id.append("/death/")
            if let first = death.grants.first { id.append(uuid: first) } else { id.append("mistake") }
        case .handover(let handover):
            id.append(hex: handover.passages[0].number)
            id.append("/handover")
        case .numberChange(let change):
            id.append(hex: change.former)
            id.append("/numberchange/")
            id.append(hex: change.current.pseudonym)
        case .command(let command):
            id.append(
                "\(command.position.topic.name)/\(command.position.partition)/\(command.position.offset)" as String)
        case .parked(let request):
            id.append("parked/\(request.action.rawValue)/\(request.at.milliseconds)" as String)
        case .echo(let echo):
            id.append(hex: echo.number)
            id.append("/echo/\(echo.asked)" as String)
        case .sweep(let sweep):
            id.append("sweep/\(shard)/\(sweep.day)/\(sweep.position)/\(sweep.stepText)" as String)
        }
    }
}

extension InboxMessage {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        if let sealed {
            json.key("citizen")
            json.plainString(count: 64) {
                sealed.block.writeHex(to: $0)
                sealed.tag.writeHex(to: $0 + 32)
            }
        }
        switch body {
        case .news(let news): news.write(to: &json)
        case .readAccess(let news):
            json.member("readAccess", news.event.rawValue)
            if let citizen = news.citizen { json.member("of", hex: citizen) }
            json.member("at", Int(news.at.milliseconds))
            json.key("cause")
            news.cause.write(to: &json)
        case .death(let death): death.write(to: &json)
        case .sweep(let sweep): sweep.write(to: &json)
        case .handover(let handover): handover.write(to: &json)
        case .numberChange(let change): change.write(to: &json)
        case .command(let command): command.write(to: &json)
        case .parked(let request): request.write(to: &json)
        case .echo(let echo): echo.write(to: &json)
        }
        if !rounds.isEmpty { json.member("rounds", rounds) }
        json.endObject()
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: StaticString, _ idents: [Ident]) {
        key(name)
        beginArray()
        for ident in idents { plainString(count: 32) { ident.writeHex(to: $0) } }
        endArray()
    }
}

extension JSONNode {
    /// A member's idents; none where there is no such member, nil where it is anything but a list of them.
    fileprivate func idents(_ name: StaticString) -> [Ident]? {
        guard let list = self[name] else { return [] }
        var idents: [Ident] = []
        var isWhole = list.kind == .array
        list.forEachElement { _, element in
            if let ident = element.ident { idents.append(ident) } else { isWhole = false }
        }
        return isWhole ? idents : nil
    }
}

extension RepresentativeDeath {
    func write(to json: inout JSONWriter) {
        json.member("deceased", hex: representative)
        json.member("at", Int(at.milliseconds))
        json.key("cause")
        cause.write(to: &json)
        json.member("grants", grants)
        if let mistake {
            json.key("mistake")
            mistake.write(to: &json)
        }
    }

    static func read(_ node: JSONNode) -> RepresentativeDeath? {
        guard let representative = node["deceased"]?.ident, let at = node["at"]?.int,
            let cause = node["cause"].flatMap({ Cause.read($0) }), let grants = node.idents("grants")
        else { return nil }
        var mistake: Cause?
        if let member = node["mistake"] {
            guard let read = Cause.read(member) else { return nil }
            mistake = read
        }
        return RepresentativeDeath(
            representative: representative, grants: grants, cause: cause, at: Instant(milliseconds: Int64(at)),
            mistake: mistake)
    }
}

extension InboxRecord {
    /// Reads what `InboxMessage` wrote.
    /// - Returns: nil for anything else.
    public static func read(_ data: JSONNode) -> InboxRecord? {
        guard var record = readBody(data), let rounds = data.idents("rounds") else { return nil }
        record.rounds = rounds
        return record
    }

    private static func readBody(_ data: JSONNode) -> InboxRecord? {
        guard data.kind == .object else { return nil }
        let citizen = data["citizen"]?.sealedNumber
        if data["step"] != nil {
            return Sweep.read(data).map { InboxRecord(citizen: nil, body: .sweep($0)) }
        }
        if data["deceased"] != nil {
            return RepresentativeDeath.read(data).map { InboxRecord(citizen: nil, body: .death($0)) }
        }
        if data["former"] != nil {
            return NumberChange.read(data).map { InboxRecord(citizen: nil, body: .numberChange($0)) }
        }
        if data["parked"] != nil {
            return ParkedRequest.read(data).map { InboxRecord(citizen: nil, body: .parked($0)) }
        }
        if data["echo"] != nil {
            return Echo.read(data).map { InboxRecord(citizen: nil, body: .echo($0)) }
        }
        guard let citizen else { return nil }
        if data["passages"] != nil {
            return Handover.read(data).map { InboxRecord(citizen: citizen, body: .handover($0)) }
        }
        if data["command"] != nil {
            return PassedOnCommand.read(data).map { InboxRecord(citizen: citizen, body: .command($0)) }
        }
        if let event = data["readAccess"] {
            guard let event = event.string.flatMap({ ReadAccessNews.Event(rawValue: $0) }), let at = data["at"]?.int,
                let cause = data["cause"].flatMap({ Cause.read($0) })
            else { return nil }
            return InboxRecord(
                citizen: citizen,
                body: .readAccess(
                    ReadAccessNews(
                        event: event, citizen: data["of"]?.ident, cause: cause,
                        at: Instant(milliseconds: Int64(at)))))
        }
        guard let news = GrantNews.read(data) else { return nil }
        return InboxRecord(citizen: citizen, body: .news(news))
    }
}

extension Cause {
    /// As an object: extensions stand as they came.
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("source", source)
        json.member("type", type)
        if !extensions.isEmpty {
            json.key("extensions")
            json.beginObject()
            for item in extensions {
                json.key(item.name)
                json.string(item.value)
            }
            json.endObject()
        }
        json.endObject()
    }

    public static func read(_ node: JSONNode) -> Cause? {
        guard let id = node["id"]?.string, let source = node["source"]?.string, let type = node["type"]?.string else {
            return nil
        }
        var extensions: [Extension] = []
        node["extensions"]?.forEachMember { name, value in
            if let value = value.string { extensions.append(Extension(name: name, value: value)) }
        }
        return Cause(id: id, source: source, type: type, extensions: extensions)
    }
}

extension GrantNews {
    func write(to json: inout JSONWriter) {
        json.member("event", event.rawValue)
        json.member("grantor", hex: grantor)
        json.member("grantorShard", Int(grantorShard))
        json.member("at", Int(at.milliseconds))
        json.key("cause")
        cause.write(to: &json)
        if isPassedOn { json.member("passed", 1) }
        if let outcomePosition {
            json.key("outcome")
            json.beginObject()
            outcomePosition.writeMembers(to: &json)
            if !outcomeAlso.isEmpty {
                json.key("also")
                json.beginArray()
                for line in outcomeAlso { line.write(to: &json) }
                json.endArray()
            }
            json.endObject()
        }
        json.key("grants")
        json.beginArray()
        for item in items { item.write(to: &json) }
        json.endArray()
    }

    static func read(_ node: JSONNode) -> GrantNews? {
        guard let event = node["event"]?.string.flatMap({ Event(rawValue: $0) }),
            let grantor = node["grantor"]?.ident,
            let grantorShard = node["grantorShard"]?.int.flatMap({ Int32(exactly: $0) }), let at = node["at"]?.int,
            let cause = node["cause"].flatMap({ Cause.read($0) })
        else { return nil }
        var position: Position?
        var also: [Outcome.GrantLine] = []
        var isWhole = true
        if let outcome = node["outcome"] {
            guard let read = Position.read(outcome) else { return nil }
            position = read
            outcome["also"]?.forEachElement { _, element in
                if let line = Outcome.GrantLine.read(element) { also.append(line) } else { isWhole = false }
            }
        }
        var items: [Item] = []
        node["grants"]?.forEachElement { _, element in
            if let item = Item.read(element) { items.append(item) } else { isWhole = false }
        }
        guard isWhole, !items.isEmpty else { return nil }
        return GrantNews(
            event: event, grantor: grantor, grantorShard: grantorShard, items: items, cause: cause,
            at: Instant(milliseconds: Int64(at)), outcomePosition: position,
            outcomeAlso: also, isPassedOn: node["passed"]?.int == 1)
    }
}

extension Outcome.GrantLine {
    /// As outcomes list it.
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", uuid: id)
        json.member("package", package)
        json.member("state", state.rawValue)
        json.member("version", version)
        json.member("validUntil", validUntil)
        json.endObject()
    }

    static func read(_ node: JSONNode) -> Outcome.GrantLine? {
        guard let id = node["id"]?.ident, let package = node["package"]?.string,
            let state = node["state"]?.string.flatMap({ GrantState(rawValue: $0) }),
            let version = node["version"]?.int, let until = node["validUntil"]?.string.flatMap({ Day($0) })
        else { return nil }
        return Outcome.GrantLine(id: id, package: package, state: state, version: version, validUntil: until)
    }
}

extension GrantNews.Item {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("grant", hex: grant)
        json.member("package", terms.id)
        json.member("packageVersion", terms.version)
        json.member("kind", terms.kind.rawValue)
        json.member("scope", terms.scope.rawValue)
        json.member("kle", terms.kle)
        json.member("da", terms.title.danish)
        json.member("en", terms.title.english)
        json.member("state", state.rawValue)
        json.member("version", version)
        json.member("entry", entry)
        json.member("from", Int(validFrom.number))
        json.member("until", Int(validUntil.number))
        json.endObject()
    }

    static func read(_ node: JSONNode) -> GrantNews.Item? {
        guard let grant = node["grant"]?.ident, let package = node["package"]?.string,
            let packageVersion = node["packageVersion"]?.int,
            let kind = node["kind"]?.string.flatMap({ Package.Kind(rawValue: $0) }),
            let scope = node["scope"]?.string.flatMap({ Package.Scope(rawValue: $0) }),
            let kle = node["kle"]?.string, let danish = node["da"]?.string, let english = node["en"]?.string,
            let state = node["state"]?.string.flatMap({ GrantState(rawValue: $0) }),
            let version = node["version"]?.int, let entry = node["entry"]?.int,
            let from = node["from"]?.int.flatMap({ Day(number: $0) }),
            let until = node["until"]?.int.flatMap({ Day(number: $0) })
        else { return nil }
        return GrantNews.Item(
            grant: grant,
            terms: PackageTerms(
                id: package, version: packageVersion, kind: kind, scope: scope, kle: kle,
                title: Bilingual(danish: danish, english: english), wording: Bilingual(danish: "", english: "")),
            state: state, version: version, entry: entry, validFrom: from, validUntil: until)
    }
}
