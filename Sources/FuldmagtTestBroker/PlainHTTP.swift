import Foundation

/// A client that can do what a decent one does not: send too much, too slowly, or half of it.
public enum PlainHTTP {
    /// Posts a document to 127.0.0.1.
    /// - Returns: nil where there is no whole answer.
    public static func post(
        _ path: String, _ body: [UInt8], headers: [String: String] = [:], port: Int
    ) -> (status: Int, body: String)? {
        var head = "POST \(path) HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: \(body.count)\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        return exchange(Array((head + "\r\n").utf8) + body, port: port)
    }

    /// Asks 127.0.0.1 by GET.
    /// - Returns: nil where nobody listens, or there is no whole answer.
    public static func get(_ path: String, port: Int) -> (status: Int, body: String)? {
        exchange(Array("GET \(path) HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".utf8), port: port)
    }

    /// Sends bytes and reads what is answered, for two minutes at most. What nobody takes any more is not sent. Blocks: see
    /// `OwnThreads` where it is a task of the same test that answers.
    public static func exchange(_ bytes: [UInt8], port: Int) -> (status: Int, body: String)? {
        let answer = LoopbackSocket.with(port: port) { descriptor, address, size -> [UInt8] in
            var patience = timeval(tv_sec: 120, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
            }
            guard connect(descriptor, address, size) == 0 else { return [] }
            send(bytes, to: descriptor)
            return read(descriptor)
        }
        let text = String(decoding: answer, as: UTF8.self)
        guard let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
            let end = text.range(of: "\r\n\r\n")
        else { return nil }
        return (status, String(text[end.upperBound...]))
    }

    private static func send(_ bytes: [UInt8], to descriptor: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, min($0.count, 65_536), Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// All until the other side closes, or nothing comes any more.
    private static func read(_ descriptor: Int32) -> [UInt8] {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return answer }
            answer += buffer[..<count]
        }
    }
}
