import Foundation

/// Where a command writes what it was asked for: standard output.
///
/// Who reads it may have gone: then the command ends as others in a pipe do, by SIGPIPE and without a word. Where it cannot
/// be written otherwise, as to a file on a full disk, the command says so and ends with 1: what is there must not pass for
/// all there is. Either is an end like any other death, at any moment.
enum Output {
    static func line(_ bytes: UnsafeRawBufferPointer) { write(Array(bytes) + [UInt8(ascii: "\n")]) }

    static func line(_ text: String) { write(Array((text + "\n").utf8)) }

    /// A number of things: `1 line`, `2 lines`.
    static func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    static func text(_ text: String) { write(Array(text.utf8)) }

    /// Writes many lines, in pieces.
    static func lines(_ lines: some Sequence<String>) {
        var piece: [UInt8] = []
        for line in lines {
            piece += line.utf8
            piece.append(UInt8(ascii: "\n"))
            guard piece.count >= 1 << 16 else { continue }
            write(piece)
            piece.removeAll(keepingCapacity: true)
        }
        write(piece)
    }

    private static func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = Foundation.write(
                    STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else {
                    wait(errno)
                }
            }
        }
    }

    /// Returns once it is worth to write again, or never.
    private static func wait(_ error: Int32) {
        switch error {
        case EINTR: return
        case EAGAIN:
            var ready = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
            poll(&ready, 1, -1)
        case EPIPE:
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
            _exit(128 + SIGPIPE)
        default:
            StandardError.write("fuldmagt: standard output cannot be written: \(String(cString: strerror(error)))\n")
            _exit(Exit.failure.rawValue)
        }
    }
}
