import FuldmagtBytes
import FuldmagtJSON

extension Handover {
    func write(to json: inout JSONWriter) {
        json.key("passages")
        json.beginArray()
        for passage in passages {
            json.beginObject()
            json.member("number", hex: passage.number)
            json.member("at", Int(passage.at.milliseconds))
            passage.to.writeMembers(to: &json)
            json.endObject()
        }
        json.endArray()
        if isSentBack { json.member("back", 1) }
        json.member("at", Int(at.milliseconds))
        json.key("cause")
        cause.write(to: &json)
        if let outcomePosition {
            json.key("outcome")
            outcomePosition.write(to: &json)
        }
        json.member("rows", rows)
    }

    static func read(_ node: JSONNode) -> Handover? {
        guard let at = node["at"]?.int, let cause = node["cause"].flatMap({ Cause.read($0) }),
            let rows = node["rows"]?.string
        else { return nil }
        var passages: [Passage] = []
        var isWhole = true
        node["passages"]?.forEachElement { _, element in
            if let number = element["number"]?.string.flatMap({ Ident(hex: $0) }), let at = element["at"]?.int,
                let to = PartyReference.read(element)
            {
                passages.append(Passage(number: number, to: to, at: Instant(milliseconds: Int64(at))))
            } else {
                isWhole = false
            }
        }
        guard isWhole, let first = passages.first else { return nil }
        var position: Position?
        if let outcome = node["outcome"] {
            guard let read = Position.read(outcome) else { return nil }
            position = read
        }
        var handover = Handover(
            first, cause: cause, at: Instant(milliseconds: Int64(at)), outcomePosition: position, rows: rows)
        handover.passages = passages
        handover.isSentBack = node["back"]?.int == 1
        return handover
    }
}

extension NumberChange {
    func write(to json: inout JSONWriter) {
        json.member("former", hex: former)
        current.writeMembers(to: &json)
    }

    static func read(_ node: JSONNode) -> NumberChange? {
        guard let former = node["former"]?.string.flatMap({ Ident(hex: $0) }),
            let current = PartyReference.read(node)
        else { return nil }
        return NumberChange(former: former, current: current)
    }
}

extension Echo {
    func write(to json: inout JSONWriter) {
        json.member("echo", hex: number)
        json.member("shard", Int(shard))
        json.member("asked", Int(asked))
    }

    static func read(_ node: JSONNode) -> Echo? {
        guard let number = node["echo"]?.ident, let shard = node["shard"]?.int.flatMap({ Int32(exactly: $0) }),
            let asked = node["asked"]?.int
        else { return nil }
        return Echo(number: number, shard: shard, asked: Int64(asked))
    }
}

extension PartyReference {
    fileprivate func writeMembers(to json: inout JSONWriter) {
        json.member("current", hex: pseudonym)
        json.member("shard", Int(shard))
        json.member("sealed", sealed.block.description + sealed.tag.description)
    }

    fileprivate static func read(_ node: JSONNode) -> PartyReference? {
        guard let pseudonym = node["current"]?.string.flatMap({ Ident(hex: $0) }),
            let shard = node["shard"]?.int.flatMap({ Int32(exactly: $0) }),
            let sealed = node["sealed"]?.string.flatMap({ SealedNumber(hex: $0) })
        else { return nil }
        return PartyReference(pseudonym: pseudonym, sealed: sealed, shard: shard)
    }
}

extension PassedOnCommand {
    func write(to json: inout JSONWriter) {
        json.member("command", Int(topic.rawValue))
        json.member("at", Int(at.milliseconds))
        if isTold { json.member("told", 1) }
        json.key("position")
        position.write(to: &json)
        json.key("sealed")
        json.plainString(count: sealed.count * 2) { Hex.write(sealed, to: $0) }
    }

    static func read(_ node: JSONNode) -> PassedOnCommand? {
        guard let topic = node["command"]?.int.flatMap({ UInt8(exactly: $0) }).flatMap({ Topic(rawValue: $0) }),
            let at = node["at"]?.int, let position = node["position"].flatMap({ Position.read($0) }),
            let sealed = node["sealed"]?.string.flatMap({ Hex.read($0) })
        else { return nil }
        return PassedOnCommand(
            topic: topic, position: position, at: Instant(milliseconds: Int64(at)), sealed: sealed,
            isTold: node["told"]?.int == 1)
    }
}

extension Position {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        writeMembers(to: &json)
        json.endObject()
    }

    func writeMembers(to json: inout JSONWriter) {
        json.member("topic", Int(topic.rawValue))
        json.member("partition", Int(partition))
        json.member("offset", Int(offset))
    }

    static func read(_ node: JSONNode) -> Position? {
        guard let topic = node["topic"]?.int.flatMap({ UInt8(exactly: $0) }).flatMap({ Topic(rawValue: $0) }),
            let partition = node["partition"]?.int.flatMap({ Int32(exactly: $0) }), let offset = node["offset"]?.int
        else { return nil }
        return Position(topic: topic, partition: partition, offset: Int64(offset))
    }
}

/// Bytes as hexadecimal digits.
public enum Hex {
    static func write(_ bytes: [UInt8], to target: UnsafeMutablePointer<UInt8>) {
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
        for (at, byte) in bytes.enumerated() {
            target[2 * at] = digit(byte >> 4)
            target[2 * at + 1] = digit(byte & 15)
        }
    }

    public static func text(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            if let start = buffer.baseAddress { write(bytes, to: start) }
            return bytes.count * 2
        }
    }

    /// - Returns: nil for anything but an even number of digits.
    public static func read(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 97...102: digit = byte - 87
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }
}
