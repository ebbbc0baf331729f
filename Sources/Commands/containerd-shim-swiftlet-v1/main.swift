// SPDX-License-Identifier: Apache-2.0
// Swiftlet: containerd-shim-swiftlet-v1: the shim's command line and its daemon.
import EventLoop
import Glibc
import Protobuf
import TaskAPI
import TaskService

/// containerd joins stdout and stderr: on success only the answer may be printed, on failure everything is the reason.
func fail(_ failure: ShimFailure) -> Never {
    write(2, bytes: Array("containerd-shim-swiftlet-v1: \(failure)\n".utf8))
    exit(1)
}

func write(_ descriptor: Int32, bytes: [UInt8]) {
    var offset = 0
    while offset < bytes.count {
        let count = bytes.withUnsafeBytes { buffer in
            retryingInterrupts { Glibc.write(descriptor, buffer.baseAddress.map { $0 + offset }, bytes.count - offset) }
        }
        guard count > 0 else { return }
        offset += count
    }
}

/// Runtime options, or containerd's bootstrap parameters. A terminal or an open pipe of a person is not waited for.
func standardInput() -> [UInt8] {
    guard isatty(0) == 0 else { return [] }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    // LIMIT: bytes of options.
    while bytes.count < 1 << 20 {
        var poll = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 1000) > 0 else { break }
        let count = retryingInterrupts { read(0, &chunk, chunk.count) }
        guard count > 0 else { break }
        bytes += chunk[..<count]
    }
    return bytes
}

func environment() -> [String: String] {
    var result: [String: String] = [:]
    var entry = environ
    while let pointer = entry.pointee {
        let text = String(cString: pointer)
        if let mark = text.firstIndex(of: "=") {
            result[String(text[..<mark])] = String(text[text.index(after: mark)...])
        }
        entry += 1
    }
    return result
}

func currentDirectory() throws(ShimFailure) -> String {
    guard let pointer = getcwd(nil, 0) else { throw ShimFailure("getcwd: \(String(cString: strerror(errno)))") }
    defer { free(pointer) }
    return String(cString: pointer)
}

func runDaemon(_ name: String) throws(ShimFailure) {
    let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2, let path = getenv(ShimStart.socketVariable) else {
        throw ShimFailure("\(ShimStart.daemonName) is started by containerd-shim-swiftlet-v1 start")
    }
    let daemon = try ShimDaemon(
        listener: ShimStart.listenerDescriptor, socketPath: String(cString: path), namespace: parts[0], pod: parts[1])
    try daemon.run()
}

func main() throws(ShimFailure) {
    if CommandLine.arguments.first == ShimStart.daemonName {
        return try runDaemon(CommandLine.arguments.dropFirst().first ?? "")
    }
    let arguments = try ShimArguments(parsing: Array(CommandLine.arguments.dropFirst()))
    switch arguments.action {
    case .info:
        let version = RuntimeVersion(version: "v0.1.0")
        write(1, bytes: RuntimeInfo(name: "io.containerd.swiftlet.v1", version: version).protobufBytes)
    case .version: write(1, bytes: Array("containerd-shim-swiftlet-v1 v0.1.0\n".utf8))
    case .start:
        let start = ShimStart(arguments, directory: try currentDirectory(), environment: environment())
        write(1, bytes: Array(try start.run(standardInput: standardInput()).utf8))
    case .delete: write(1, bytes: ShimCleanup.delete(arguments, directory: try currentDirectory()))
    }
}

do { try main() } catch { fail(error) }
