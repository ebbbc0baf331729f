// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a connection to the system's SQLite, as thin as the object store needs it.
import CSQLite

/// A failed SQLite call. `code` is the extended result code (https://www.sqlite.org/rescode.html).
struct DatabaseError: Error, CustomStringConvertible {
    var code: Int32
    var message: String

    var description: String { "sqlite: \(message) (code \(code))" }
}

/// One connection; not thread-safe, its owner serialises access.
final class Database {
    fileprivate let handle: OpaquePointer

    /// Opens (and creates if absent) the database at `path`; `:memory:` gives a private one.
    init(path: String) throws(DatabaseError) {
        var opened: OpaquePointer?
        // NOMUTEX: the owner already serialises, so SQLite's own locks would only cost time.
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let result = sqlite3_open_v2(path, &opened, flags, nil)
        guard result == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw DatabaseError(code: result, message: "open \(path): \(message)")
        }
        handle = opened
    }

    deinit {
        sqlite3_close_v2(handle)
    }

    /// Runs statements that return no rows.
    func execute(_ sql: String) throws(DatabaseError) {
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        if result != SQLITE_OK { throw lastError(result, during: sql) }
    }

    func prepare(_ sql: String) throws(DatabaseError) -> Statement {
        var statement: OpaquePointer?
        let result = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard result == SQLITE_OK, let statement else { throw lastError(result, during: sql) }
        return Statement(statement, of: self)
    }

    fileprivate func lastError(_ code: Int32, during action: String) -> DatabaseError {
        DatabaseError(code: code, message: "\(action): \(String(cString: sqlite3_errmsg(handle)))")
    }
}

/// A prepared statement; `run` binds, steps to the end and resets, so no state survives between calls.
final class Statement {
    enum Value {
        case integer(Int64)
        case text(String)
        case blob([UInt8])
    }

    private let handle: OpaquePointer
    private let database: Database

    fileprivate init(_ handle: OpaquePointer, of database: Database) {
        self.handle = handle
        self.database = database
    }

    deinit {
        sqlite3_finalize(handle)
    }

    /// Executes with `values` bound in order and calls `row` for each result row.
    func run(_ values: [Value] = [], row: (borrowing Row) throws(DatabaseError) -> Void = { _ in })
        throws(DatabaseError)
    {
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        for (index, value) in values.enumerated() { try bind(value, at: Int32(index + 1)) }
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: try row(Row(statement: handle))
            case SQLITE_DONE: return
            case let code: throw database.lastError(code, during: "step")
            }
        }
    }

    private func bind(_ value: Value, at index: Int32) throws(DatabaseError) {
        // SQLITE_TRANSIENT makes SQLite copy the bytes before the call returns; the C macro is a cast of -1.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        let result: Int32
        switch value {
        case .integer(let number): result = sqlite3_bind_int64(handle, index, number)
        case .text(let text): result = sqlite3_bind_text(handle, index, text, -1, transient)
        case .blob(let bytes):
            result = bytes.withUnsafeBytes { buffer in
                sqlite3_bind_blob64(handle, index, buffer.baseAddress, sqlite3_uint64(buffer.count), transient)
            }
        }
        if result != SQLITE_OK { throw database.lastError(result, during: "bind") }
    }

    /// The current result row, valid only inside the callback that receives it.
    struct Row: ~Copyable {
        fileprivate let statement: OpaquePointer

        func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

        func text(_ column: Int32) -> String {
            guard let pointer = sqlite3_column_text(statement, column) else { return "" }
            return String(cString: pointer)
        }

        func bytes(_ column: Int32) -> [UInt8] {
            guard let pointer = sqlite3_column_blob(statement, column) else { return [] }
            return Array(UnsafeRawBufferPointer(start: pointer, count: Int(sqlite3_column_bytes(statement, column))))
        }
    }
}
