import FuldmagtBytes

/// Text as it stands between tags of XML and HTML.
enum XMLText {
    /// Escapes text. Whatever a text holds, an XML 1.0 parser reads the same text back, but for characters that XML knows
    /// no way to write (controls, U+FFFE, U+FFFF), which become U+FFFD.
    static func append(_ text: String, to sink: inout ByteSink) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0), to: &sink) }
    }

    /// - Parameter bytes: UTF-8.
    static func append(_ bytes: UnsafeRawBufferPointer, to sink: inout ByteSink) {
        var from = 0
        var at = 0
        func flush(_ sink: inout ByteSink) {
            sink.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[from..<at]))
        }
        while at < bytes.count {
            let byte = bytes[at]
            guard isSpecial[Int(byte)] else {
                at += 1
                continue
            }
            var length = 1
            let replacement: StaticString?
            switch byte {
            case UInt8(ascii: "&"): replacement = "&amp;"
            case UInt8(ascii: "<"): replacement = "&lt;"
            // `]]>` may not stand in text.
            case UInt8(ascii: ">"): replacement = "&gt;"
            case UInt8(ascii: "\""): replacement = "&quot;"
            case UInt8(ascii: "'"): replacement = "&#39;"
            // A parser turns a bare one into a line feed.
            case 0x0d: replacement = "&#13;"
            case 0xef:
                let isNoncharacter = at + 2 < bytes.count && bytes[at + 1] == 0xbf && bytes[at + 2] >= 0xbe
                replacement = isNoncharacter ? "\u{fffd}" : nil
                length = isNoncharacter ? 3 : 1
            default: replacement = "\u{fffd}"
            }
            if let replacement {
                flush(&sink)
                sink.append(replacement)
                from = at + length
            }
            at += length
        }
        flush(&sink)
    }

    /// Bytes that need a look: those with a meaning, controls but tab and line feed, and what U+FFFE and U+FFFF begin with.
    private static let isSpecial: [Bool] = {
        var special = [Bool](repeating: false, count: 256)
        for control in 0..<0x20 where control != 0x09 && control != 0x0a { special[control] = true }
        for byte in "&<>\"'".utf8 { special[Int(byte)] = true }
        special[0xef] = true
        return special
    }()

    /// The text as a parser will read it back.
    static func readBack(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isAllowed($0) ? $0 : "\u{fffd}" }))
    }

    /// XML 1.0, production 2.
    static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0a, 0x0d, 0x20...0xd7ff, 0xe000...0xfffd, 0x10000...0x10ffff: true
        default: false
        }
    }
}

/// Bounds on texts.
enum TextLimit {
    /// Cuts a text that is too long between two characters as people see them, and ends it with an ellipsis.
    /// - Parameter limit: in characters as a schema counts them, Unicode scalars.
    static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit, text.unicodeScalars.count > limit else { return text }
        var kept = ""
        var count = 0
        for character in text {
            count += character.unicodeScalars.count
            guard count < limit else { break }
            kept.append(character)
        }
        return kept + "…"
    }
}

extension TextLimit {
    /// The same for a bound in bytes of UTF-8.
    static func cut(_ text: String, toBytes limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var kept = ""
        var count = 0
        for character in text {
            count += character.utf8.count
            // The ellipsis has three.
            guard count <= limit - 3 else { break }
            kept.append(character)
        }
        return kept + "…"
    }
}

/// Base64 (RFC 4648, with padding).
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func append(_ bytes: UnsafeRawBufferPointer, to sink: inout ByteSink) {
        digits.withUnsafeBufferPointer { digits in
            sink.append(count: (bytes.count + 2) / 3 * 4) { target in
                var out = 0
                var at = 0
                while at < bytes.count {
                    let second = at + 1 < bytes.count ? bytes[at + 1] : 0
                    let third = at + 2 < bytes.count ? bytes[at + 2] : 0
                    let group = UInt32(bytes[at]) << 16 | UInt32(second) << 8 | UInt32(third)
                    target[out] = digits[Int(group >> 18)]
                    target[out + 1] = digits[Int(group >> 12 & 63)]
                    target[out + 2] = at + 1 < bytes.count ? digits[Int(group >> 6 & 63)] : UInt8(ascii: "=")
                    target[out + 3] = at + 2 < bytes.count ? digits[Int(group & 63)] : UInt8(ascii: "=")
                    at += 3
                    out += 4
                }
            }
        }
    }

    /// Reads base64 with white space in it.
    /// - Returns: nil for anything else.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var count = 0
        var padding = 0
        for byte in text.utf8 where ![0x20, 0x09, 0x0a, 0x0d].contains(byte) {
            if byte == UInt8(ascii: "=") {
                padding += 1
                count += 1
                continue
            }
            guard padding == 0, let digit = value(of: byte) else { return nil }
            group = group << 6 | UInt32(digit)
            count += 1
            if count % 4 == 0 {
                bytes += [UInt8(group >> 16 & 255), UInt8(group >> 8 & 255), UInt8(group & 255)]
                group = 0
            }
        }
        guard count % 4 == 0, padding <= 2 else { return nil }
        if padding == 1 { bytes += [UInt8(group >> 10 & 255), UInt8(group >> 2 & 255)] }
        if padding == 2 { bytes.append(UInt8(group >> 4 & 255)) }
        return bytes
    }

    private static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case 65...90: byte - 65
        case 97...122: byte - 71
        case 48...57: byte + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
