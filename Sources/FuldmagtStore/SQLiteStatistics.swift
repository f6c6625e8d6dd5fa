import CSQLiteHook

/// SQLite's statistics of its own memory, which cost a lock, shared by all threads, for each piece of it: where two shards
/// work side by side, a tenth of all time.
enum SQLiteStatistics {
    /// Whether they are off. To be asked before anything else of SQLite, which cannot be told once it runs.
    static let areOff = fuldmagt_sqlite_without_statistics() == 0
}
