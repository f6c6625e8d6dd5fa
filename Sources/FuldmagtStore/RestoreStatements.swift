import GRDBSQLite

/// The statements by which a shard is rebuilt, each prepared when it is first used.
final class RestoreStatements {
    struct Table {
        let description: ChangelogTable
        let put: Statement
        let delete: Statement
    }

    let begin, commit: Statement
    /// By name.
    private(set) var tables: [[UInt8]: Table] = [:]

    init(_ connection: OpaquePointer) throws(StoreError) {
        begin = Statement(connection, whenUsed: "BEGIN")
        commit = Statement(connection, whenUsed: "COMMIT")
        for (name, table) in try ChangelogTable.all(connection) {
            let places = table.columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
            let condition = table.key.enumerated().map { "\(table.columns[$1]) = ?\($0 + 1)" }
                .joined(separator: " AND ")
            tables[Array(name.utf8)] = Table(
                description: table,
                put: Statement(connection, whenUsed: "INSERT OR REPLACE INTO \(name) VALUES (\(places))"),
                delete: Statement(connection, whenUsed: "DELETE FROM \(name) WHERE \(condition)"))
        }
    }

    /// Gives them up before the connection is closed.
    func finish() {
        begin.finish()
        commit.finish()
        for table in tables.values {
            table.put.finish()
            table.delete.finish()
        }
        tables = [:]
    }
}
