import GRDBSQLite

/// Work of SQLite's that may take minutes without coming back.
final class LongWork {
    private let onProgress: () -> Void
    /// Steps of SQLite's machine after which it tells that it goes on: some milliseconds.
    private static let steps: Int32 = 100_000

    private init(_ onProgress: @escaping () -> Void) { self.onProgress = onProgress }

    /// Does what takes long through a connection.
    /// - Parameter onProgress: called again and again by the same thread while SQLite is at work.
    static func run<Result>(
        _ connection: OpaquePointer?, onProgress: @escaping () -> Void, _ body: () throws -> Result
    ) rethrows -> Result {
        let work = LongWork(onProgress)
        return try withExtendedLifetime(work) {
            sqlite3_progress_handler(
                connection, steps,
                { context in
                    if let context { Unmanaged<LongWork>.fromOpaque(context).takeUnretainedValue().onProgress() }
                    return 0
                }, Unmanaged.passUnretained(work).toOpaque())
            defer { sqlite3_progress_handler(connection, 0, nil, nil) }
            return try body()
        }
    }
}
