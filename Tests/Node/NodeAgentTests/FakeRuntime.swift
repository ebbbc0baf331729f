// SPDX-License-Identifier: Apache-2.0
// Swiftlet: shims without processes.

import Glibc
import NodeAgent
import OCI
import Synchronization

/// Containers that end when a test says so.
final class FakeRuntime: PodRuntime {
    struct State {
        var shims: [String: FakeShim] = [:]
        var startCount = 0
        var cleanUps: [String] = []
    }

    let state = Mutex(State())
    /// Called with container id and arguments; the exit code of an exec.
    let exec: @Sendable (String, [String]) -> Int32
    let export: @Sendable (String, String) -> Int32
    /// A text makes `Create` of this container fail.
    let createProblem: @Sendable (String) -> String?
    let ignoresTermination: Bool

    init(
        exec: @escaping @Sendable (String, [String]) -> Int32 = { _, _ in 0 },
        export: @escaping @Sendable (String, String) -> Int32 = { _, _ in 0 },
        createProblem: @escaping @Sendable (String) -> String? = { _ in nil }, ignoresTermination: Bool = false
    ) {
        self.exec = exec
        self.export = export
        self.createProblem = createProblem
        self.ignoresTermination = ignoresTermination
    }

    func start(_ pod: PodSandbox) async throws -> any PodShim {
        state.withLock { state in
            if let shim = state.shims[pod.directory], shim.isAlive { return shim }
            state.startCount += 1
            let shim = FakeShim(runtime: self)
            state.shims[pod.directory] = shim
            return shim
        }
    }

    func adopt(_ pod: PodSandbox) async -> (any PodShim)? {
        state.withLock { state in state.shims[pod.directory].flatMap { $0.isAlive ? $0 : nil } }
    }

    func cleanUp(_ pod: PodSandbox) async {
        let shim = state.withLock { state in
            state.cleanUps.append(pod.directory)
            return state.shims.removeValue(forKey: pod.directory)
        }
        shim?.writeMissingRecords()
    }

    /// The shim of the only pod.
    var onlyShim: FakeShim? { state.withLock { $0.shims.values.first } }
}

final class FakeShim: PodShim {
    private struct Container {
        var bundle: String
        var isRunning = false
        var exitCode: Int32?
        var waiters: [Int: CheckedContinuation<Int32, any Error>] = [:]
    }

    private struct State {
        var isAlive = true
        var containers: [String: Container] = [:]
        var nextWaiter = 0
        var log: [String] = []
    }

    private let state = Mutex(State())
    private let runtime: FakeRuntime

    init(runtime: FakeRuntime) { self.runtime = runtime }

    var isAlive: Bool { state.withLock { $0.isAlive } }
    /// What was asked of the shim, in order.
    var log: [String] { state.withLock { $0.log } }
    var runningIDs: [String] {
        state.withLock { $0.containers.filter { $0.value.isRunning }.map(\.key).sorted() }
    }

    func spec(_ id: String) -> RuntimeSpec? {
        let bundle = state.withLock { $0.containers[id]?.bundle } ?? ""
        return readFile("\(bundle)/config.json").flatMap { try? RuntimeSpec(parsing: $0) }
    }

    /// Ends a container by itself.
    func end(_ id: String, code: Int32, signal: Int32 = 0, reason: String? = nil, message: String = "") {
        let (bundle, waiters) = state.withLock { state in
            guard var container = state.containers[id], container.exitCode == nil else {
                return ("", [CheckedContinuation<Int32, any Error>]())
            }
            let waiters = Array(container.waiters.values)
            container.waiters = [:]
            container.isRunning = false
            container.exitCode = code
            state.containers[id] = container
            return (container.bundle, waiters)
        }
        guard !bundle.isEmpty else { return }
        writeRecord(bundle, code, signal, reason ?? (code == 0 ? "Completed" : "Error"), message)
        for waiter in waiters { waiter.resume(returning: code) }
    }

    /// kill -9 of the shim: the connection ends, and nothing is written.
    func die() {
        let waiters = state.withLock { state in
            state.isAlive = false
            let waiters = state.containers.values.flatMap(\.waiters.values)
            for id in state.containers.keys { state.containers[id]?.waiters = [:] }
            return waiters
        }
        for waiter in waiters { waiter.resume(throwing: ShimError(.disconnected, "the shim has ended")) }
    }

    func writeMissingRecords() {
        let bundles = state.withLock { state in
            state.containers.values.filter { $0.isRunning && $0.exitCode == nil }.map(\.bundle)
        }
        for bundle in bundles { writeRecord(bundle, 137, 9, "Error", "the shim was killed") }
    }

    private func writeRecord(_ bundle: String, _ code: Int32, _ signal: Int32, _ reason: String, _ message: String) {
        let json = JSON.members([
            ("exitCode", .integer(code)), ("signal", .integer(signal)), ("reason", .string(reason)),
            ("message", .string(message)), ("finishedAt", .string("2026-01-01T00:00:00Z")),
        ])
        writeFile(json.bytes, "\(bundle)/exit.json")
    }

    private func check(_ what: String) throws {
        try state.withLock { state in
            guard state.isAlive else { throw ShimError(.disconnected, "the shim has ended") }
            state.log.append(what)
        }
    }

    // MARK: - PodShim

    func create(_ id: String, bundle: String, stdout: String, stderr: String) async throws {
        try check("create \(id)")
        if let problem = runtime.createProblem(id) { throw ShimError(.refused, problem) }
        state.withLock { $0.containers[id] = Container(bundle: bundle) }
        writeFile([], String(stdout.dropFirst("cri://".count).prefix { $0 != "?" }))
    }

    func start(_ id: String) async throws {
        try check("start \(id)")
        state.withLock { $0.containers[id]?.isRunning = true }
    }

    func state(_ id: String) async throws -> ContainerTaskState {
        state.withLock { state in
            guard let container = state.containers[id] else { return .missing }
            return container.isRunning ? .running : container.exitCode == nil ? .created : .stopped
        }
    }

    func wait(_ id: String) async throws -> Int32 {
        let key = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Int32, any Error>? = state.withLock { state in
                    guard state.isAlive else { return .failure(ShimError(.disconnected, "the shim has ended")) }
                    guard let container = state.containers[id] else { return .failure(ShimError(.notFound, id)) }
                    if let code = container.exitCode { return .success(code) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.containers[id]?.waiters[key] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state in state.containers[id]?.waiters.removeValue(forKey: key) }
            waiter?.resume(throwing: CancellationError())
        }
    }

    func kill(_ id: String, signal: UInt32) async throws {
        try check("kill \(id) \(signal)")
        if signal == 9 {
            end(id, code: 137, signal: 9, reason: "Error")
        } else if !runtime.ignoresTermination {
            end(id, code: 0)
        }
    }

    func delete(_ id: String) async throws {
        try check("delete \(id)")
        state.withLock { $0.containers[id] = nil }
    }

    func exec(_ id: String, execID: String, process: [UInt8], output: String, timeout: Duration) async throws -> Int32 {
        let arguments = try ProcessSpec(parsing: process).args
        try check("exec \(id) \(arguments.joined(separator: " "))")
        writeFile(Array("output of exec".utf8), String(output.dropFirst("file://".count)))
        return runtime.exec(id, arguments)
    }

    func callExport(_ id: String, export: String, timeout: Duration) async throws -> Int32 {
        runtime.export(id, export)
    }

    func shutdown() async {
        for id in runningIDs { end(id, code: 137, signal: 9, reason: "Error") }
        state.withLock { state in
            state.log.append("shutdown")
            state.isAlive = false
        }
    }
}

func writeFile(_ bytes: [UInt8], _ path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, bytes, bytes.count)
    close(descriptor)
}

func readFile(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = max(0, read(descriptor, buffer.baseAddress, 1 << 20))
    }
}
