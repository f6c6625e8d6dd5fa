/// Cuts a stream of bytes into lines, whatever ends them: LF, CRLF or CR, mixed as they come.
///
/// A byte order mark before the first line is left out. What is longer than `limit` comes in parts, so that memory stays
/// bounded and no byte is lost.
public struct LineSplitter {
    /// One line, or a part of one that is too long.
    public struct Line: Equatable, Sendable {
        /// Counted from 1.
        public var number: Int
        /// Without its end.
        public var bytes: [UInt8]
        /// The line end as it stood; empty at the end of the input and after a part that is not the last.
        public var ending: [UInt8]
        public var part: Part

        /// The line as it stood.
        public var raw: [UInt8] { bytes + ending }

        public init(number: Int, bytes: [UInt8], ending: [UInt8], part: Part = .whole) {
            self.number = number
            self.bytes = bytes
            self.ending = ending
            self.part = part
        }
    }

    public enum Part: Equatable, Sendable {
        case whole
        /// The first part of a line that is too long.
        case first
        case later
    }

    /// Bytes that a line may have: room for a field of 1 MiB, quoted, and the others.
    public static let defaultLimit = 4 << 20
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let limit: Int
    private var buffer: [UInt8] = []
    private var at = 0
    /// Bytes from `at` on that are known to hold no line end.
    private var searched = 0
    private var number = 1
    private var isAtStart = true
    private var isWithinLine = false
    private var isFinished = false
    /// Bytes handed out, line ends and the mark included.
    public private(set) var position = 0

    /// - Parameter limit: bytes of the longest line.
    public init(limit: Int = LineSplitter.defaultLimit) { self.limit = max(limit, 16) }

    /// Adds what came next.
    public mutating func feed(_ bytes: some Sequence<UInt8>) {
        if at > 0 {
            buffer.removeFirst(at)
            at = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Says that nothing comes after what was fed.
    public mutating func finish() { isFinished = true }

    /// The next line; nil when more has to be fed, or nothing is left.
    public mutating func next() -> Line? {
        guard skipMark() else { return nil }
        var end = at + searched
        while end < buffer.count, buffer[end] != 10, buffer[end] != 13 {
            if end - at == limit { return take(end, ending: 0, part: isWithinLine ? .later : .first) }
            end += 1
        }
        searched = end - at
        guard end < buffer.count else {
            guard isFinished, at < buffer.count || isWithinLine else { return nil }
            return take(end, ending: 0, part: isWithinLine ? .later : .whole, isLast: true)
        }
        // A CR may be the first half of an end whose second half has not come yet.
        if buffer[end] == 13, end + 1 == buffer.count, !isFinished { return nil }
        let isPair = buffer[end] == 13 && end + 1 < buffer.count && buffer[end + 1] == 10
        return take(end, ending: isPair ? 2 : 1, part: isWithinLine ? .later : .whole, isLast: true)
    }

    /// - Returns: false while it is open whether there is a mark.
    private mutating func skipMark() -> Bool {
        guard isAtStart else { return true }
        let begin = buffer.prefix(3)
        if begin.count < 3, !isFinished, Self.byteOrderMark.starts(with: begin) { return false }
        isAtStart = false
        if begin.elementsEqual(Self.byteOrderMark) {
            at = 3
            position = 3
        }
        return true
    }

    private mutating func take(_ end: Int, ending: Int, part: Part, isLast: Bool = false) -> Line {
        let line = Line(
            number: number, bytes: Array(buffer[at..<end]), ending: Array(buffer[end..<end + ending]), part: part)
        position += end + ending - at
        at = end + ending
        searched = 0
        isWithinLine = !isLast
        if isLast { number += 1 }
        return line
    }
}
