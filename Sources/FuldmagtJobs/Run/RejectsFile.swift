import Foundation

/// The lines that are not sent, in two files: their own bytes in the input's form, header first, to be corrected and sent
/// as another job (personal data, so for its owner's eyes only), and a CSV of what is wrong with each, which holds none.
///
/// Written anew by each plan and each run: the same input gives the same files.
public final class RejectsFile {
    private let rejects: FileHandle
    private let faults: FileHandle
    private var pendingRejects = Data()
    private var pendingFaults = Data()
    private var header: [UInt8]?

    /// - Throws: when the files cannot be written.
    public init(rejects: String, faults: String) throws {
        self.rejects = try Self.open(rejects)
        self.faults = try Self.open(faults)
        pendingFaults.append(Data(LineFault.csvHeader.utf8))
    }

    private static func open(_ path: String) throws -> FileHandle {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // A file that is there keeps its mode, so it is set again.
        guard descriptor >= 0, fchmod(descriptor, 0o600) == 0 else {
            throw Checkpoint.Unusable(description: "\(path) cannot be written; check the folder and its permissions")
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Takes a line of the input; most are passed over.
    public func take(_ line: JobLine) throws {
        switch line {
        case .header(let line): header = line.ending.isEmpty ? line.raw + [10] : line.raw
        case .rejected(let line, let found):
            if let header {
                pendingRejects.append(contentsOf: header)
                self.header = nil
            }
            append(line)
            for fault in found { pendingFaults.append(Data(fault.csv(line: line.number).utf8)) }
        case .rejectedPart(let line): append(line)
        case .command, .duplicate, .blank: return
        }
        if pendingRejects.count > 1 << 20 || pendingFaults.count > 1 << 20 { try flush() }
    }

    private func append(_ line: LineSplitter.Line) { pendingRejects.append(contentsOf: line.raw) }

    /// Hands what was taken to the system.
    public func flush() throws {
        try rejects.write(contentsOf: pendingRejects)
        try faults.write(contentsOf: pendingFaults)
        pendingRejects.removeAll(keepingCapacity: true)
        pendingFaults.removeAll(keepingCapacity: true)
    }

    /// Writes what is left and closes both.
    public func close() throws {
        try flush()
        try rejects.close()
        try faults.close()
    }
}
