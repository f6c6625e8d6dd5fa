/// How the input's bytes are to be read as text.
public enum TextEncoding: String, CaseIterable, Sendable {
    case utf8 = "utf-8"
    /// ISO-8859-1, which Danish registers still deliver.
    case latin1 = "iso-8859-1"

    /// The text of a field; nil when the bytes are not text in this encoding. Control characters that ISO-8859-1 has and
    /// nobody writes (0x80 to 0x9F) are refused: they mean that the file is in Windows-1252 or UTF-8.
    func text(_ bytes: [UInt8]) -> String? {
        switch self {
        case .utf8: return String(validating: bytes, as: UTF8.self)
        case .latin1:
            guard !bytes.contains(where: { (0x80...0x9F).contains($0) }) else { return nil }
            var text = ""
            text.unicodeScalars.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
            return text
        }
    }
}
