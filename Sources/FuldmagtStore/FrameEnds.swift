import FuldmagtDomain
import FuldmagtJSON

/// Positions a frame ends at, as a JSON object by topic name.
enum FrameEnds {
    static func text(_ ends: [Topic: Int64]) -> String {
        var json = JSONWriter()
        json.beginObject()
        for (topic, end) in ends.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            json.key(topic.name)
            json.int(Int(end))
        }
        json.endObject()
        return String(decoding: json.finish(), as: UTF8.self)
    }

    static func read(_ text: String) throws(StoreError) -> [Topic: Int64] {
        let document = JSONDocument()
        var text = text
        var ends: [Topic: Int64] = [:]
        let isWhole = text.withUTF8 { bytes in
            do { try document.parse(UnsafeRawBufferPointer(bytes)) } catch { return false }
            var isWhole = true
            document.root.forEachMember { name, node in
                if let topic = Topic(name: name), let end = node.int {
                    ends[topic] = Int64(end)
                } else {
                    isWhole = false
                }
            }
            return isWhole
        }
        guard isWhole else { throw StoreError(.fatal, "a stored frame does not say where it ends") }
        return ends
    }
}
