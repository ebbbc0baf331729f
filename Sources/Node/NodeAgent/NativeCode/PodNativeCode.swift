// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code for the containers of a pod: before they start, or while they run for the next time.

import KubernetesAPI
import Linux
import NativeCache
import OCI
import ObjectStore
import Probes
import TTRPC
import TaskService

/// Which engine runs a container, as its shim wrote it down.
enum RunningEngine: Equatable {
    case interpreter
    case native(level: String)

    /// nil: there is no word of it.
    init?(bundle: String) {
        guard let bytes = FileTree.read("\(bundle)/engine", limit: 256) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
        switch (words.first, words.count) {
        case ("interpreter", 1): self = .interpreter
        case ("native", 3): self = .native(level: String(words[1]))
        default: return nil
        }
    }

    /// For the event of a start.
    var phrase: String {
        switch self {
        case .interpreter: "interpreted"
        case .native(let level): "native code, level \(level)"
        }
    }
}

extension PodWorker {
    // LIMIT: time that a start waits for native code; the compiler goes on, and the next try finds what it made.
    static let compilationMax: Duration = .seconds(600)
    // LIMIT: time that a container's first attempt runs before its module is compiled: what ends sooner, and is not
    // started again, would not gain.
    static let compilationDelay: Duration = .seconds(5)
    private static let profileLooks = 20

    private var wantedEngine: SandboxAnnotations.Engine {
        pod.metadata.annotations[SandboxAnnotations.Key.engine].flatMap(SandboxAnnotations.Engine.init) ?? .auto
    }

    /// The module that a bundle is to run, opened as its shim will open it.
    private func openModule(_ bundle: String) throws(TTRPC.Status) -> OwnedDescriptor {
        let bundle = try Bundle(path: bundle)
        return try bundle.resolver.resolve(bundle.process).takeDescriptor()
    }

    /// With engine `aot`: waits for native code of the module.
    ///
    /// - Throws: `NodeError`; the container waits with its reason, and tries again.
    func compileFirst(_ container: Container, _ bundle: String) async throws {
        guard wantedEngine == .aot, let compiler = environment.compiler else { return }
        let name = container.name
        let module: OwnedDescriptor
        do throws(TTRPC.Status) { module = try openModule(bundle) } catch {
            throw NodeError("CreateContainerError", error.message)
        }
        if compiler.hasCode(of: module.rawValue) { return }
        let message = "Compiling the module of container \(name) to native code"
        record(.normal, "Compiling", message, container: name)
        change(name) { $0.wait("Compiling", message) }
        publish()
        let number = module.release()
        let label = "\(identity.name)/\(name)"
        let made = try await withDeadline(Self.compilationMax, name) {
            try await compiler.compile(OwnedDescriptor(owning: number), name: label)
        }
        recordReady(name, made, "used from this start on")
    }

    private func withDeadline(
        _ limit: Duration, _ name: String, _ body: @escaping @Sendable () async throws -> NativeJob.Made
    ) async throws -> NativeJob.Made {
        let clock = environment.clock
        return try await withThrowingTaskGroup(of: NativeJob.Made.self) { group in
            // Not a task of the group, which would wait for it when the time is over, or the pod.
            let (results, continuation) = AsyncStream.makeStream(of: Result<NativeJob.Made, any Error>.self)
            Task {
                do { continuation.yield(.success(try await body())) } catch { continuation.yield(.failure(error)) }
            }
            group.addTask {
                for await result in results { return try result.get() }
                throw CancellationError()
            }
            group.addTask {
                try await clock.sleep(limit)
                throw NodeError(
                    "NativeCompilationTimedOut",
                    "container \(name): there is no native code yet after \(limit.components.seconds) s; compiling goes on"
                )
            }
            defer { group.cancelAll() }
            guard let made = try await group.next() else { throw CancellationError() }
            return made
        }
    }

    /// Compiles the module of a container that runs interpreted, for its next start. Cancelled by the container's end.
    func compileMeanwhile(_ container: Container) async {
        guard let record = records[container.name], let compiler = environment.compiler else { return }
        let bundle = paths.bundle(container.name, record.attempt)
        guard wantedEngine == .auto, let engine = RunningEngine(bundle: bundle),
            engine != .native(level: NativeCompiler.Level.full.rawValue)
        else { return }
        let profile = GuestProfile.path(bundle)
        if record.attempt == 0 { await waitForProfile(profile) }
        guard !Task.isCancelled, let module = try? openModule(bundle) else { return }
        let name = container.name
        compiler.compileLater(module, name: "\(identity.name)/\(name)", profile: profile) { outcome in
            Task { await self.report(outcome, of: name) }
        }
    }

    /// Until the sandbox has told enough about its guest, or the guest has run for long enough.
    private func waitForProfile(_ path: String) async {
        for _ in 0..<Self.profileLooks where !Task.isCancelled && !GuestProfile.isRich(path) {
            try? await environment.clock.sleep(Self.compilationDelay / Self.profileLooks)
        }
    }

    private func report(_ outcome: NodeCompiler.Outcome, of container: String) {
        switch outcome {
        case .made(let made): recordReady(container, made, "used from the next start on")
        case .failed(let reason):
            record(
                .warning, "NativeCompilationFailed",
                "Container \(container) stays interpreted: \(reason)", container: container)
        }
    }

    private func recordReady(_ container: String, _ made: NativeJob.Made, _ use: String) {
        record(
            .normal, "NativeCodeReady", "Native code of container \(container), \(use): \(made)",
            container: container)
    }
}
