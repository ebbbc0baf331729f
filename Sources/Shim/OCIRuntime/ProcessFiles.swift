// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a caller hands over or wants to have beside the container: descriptors, a terminal, the process number.
internal import Glibc
internal import Linux
internal import OCI
internal import Workload

/// `--pid-file`.
enum PIDFile {
    /// Whole or not at all: the caller reads it as soon as it is there.
    static func write(_ process: Int32, to path: String?) throws(RuntimeFailure) {
        guard let path, !path.isEmpty else { return }
        let temporary = "\(path).\(getpid())"
        do throws(SystemError) {
            let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try Descriptors.writeAll(file.rawValue, "\(process)")
            guard rename(temporary, path) == 0 else {
                throw SystemError(call: "rename", path: path, errno: .current)
            }
        } catch {
            unlink(temporary)
            throw RuntimeFailure("--pid-file: \(error)")
        }
    }
}

/// `--preserve-fds N` and LISTEN_FDS: descriptors from 3 on.
enum PreservedDescriptors {
    /// A guest can be given listening sockets; anything else would be out of its reach, and silently so.
    static func listeners(_ option: String?) throws(RuntimeFailure) -> [Int32] {
        var count = 0
        if let option {
            guard let number = Int(option), (0...128).contains(number) else {
                throw RuntimeFailure("--preserve-fds: expected a number up to 128, found \"\(option)\"")
            }
            count = number
        }
        if let text = getenv("LISTEN_FDS"), let passed = Int(String(cString: text)), (0...128).contains(passed),
            getenv("LISTEN_PID").map({ String(cString: $0) }) ?? "\(getpid())" == "\(getpid())"
        {
            count += passed
        }
        let descriptors = (0..<count).map { Int32(3 + $0) }
        for descriptor in descriptors {
            var isListening: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0, isListening != 0 else {
                throw RuntimeFailure(
                    "--preserve-fds: descriptor \(descriptor) is not a listening socket; a guest can be given no other")
            }
        }
        return descriptors
    }
}

/// The three streams of a new process.
struct ProcessStreams {
    var standard: StandardStreams
    /// Whether they are a new terminal, to become the process's own.
    var isTerminal: Bool
}

/// `--console-socket`.
enum Console {
    /// Runs `body` with the streams for the process: a new terminal whose other side goes to the socket, or our own.
    static func withStreams<Result>(
        _ process: ProcessSpec, socket: String?, _ body: (ProcessStreams) throws(RuntimeFailure) -> Result
    ) throws(RuntimeFailure) -> Result {
        guard process.isTerminal, let socket, !socket.isEmpty else {
            return try body(ProcessStreams(standard: StandardStreams(), isTerminal: false))
        }
        let terminal = try RuntimeFailure.translating("process.terminal") { try Terminal() }
        do throws(SystemError) {
            if let size = process.consoleSize {
                try Terminal.setSize(terminal.program.rawValue, columns: size.columns, rows: size.rows)
            }
            let connection = try UnixConnection.connect(socket)
            try Terminal.send(terminal.controller.rawValue, over: connection.rawValue, name: "/dev/ptmx")
        } catch { throw RuntimeFailure("--console-socket \(socket): \(error)") }
        let number = terminal.program.rawValue
        return try body(
            ProcessStreams(
                standard: StandardStreams(input: number, output: number, error: number), isTerminal: true))
    }
}

enum UnixConnection {
    /// A connected stream socket. A path that is too long for a socket address is reached through its directory.
    static func connect(_ path: String) throws(SystemError) -> OwnedDescriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = Glibc.socket(AF_UNIX, type, 0)
        guard number >= 0 else { throw SystemError(call: "socket", path: path, errno: .current) }
        let socket = OwnedDescriptor(owning: number)
        var short = path
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let directory = try Files.open(
            parts.count > 1 ? parts.dropLast().joined(separator: "/") + "/" : ".", O_RDONLY | O_DIRECTORY)
        if path.utf8.count > 107 { short = "/proc/self/fd/\(directory.rawValue)/\(parts[parts.count - 1])" }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard short.utf8.count < 108 else { throw SystemError(call: "connect", path: path, errno: .invalidArgument) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(short.utf8)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw SystemError(call: "connect", path: path, errno: .current) }
        return socket
    }
}
