// SPDX-License-Identifier: Apache-2.0
// Swiftlet: every WASI function by name and type.
internal import Wasm

/// One function of the interface. Two may share a name: `sock_accept` exists with two and with three parameters.
struct Function {
    typealias Body = (WASIContext, Guest) throws(Errno) -> Void

    enum Implementation {
        /// The errno is the result.
        case errno(Body)
        /// `proc_exit`, `proc_raise`: may end the guest.
        case outcome((WASIContext, Guest) -> HostOutcome)
    }

    let name: StaticString
    /// One letter per parameter: `i` for i32, `I` for i64.
    let parameters: StaticString
    let hasResult: Bool
    /// Not part of the standard; only in `wasi_snapshot_preview1`.
    let isExtension: Bool
    let implementation: Implementation

    init(_ name: StaticString, _ parameters: StaticString, extension isExtension: Bool = false, _ body: @escaping Body)
    {
        self.name = name
        self.parameters = parameters
        self.isExtension = isExtension
        hasResult = true
        implementation = .errno(body)
    }

    init(
        _ name: StaticString, _ parameters: StaticString, hasResult: Bool,
        outcome: @escaping (WASIContext, Guest) -> HostOutcome
    ) {
        self.name = name
        self.parameters = parameters
        self.hasResult = hasResult
        isExtension = false
        implementation = .outcome(outcome)
    }

    /// Compares bytes: a module's imports are looked up one by one at every start.
    func isNamed(_ text: String) -> Bool {
        guard text.utf8.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { text.utf8.elementsEqual($0) }
    }

    func matches(_ type: FunctionType) -> Bool {
        guard type.results == (hasResult ? [.i32] : []), type.parameters.count == parameters.utf8CodeUnitCount else {
            return false
        }
        return parameters.withUTF8Buffer { letters in
            zip(letters, type.parameters).allSatisfy { ($0 == UInt8(ascii: "I") ? ValueType.i64 : .i32) == $1 }
        }
    }

    func hostFunction(of context: WASIContext, snapshot: Snapshot, type: FunctionType) -> HostFunction {
        switch implementation {
        case .errno(let body):
            HostFunction(type: type) { call in
                context.waiter.lock?.lock()
                defer { context.waiter.lock?.unlock() }
                var result = Errno.success
                do throws(Errno) {
                    try body(context, Guest(call: call, snapshot: snapshot))
                } catch {
                    result = error
                }
                call.results[0] = UInt64(result.rawValue)
                return .returned
            }
        case .outcome(let body):
            HostFunction(type: type) { call in body(context, Guest(call: call, snapshot: snapshot)) }
        }
    }
}

extension Function {
    /// All of them. The parameters follow the witx order, results last as pointers.
    nonisolated(unsafe) static let all: [Function] =
        processFunctions + descriptorFunctions + pathFunctions
        + socketFunctions
    // SAFETY (of nonisolated(unsafe)): never written, and the functions in it capture nothing.

    nonisolated(unsafe) private static let processFunctions: [Function] = [
        Function("args_get", "ii") { (context, guest) throws(Errno) in
            try context.writeStrings(context.arguments, guest)
        },
        Function("args_sizes_get", "ii") { (context, guest) throws(Errno) in
            try context.writeSizes(of: context.arguments, guest)
        },
        Function("environ_get", "ii") { (context, guest) throws(Errno) in
            try context.writeStrings(context.environment, guest)
        },
        Function("environ_sizes_get", "ii") { (context, guest) throws(Errno) in
            try context.writeSizes(of: context.environment, guest)
        },
        Function("clock_res_get", "ii") { (c, g) throws(Errno) in try c.clockResGet(g) },
        Function("clock_time_get", "iIi") { (c, g) throws(Errno) in try c.clockTimeGet(g) },
        Function("random_get", "ii") { (c, g) throws(Errno) in try c.randomGet(g) },
        Function("sched_yield", "") { (c, g) throws(Errno) in try c.schedYield(g) },
        Function("poll_oneoff", "iiii") { (c, g) throws(Errno) in try c.pollOneoff(g) },
        // WasmEdge's name for the same contract, kept in an epoll set there.
        Function("epoll_oneoff", "iiii", extension: true) { (c, g) throws(Errno) in try c.pollOneoff(g) },
        Function("proc_exit", "i", hasResult: false) { $0.procExit($1) },
        Function("proc_raise", "i", hasResult: true) { $0.procRaise($1) },
    ]

    nonisolated(unsafe) private static let descriptorFunctions: [Function] = [
        Function("fd_advise", "iIIi") { (c, g) throws(Errno) in try c.fdAdvise(g) },
        Function("fd_allocate", "iII") { (c, g) throws(Errno) in try c.fdAllocate(g) },
        Function("fd_close", "i") { (c, g) throws(Errno) in try c.fdClose(g) },
        Function("fd_datasync", "i") { (c, g) throws(Errno) in try c.fdDatasync(g) },
        Function("fd_fdstat_get", "ii") { (c, g) throws(Errno) in try c.fdFdstatGet(g) },
        Function("fd_fdstat_set_flags", "ii") { (c, g) throws(Errno) in try c.fdFdstatSetFlags(g) },
        Function("fd_fdstat_set_rights", "iII") { (c, g) throws(Errno) in try c.fdFdstatSetRights(g) },
        Function("fd_filestat_get", "ii") { (c, g) throws(Errno) in try c.fdFilestatGet(g) },
        Function("fd_filestat_set_size", "iI") { (c, g) throws(Errno) in try c.fdFilestatSetSize(g) },
        Function("fd_filestat_set_times", "iIIi") { (c, g) throws(Errno) in try c.fdFilestatSetTimes(g) },
        Function("fd_pread", "iiiIi") { (c, g) throws(Errno) in try c.fdPread(g) },
        Function("fd_prestat_get", "ii") { (c, g) throws(Errno) in try c.fdPrestatGet(g) },
        Function("fd_prestat_dir_name", "iii") { (c, g) throws(Errno) in try c.fdPrestatDirName(g) },
        Function("fd_pwrite", "iiiIi") { (c, g) throws(Errno) in try c.fdPwrite(g) },
        Function("fd_read", "iiii") { (c, g) throws(Errno) in try c.fdRead(g) },
        Function("fd_readdir", "iiiIi") { (c, g) throws(Errno) in try c.fdReaddir(g) },
        Function("fd_renumber", "ii") { (c, g) throws(Errno) in try c.fdRenumber(g) },
        Function("fd_seek", "iIii") { (c, g) throws(Errno) in try c.fdSeek(g) },
        Function("fd_sync", "i") { (c, g) throws(Errno) in try c.fdSync(g) },
        Function("fd_tell", "ii") { (c, g) throws(Errno) in try c.fdTell(g) },
        Function("fd_write", "iiii") { (c, g) throws(Errno) in try c.fdWrite(g) },
    ]

    nonisolated(unsafe) private static let pathFunctions: [Function] = [
        Function("path_create_directory", "iii") { (c, g) throws(Errno) in try c.pathCreateDirectory(g) },
        Function("path_filestat_get", "iiiii") { (c, g) throws(Errno) in try c.pathFilestatGet(g) },
        Function("path_filestat_set_times", "iiiiIIi") { (c, g) throws(Errno) in try c.pathFilestatSetTimes(g) },
        Function("path_link", "iiiiiii") { (c, g) throws(Errno) in try c.pathLink(g) },
        Function("path_open", "iiiiiIIii") { (c, g) throws(Errno) in try c.pathOpen(g) },
        Function("path_readlink", "iiiiii") { (c, g) throws(Errno) in try c.pathReadlink(g) },
        Function("path_remove_directory", "iii") { (c, g) throws(Errno) in try c.pathRemoveDirectory(g) },
        Function("path_rename", "iiiiii") { (c, g) throws(Errno) in try c.pathRename(g) },
        Function("path_symlink", "iiiii") { (c, g) throws(Errno) in try c.pathSymlink(g) },
        Function("path_unlink_file", "iii") { (c, g) throws(Errno) in try c.pathUnlinkFile(g) },
    ]
}
