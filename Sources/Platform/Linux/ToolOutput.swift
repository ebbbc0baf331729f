// SPDX-License-Identifier: Apache-2.0
// Swiftlet: another program's output.

internal import Glibc

/// Runs a program to its end and takes what it prints.
public enum ToolOutput {
    /// stdout of the program; its stderr is ours. It gets our environment.
    public static func run(_ path: String, _ arguments: [String]) throws(SystemError) -> [UInt8] {
        let output = try Files.memory(name: "output")
        let null = try Files.open("/dev/null", O_RDWR)
        var request = SpawnRequest(path: path, arguments: [path] + arguments)
        request.environment = processEnvironment()
        request.descriptors = [.init(null.rawValue, as: 0), .init(output.rawValue, as: 1), .init(2, as: 2)]
        let end = try ChildProcess.spawn(request).wait()
        guard end.cause == .exited(code: 0) else { throw SystemError(call: "run", path: path, errno: .invalidArgument) }
        lseek(output.rawValue, 0, SEEK_SET)
        return try Files.read(output.rawValue, limit: 16 << 20)
    }
}

/// `NAME=value` of this process.
public func processEnvironment() -> [String] {
    var result: [String] = []
    var entry = environ
    while let pointer = entry.pointee {
        result.append(String(cString: pointer))
        entry += 1
    }
    return result
}
