import Foundation
import Testing

@testable import FuldmagtWorker

@Suite struct ProducerNoteTests {
    private func path() throws -> String {
        let directory = NSTemporaryDirectory() + "fuldmagt-note-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return directory + "/one.producer"
    }

    @Test("what was noted last is found again")
    func kept() throws {
        let note = ProducerNote(path: try path())
        #expect(note.name == nil)
        try note.write("one-1")
        try note.write("one-22")
        #expect(note.name == "one-22")
    }

    @Test("a file that a power cut left empty holds no name")
    func empty() throws {
        let path = try path()
        #expect(FileManager.default.createFile(atPath: path, contents: Data()))
        #expect(ProducerNote(path: path).name == nil)
    }

    @Test("a full disk may pass, a folder that is gone does not; the old name stays")
    func failing() throws {
        let path = try path()
        let note = ProducerNote(path: path)
        try note.write("one-1")
        try FileManager.default.createSymbolicLink(atPath: path + ".new", withDestinationPath: "/dev/full")
        let failure = #expect(throws: LogFailure.self) { try note.write("one-2") }
        #expect(failure?.consequence == .retry)
        #expect(note.name == "one-1")
        let gone = #expect(throws: LogFailure.self) { try ProducerNote(path: path + "/none/x").write("one-2") }
        #expect(gone?.consequence == .fatal)
    }
}
