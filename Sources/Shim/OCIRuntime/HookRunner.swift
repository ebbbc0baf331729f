// SPDX-License-Identifier: Apache-2.0
// Swiftlet: runs the hooks of config.json.
internal import Glibc
internal import Linux
internal import OCI

/// Runs hooks in order, each with the container's state on stdin (runtime-spec runtime.md, Lifecycle).
struct HookRunner {
    let hooks: HooksSpec
    let bundle: String
    /// The network namespace in which `createContainer` hooks run; nil: the caller's. A sandbox has no mounts of its
    /// own, so the rest of the container's namespaces says nothing that a hook could see.
    var networkPath: String?

    /// Runs all hooks of a moment; the first that fails ends it.
    func run(_ moment: HooksSpec.Moment, state: JSON) throws(RuntimeFailure) {
        for (index, hook) in hooks[moment].enumerated() {
            let place = "error running \(moment) hook #\(index) (\(hook.path))"
            let problem: String?
            do throws(SystemError) {
                problem = try run(hook, state, isInside: moment == .createContainer)
            } catch { throw RuntimeFailure("\(place): \(error)") }
            if let problem { throw RuntimeFailure("\(place): \(problem)") }
        }
    }

    /// What is wrong with how it ended; nil when nothing is.
    private func run(_ hook: HooksSpec.Hook, _ state: JSON, isInside: Bool) throws(SystemError) -> String? {
        let input = try Files.memory(name: "state")
        try Descriptors.writeAll(input.rawValue, state.bytes)
        lseek(input.rawValue, 0, SEEK_SET)
        let output = try Files.memory(name: "hook")
        var request = SpawnRequest(path: hook.path, arguments: hook.args.isEmpty ? [hook.path] : hook.args)
        // As Go's os/exec and so runc: no environment of its own means the runtime's.
        request.environment = hook.env.isEmpty ? processEnvironment() : hook.env
        request.descriptors = [
            .init(input.rawValue, as: 0), .init(output.rawValue, as: 1), .init(output.rawValue, as: 2),
        ]
        request.directory = bundle
        let prepared = request
        let child: ChildProcess
        if isInside, let networkPath {
            child = try NamespaceAccess.inNetwork(networkPath) { () throws(SystemError) in
                try ChildProcess.spawn(prepared)
            }
        } else {
            child = try ChildProcess.spawn(prepared)
        }
        let milliseconds = hook.timeout.map { Int32(clamping: UInt64($0) * 1000) } ?? -1
        if try !Self.waitForEnd(child.descriptor.rawValue, milliseconds) {
            try child.kill(SIGKILL)
            _ = try child.wait()
            return "no end after \(hook.timeout ?? 0) s\(Self.tail(output.rawValue))"
        }
        switch try child.wait().cause {
        case .exited(0): return nil
        case .exited(let code): return "exit status \(code)\(Self.tail(output.rawValue))"
        case .signaled(let signal): return "signal \(signal)\(Self.tail(output.rawValue))"
        }
    }

    private static func waitForEnd(_ process: Int32, _ milliseconds: Int32) throws(SystemError) -> Bool {
        let deadline = Clock.monotonicNanoseconds() + UInt64(max(0, milliseconds)) * 1_000_000
        while true {
            var rest: Int32 = -1
            if milliseconds >= 0 {
                let now = Clock.monotonicNanoseconds()
                if now >= deadline { return false }
                rest = Int32(clamping: (deadline - now) / 1_000_000 + 1)
            }
            if !Poll.wait(process, for: .readable, timeoutMilliseconds: rest).isEmpty { return true }
        }
    }

    /// The end of what the hook said, for the message.
    private static func tail(_ output: Int32) -> String {
        lseek(output, 0, SEEK_SET)
        guard let bytes = try? Files.read(output, limit: 1 << 20), !bytes.isEmpty else { return "" }
        return ", output: \(String(decoding: bytes.suffix(2000), as: UTF8.self))"
    }
}
