import FuldmagtRecord

/// When and where a command was first written. A re-published command carries both in headers, with a proof that they are
/// from this cluster and belong to this very command: a producer can neither make up the time of its command nor borrow
/// that of another. Marks without the proof count for nothing, as if they were not there.
public struct FirstWritten: Equatable, Sendable {
    public var time: Instant
    public var position: Position
    public var proof: String

    /// - Parameters:
    ///   - command: what tells the command from any other: its source, id and the digest of its content.
    ///   - proof: the cluster's, of the parts.
    public init(time: Instant, position: Position, of command: [String], proof: ([String]) -> Ident) {
        self.time = time
        self.position = position
        self.proof = proof(Self.proven(time: time.description, position: Self.text(position), command)).description
    }

    private static func text(_ position: Position) -> String {
        "\(position.topic.name)/\(position.partition)/\(position.offset)"
    }

    private static func proven(time: String, position: String, _ command: [String]) -> [String] {
        ["first-written", time, position] + command
    }

    var headers: [(String, String)] {
        [("fm_time", time.description), ("fm_position", Self.text(position)), ("fm_proof", proof)]
    }

    /// What a record's headers say, if they prove it.
    /// - Parameters:
    ///   - command: see `init`; asked for only where there are marks.
    ///   - proof: the cluster's, of the parts.
    public static func read(
        _ headers: UnsafeRawBufferPointer, of command: () -> [String], proof: ([String]) -> Ident
    ) -> FirstWritten? {
        var isMarked = false
        HeaderBlock.forEach(in: headers) { name, _ in
            // Most records carry none of these marks.
            if name.count > 3, name[0] == 0x66, name[1] == 0x6d, name[2] == 0x5f { isMarked = true }
        }
        guard isMarked else { return nil }
        var found: [String: String] = [:]
        HeaderBlock.forEach(in: headers) { name, value in
            guard name.starts(with: "fm_".utf8), let value else { return }
            found[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
        guard let timeText = found["fm_time"], let positionText = found["fm_position"], let claimed = found["fm_proof"],
            let time = Instant(timeText)
        else { return nil }
        let parts = positionText.split(separator: "/")
        guard parts.count == 3, let topic = Topic(name: String(parts[0])), let partition = Int32(parts[1]),
            let offset = Int64(parts[2])
        else { return nil }
        let command = command()
        guard proof(proven(time: timeText, position: positionText, command)).description == claimed else { return nil }
        return FirstWritten(
            time: time, position: Position(topic: topic, partition: partition, offset: offset), of: command,
            proof: proof)
    }
}
