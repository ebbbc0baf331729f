// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the objects on disk: one SQLite table of JSON, written ahead.

/// The durable copy of the store; not thread-safe.
final class ObjectFile {
    enum Change {
        case put(bytes: [UInt8], version: UInt64)
        case delete
    }

    private let database: Database
    private let insert: Statement
    private let remove: Statement
    private let setVersion: Statement

    /// Opens the file, creating the tables on first use.
    init(path: String) throws(DatabaseError) {
        database = try Database(path: path)
        // WAL with NORMAL: a commit survives the end of the process at once; it reaches the disk at a checkpoint.
        try database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000")
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS objects (
                kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
                version INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, namespace, name));
            CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
            """)
        insert = try database.prepare(
            """
            INSERT INTO objects (kind, namespace, name, version, body) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (kind, namespace, name) DO UPDATE SET version = excluded.version, body = excluded.body
            """)
        remove = try database.prepare("DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?")
        setVersion = try database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('version', ?)")
    }

    /// Calls `body` with kind, version and JSON of every object; returns the highest version ever written.
    func load(_ body: (String, UInt64, [UInt8]) -> Void) throws(DatabaseError) -> UInt64 {
        var highest: Int64 = 0
        try database.prepare("SELECT kind, version, body FROM objects").run { row throws(DatabaseError) in
            highest = max(highest, row.integer(1))
            body(row.text(0), UInt64(clamping: row.integer(1)), row.bytes(2))
        }
        try database.prepare("SELECT value FROM meta WHERE key = 'version'").run { row throws(DatabaseError) in
            highest = max(highest, row.integer(0))
        }
        return UInt64(clamping: highest)
    }

    /// Writes all `changes` or none of them.
    func commit(_ changes: [(key: ObjectKey, change: Change)], version: UInt64) throws(DatabaseError) {
        // A single insert carries its version in the row and needs no explicit transaction.
        if changes.count == 1, case .put = changes[0].change {
            try apply(changes[0].key, changes[0].change)
            return
        }
        try database.execute("BEGIN IMMEDIATE")
        do {
            for (key, change) in changes { try apply(key, change) }
            try setVersion.run([.integer(Int64(clamping: version))])
            try database.execute("COMMIT")
        } catch {
            // The first error is the one to report; a failed ROLLBACK means SQLite has rolled back already.
            try? database.execute("ROLLBACK")
            throw error
        }
    }

    private func apply(_ key: ObjectKey, _ change: Change) throws(DatabaseError) {
        let values: [Statement.Value] = [.text(key.kind), .text(key.namespace), .text(key.name)]
        switch change {
        case .put(let bytes, let version):
            try insert.run(values + [.integer(Int64(clamping: version)), .blob(bytes)])
        case .delete:
            try remove.run(values)
        }
    }
}
