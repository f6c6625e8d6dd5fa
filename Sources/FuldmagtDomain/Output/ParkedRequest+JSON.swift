import FuldmagtBytes
import FuldmagtJSON
import FuldmagtRecord

extension ParkedRequest {
    func write(to json: inout JSONWriter) {
        json.member("parked", action.rawValue)
        json.member("at", Int(at.milliseconds))
        if let command { json.member("command", hex: command) }
    }

    static func read(_ node: JSONNode) -> ParkedRequest? {
        guard let action = node["parked"]?.string.flatMap({ Action(rawValue: $0) }), let at = node["at"]?.int else {
            return nil
        }
        return ParkedRequest(
            action: action, command: node["command"]?.string.flatMap { Ident(hex: $0) },
            at: Instant(milliseconds: Int64(at)))
    }
}

extension ParkedRequest {
    /// The inbox record that has a shard carry this out.
    /// - Parameter citizen: whose commands wait, by pseudonym.
    public func record(citizen: Ident, shard: Int32, settings: Settings) -> Frame {
        var frame = FrameWriter()
        let message = InboxMessage(shard: shard, citizen: citizen, sealed: nil, body: .parked(self))
        Array(citizen.description.utf8).withUnsafeBytes { key in
            frame.append(
                topic: Topic.inbox.rawValue, partition: shard, timestamp: nil, key: key,
                headers: { block in
                    HeaderBlock.append("ce_specversion", "1.0", to: &block)
                    HeaderBlock.append("ce_type", InboxType.parked.rawValue, to: &block)
                    HeaderBlock.append("ce_source", "urn:dk:fuldmagt:\(settings.cluster)", to: &block)
                    HeaderBlock.append("content-type", "application/json", to: &block)
                    HeaderBlock.append("ce_id", to: &block) {
                        message.body.writeID(shard: String(shard), to: &$0)
                        $0.append(UInt8(ascii: "/"))
                        $0.append(hex: citizen)
                    }
                },
                value: { bytes in
                    JSONWriter.append(to: &bytes) { message.write(to: &$0) }
                    return true
                })
        }
        return frame.take()
    }
}
