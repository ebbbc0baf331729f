// SPDX-License-Identifier: Apache-2.0
// Swiftlet: starts shims by the command line that containerd uses.

import Glibc
import Linux
import NIOPosix

/// One `containerd-shim-swiftlet-v1` per pod.
public struct ShimRuntime: PodRuntime {
    // LIMIT: bytes of an address or an error text of the shim.
    static let outputBytesMax = 65_536

    private let shimPath: String
    private let root: String
    private let compiles: Bool

    /// - Parameter compiles: whether shims make native code of what they run interpreted.
    public init(shimPath: String, root: String, compiles: Bool = true) {
        self.shimPath = shimPath
        self.root = root
        self.compiles = compiles
    }

    public func start(_ pod: PodSandbox) async throws -> any PodShim {
        let result = try await run(pod, ["start"])
        let text = String(decoding: result.output, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
        guard result.status == 0, text.hasPrefix("unix://") else {
            throw ShimError(.refused, "start of the shim failed (status \(result.status)): \(text)")
        }
        return ShimTaskClient(connection: try await ShimConnection.connect(to: String(text.dropFirst(7))))
    }

    public func adopt(_ pod: PodSandbox) async -> (any PodShim)? {
        guard let bytes = FileTree.read("\(pod.directory)/address", limit: 4096) else { return nil }
        let text = String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
        guard text.hasPrefix("unix://"),
            let connection = try? await ShimConnection.connect(to: String(text.dropFirst(7)))
        else { return nil }
        return ShimTaskClient(connection: connection)
    }

    public func cleanUp(_ pod: PodSandbox) async {
        _ = try? await run(pod, ["-bundle", pod.directory, "delete"])
    }

    private func run(_ pod: PodSandbox, _ action: [String]) async throws -> (output: [UInt8], status: Int32) {
        let arguments =
            [shimPath, "-namespace", pod.identity.namespace, "-id", pod.identity.name, "-address", ""]
            + ["-publish-binary", ""] + action
        let environment = (compiles ? [] : ["SWIFTLET_BACKGROUND_COMPILER=off"]) + Self.environment(root: root)
        return try await NIOThreadPool.singleton.runIfActive {
            try BlockingCommand.run(
                shimPath, arguments, environment, directory: pod.directory, outputBytesMax: Self.outputBytesMax)
        }
    }

    /// A shim needs little of ours: where sandbox, compiler and native code are, where sockets go, and a PATH.
    private static func environment(root: String) -> [String] {
        var result = ["SWIFTLET_ROOT=\(root)"]
        let names = [
            "PATH", "SWIFTLET_SANDBOX", "SWIFTLET_AOT", "SWIFTLET_NATIVE", "HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
            "TMPDIR", "SWIFTLET_BACKGROUND_COMPILER",
        ]
        for name in names {
            if let value = getenv(name) { result.append("\(name)=\(String(cString: value))") }
        }
        return result
    }
}

/// Starts a program, reads what it prints and waits for it. Blocks its thread.
enum BlockingCommand {
    static func run(
        _ path: String, _ arguments: [String], _ environment: [String], directory: String, outputBytesMax: Int
    ) throws(ShimError) -> (output: [UInt8], status: Int32) {
        var ends: [Int32] = [-1, -1]
        // A socket pair, because it can be made close-on-exec at once: another start must not inherit an end.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw ShimError(.refused, "socketpair: \(FileTree.problem())")
        }
        defer { close(ends[0]) }
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(null) }
        var request = SpawnRequest(path: path, arguments: arguments, environment: environment)
        request.descriptors = [.init(null, as: 0), .init(ends[1], as: 1), .init(ends[1], as: 2)]
        request.directory = directory
        let child: ChildProcess
        do {
            child = try ChildProcess.spawn(request)
        } catch {
            close(ends[1])
            throw ShimError(.refused, "\(path): cannot be started: \(error)")
        }
        close(ends[1])
        var output: [UInt8] = []
        while output.count < outputBytesMax {
            let chunk = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                repeat { count = Glibc.read(ends[0], buffer.baseAddress, 4096) } while count < 0 && errno == EINTR
                count = max(0, count)
            }
            if chunk.isEmpty { break }
            output += chunk
        }
        guard let exit = try? child.wait() else { return (output, -1) }
        switch exit.cause {
        case .exited(let code): return (output, code)
        case .signaled(let signal): return (output, 128 + signal)
        }
    }
}
