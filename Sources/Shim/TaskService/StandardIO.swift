// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where a guest's stdin, stdout and stderr come from and go to.
import EventLoop
import Glibc
import Linux
package import TTRPC

/// What a stdio field of a request says.
package enum StreamTarget: Equatable {
    case none
    /// A fifo whose other end the caller has.
    case fifo(path: String)
    /// `file:///path`: appended to.
    case file(path: String)
    /// `cri:///path?stream=stdout&maxSize=BYTES&maxFiles=N`: CRI log format, rotated.
    case cri(path: String, stream: LogStream, rotation: LogFile.Rotation)

    /// - Parameter stream: the one the field is about; `stream=` in the query must not say otherwise.
    package init(parsing text: String, stream: LogStream) throws(Status) {
        func invalid(_ reason: String) -> Status { Status(.invalidArgument, "\(stream) \"\(text)\": \(reason)") }
        guard !text.isEmpty else {
            self = .none
            return
        }
        guard !text.utf8.contains(0) else { throw invalid("a NUL character") }
        let bytes = text.utf8
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: "://".utf8) }) else {
            guard text.hasPrefix("/") else { throw invalid("expected an absolute path") }
            self = .fifo(path: text)
            return
        }
        let scheme = text[..<end]
        let parts = text[bytes.index(end, offsetBy: 3)...].split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = Self.decodePercent(parts[0]), path.hasPrefix("/"), path.utf8.count > 1 else {
            throw invalid("expected an absolute path")
        }
        switch scheme {
        case "fifo": self = .fifo(path: path)
        case "file": self = .file(path: path)
        case "cri":
            var rotation = LogFile.Rotation()
            for item in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
                let pair = item.split(separator: "=", maxSplits: 1).map(String.init)
                switch (pair.first, pair.count) {
                case ("stream", 2):
                    guard pair[1] == stream.rawValue else { throw invalid("expected stream=\(stream.rawValue)") }
                case ("maxSize", 2):
                    guard let size = UInt64(pair[1]) else { throw invalid("maxSize is not a number of bytes") }
                    rotation.sizeBytesMax = size
                case ("maxFiles", 2):
                    guard let files = Int(pair[1]), (1...1000).contains(files) else {
                        throw invalid("maxFiles is not from 1 to 1000")
                    }
                    rotation.filesMax = files
                default: throw invalid("unknown parameter \"\(item)\"")
                }
            }
            self = .cri(path: path, stream: stream, rotation: rotation)
        default: throw invalid("scheme \"\(scheme)\" is not supported; use a fifo's path, file:// or cri://")
        }
    }

    /// `%20` and its kin; nil for a broken escape or bytes that are no path.
    private static func decodePercent(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16),
                value != 0
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// The three streams of one process, opened.
///
/// `descriptors` go to the sandbox and are closed here once it has them. Only CRI logs and stdin pass through the shim;
/// a fifo or file for output is the sandbox's own, so the shim copies nothing.
final class StandardIO {
    /// stdin, stdout, stderr for the sandbox; -1 once given away.
    private(set) var descriptors: [Int32] = []
    private let loop: EventLoop
    /// Reading ends the shim holds, so that a caller who goes away does not break the pipe.
    private var held: [Int32] = []
    private var input: StreamPump?
    private var terminalOutput: StreamPump?
    /// The side for people of the process's terminal; -1: it has none.
    private var controller: Int32 = -1
    private var pumps: [LogPump] = []

    init(loop: EventLoop, _ paths: StreamPaths) throws(Status) {
        self.loop = loop
        let outputs = [
            try StreamTarget(parsing: paths.output, stream: .stdout),
            try StreamTarget(parsing: paths.error, stream: .stderr),
        ]
        do {
            if paths.hasTerminal {
                try openTerminal(paths.input, outputs[0])
            } else {
                try openInput(paths.input)
                var files: [String: LogFile] = [:]
                for target in outputs { try openOutput(target, &files) }
            }
        } catch {
            close()
            throw Status(.invalidArgument, "\(error)")
        }
    }

    deinit { close() }

    /// The sandbox has its copies.
    func handedOver() {
        for descriptor in descriptors { Glibc.close(descriptor) }
        descriptors = []
    }

    /// The guest reads the end of stdin when it has read what is there.
    func closeInput() { input?.end() }

    /// The process is gone: takes what is left in the pipes, then lets everything go, so that readers see the end.
    func finish() {
        terminalOutput?.finish()
        for pump in pumps { pump.finish() }
        close()
    }

    /// In characters.
    func resizeTerminal(columns: UInt32, rows: UInt32) throws(Status) {
        guard controller >= 0 else { throw Status(.failedPrecondition, "there is no terminal") }
        do {
            try Terminal.setSize(controller, columns: UInt16(clamping: columns), rows: UInt16(clamping: rows))
        } catch { throw Status(.internalError, "\(error)") }
    }

    private func close() {
        handedOver()
        input?.stop()
        input = nil
        terminalOutput?.stop()
        terminalOutput = nil
        if controller >= 0 { Glibc.close(controller) }
        controller = -1
        for pump in pumps { pump.stop() }
        pumps = []
        for descriptor in held { Glibc.close(descriptor) }
        held = []
    }

    /// A terminal has one output, and the process has its other side three times.
    private func openTerminal(_ inputPath: String, _ target: StreamTarget) throws(SystemFailure) {
        var files: [String: LogFile] = [:]
        try openOutput(target, &files)
        let output = descriptors.removeLast()
        do {
            let terminal = try Terminal()
            controller = try Self.duplicate(terminal.controller.rawValue)
            for _ in 0..<3 { descriptors.append(try Self.duplicate(terminal.program.rawValue)) }
            try Descriptors.setNonBlocking(controller)
            terminalOutput = try StreamPump(loop: loop, fifo: try Self.duplicate(controller), pipe: output)
        } catch {
            if terminalOutput == nil { Glibc.close(output) }
            throw error as? SystemFailure ?? SystemFailure("open", "a terminal", errno: errno)
        }
        guard !inputPath.isEmpty else { return }
        let fifo = try Self.openFIFO(inputPath, O_RDONLY | O_NONBLOCK)
        input = try StreamPump(loop: loop, fifo: fifo, pipe: try Self.duplicate(controller))
    }

    private static func duplicate(_ descriptor: Int32) throws(SystemFailure) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .last("duplicate", "a terminal") }
        return copy
    }

    private func openInput(_ path: String) throws(SystemFailure) {
        guard !path.isEmpty else { return descriptors.append(try Self.open("/dev/null", O_RDONLY)) }
        let fifo = try Self.openFIFO(path, O_RDONLY | O_NONBLOCK)
        let ends: (reading: Int32, writing: Int32)
        do { ends = try Self.makePipe(path) } catch {
            Glibc.close(fifo)
            throw error
        }
        descriptors.append(ends.reading)
        self.input = try StreamPump(loop: loop, fifo: fifo, pipe: ends.writing)
    }

    private func openOutput(_ target: StreamTarget, _ files: inout [String: LogFile]) throws(SystemFailure) {
        switch target {
        case .none: descriptors.append(try Self.open("/dev/null", O_WRONLY))
        case .file(let path): descriptors.append(try Self.open(path, O_WRONLY | O_CREAT | O_APPEND))
        case .fifo(let path):
            // The reading end first: opening the writing end of a fifo without a reader would block or fail.
            held.append(try Self.openFIFO(path, O_RDONLY | O_NONBLOCK))
            descriptors.append(try Self.open(path, O_WRONLY))
        case .cri(let path, let stream, let rotation):
            let file: LogFile
            if let shared = files[path] { file = shared } else { file = try LogFile(path: path, rotation: rotation) }
            files[path] = file
            let ends = try Self.makePipe(path)
            descriptors.append(ends.writing)
            pumps.append(
                try LogPump(loop: loop, reading: ends.reading, writer: CRILogWriter(file: file, stream: stream)))
        }
    }

    private static func open(_ path: String, _ flags: Int32) throws(SystemFailure) -> Int32 {
        let descriptor = retryingInterrupts { Glibc.open(path, flags | O_CLOEXEC, 0o640) }
        guard descriptor >= 0 else { throw .last("open", path) }
        return descriptor
    }

    private static func openFIFO(_ path: String, _ flags: Int32) throws(SystemFailure) -> Int32 {
        let descriptor = try open(path, flags)
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFIFO else {
            Glibc.close(descriptor)
            throw SystemFailure("open as a fifo", path, errno: EINVAL)
        }
        return descriptor
    }

    private static func makePipe(_ purpose: String) throws(SystemFailure) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .last("pipe", purpose) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}

/// Copies a pipe into a log.
private final class LogPump {
    private let loop: EventLoop
    private let reading: Int32
    private var writer: CRILogWriter
    private var isOpen = true

    init(loop: EventLoop, reading: Int32, writer: CRILogWriter) throws(SystemFailure) {
        self.loop = loop
        self.reading = reading
        self.writer = writer
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        try loop.watch(reading, for: .read) { [unowned self] _ in if !self.copyOnce() { self.stop() } }
    }

    /// One pipe's worth per turn, so that a flooding guest gets no more of the loop than anybody else. It blocks on its
    /// full pipe meanwhile. False at the end.
    private func copyOnce() -> Bool {
        let size = 65_536
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { buffer in
            let count = retryingInterrupts { read(reading, buffer.baseAddress, size) }
            if count < 0 { return errno == EAGAIN }
            guard count > 0 else { return false }
            writer.write(Array(buffer[..<count])[...])
            return true
        }
    }

    /// What is in the pipe now, at most what a pipe can hold: the writers are dead.
    func finish() {
        var turns = 0
        while isOpen, turns < 17, hasBytes() {
            if !copyOnce() { break }
            turns += 1
        }
        stop()
    }

    private func hasBytes() -> Bool {
        var poll = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0 && poll.revents & Int16(POLLIN) != 0
    }

    func stop() {
        guard isOpen else { return }
        isOpen = false
        writer.finish()
        loop.unwatch(reading)
        Glibc.close(reading)
    }
}
