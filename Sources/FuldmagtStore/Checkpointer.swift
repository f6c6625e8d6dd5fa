import Dispatch
import GRDB
import GRDBSQLite
import Synchronization

/// Folds a shard's write-ahead log into its database beside the turns, so that no turn waits for it.
///
/// It has a connection, opened when it is first needed, and a thread of its own. A turn waits only where the log has grown to many times the size it is
/// folded at: then the disk cannot keep up, and a log without end would fill it.
final class Checkpointer: Sendable {
    private let path: String
    private let thread = DispatchQueue(label: "fuldmagt.checkpoint", qos: .utility)
    private let pages: Int
    private let pagesAtMost: Int
    private struct State {
        var connection: DatabaseQueue?
        var isRunning = false
        var failure: StoreError?
    }
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: of the shard's file.
    ///   - pages: size of the log at which it is folded.
    init(path: String, pages: Int) {
        self.path = path
        self.pages = pages
        pagesAtMost = pages * 8
    }

    /// Called after each commit with the size of the log.
    func committed(pagesInLog: Int) {
        guard pagesInLog >= pages else { return }
        let starts = state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { thread.async { self.run() } }
        if pagesInLog >= pagesAtMost { thread.sync {} }
    }

    /// Called before each turn.
    /// - Throws: what the last run failed with, once. Nothing is lost by it; the disk is failing.
    func throwFailure() throws(StoreError) {
        let failure = state.withLock { state in
            defer { state.failure = nil }
            return state.failure
        }
        if let failure { throw failure }
    }

    private func run() {
        var failure: StoreError?
        do {
            // Passive: it waits for nobody and nobody waits for it.
            try opened().inDatabase { db in _ = try db.checkpoint(.passive) }
        } catch {
            failure = StoreError(error, doing: "folding the log into the database")
        }
        state.withLock { state in
            state.isRunning = false
            state.failure = failure
        }
    }

    /// On its thread.
    private func opened() throws -> DatabaseQueue {
        if let connection = state.withLock({ $0.connection }) { return connection }
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        let connection = try DatabaseQueue(path: path, configuration: configuration)
        state.withLock { $0.connection = connection }
        return connection
    }

    func close() throws {
        thread.sync {}
        try state.withLock { $0.connection }?.close()
    }
}

/// The number of pages in a connection's write-ahead log after its last commit, told by SQLite.
final class LogSize {
    fileprivate(set) var pages = 0

    /// Watches a connection, in place of SQLite's own checkpoints.
    init(_ connection: OpaquePointer) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            connection,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<LogSize>.fromOpaque(context).takeUnretainedValue().pages = Int(pages)
                return SQLITE_OK
            }, context)
    }
}
