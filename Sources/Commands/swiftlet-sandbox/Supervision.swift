// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the supervisor asks while the guest runs.

import Glibc
import LaunchProtocol
import Linux
import WASI
import Wasm
import WasmRuntime

/// Serves control requests at the moments when the guest waits for something.
final class Supervision {
    private let control: Int32
    /// Whether somebody stays at the other end of the control socket.
    private let isSupervised: Bool
    private let probeExports: [String]
    private let mainThread = pthread_self()
    /// Counts SIGTERMs: the second way to ask for a stop, for people and tools that only know the process.
    private let terminations: EventCounter
    /// Readable when either the control socket or the counter is; the waiter watches one descriptor.
    private let queue: EventQueue
    private(set) var waiter = Waiter()
    /// Set when there is something to probe.
    var instance: Instance?

    /// What the signal handler writes to.
    nonisolated(unsafe) private static var terminationDescriptor: Int32 = -1

    init(control: Int32, spec: LaunchSpec, isSupervised: Bool) throws(LaunchFailure) {
        self.control = control
        self.isSupervised = isSupervised
        probeExports = spec.probeExports
        do throws(SystemError) {
            terminations = try EventCounter()
            queue = try EventQueue()
            if isSupervised { try queue.add(control, .readable, token: 0) }
            try queue.add(terminations.descriptor.rawValue, .readable, token: 1)
            if isSupervised { try Descriptors.setNonBlocking(control) }
        } catch { throw LaunchFailure(stage: .confinement, message: "\(error)") }
        waiter = Waiter(controlDescriptor: queue.descriptor.rawValue) { [unowned self] _ in serve() }
        Self.terminationDescriptor = terminations.descriptor.rawValue
        countTerminations(SIGTERM)
        guard !isSupervised else { return }
        // These come from a terminal or from a runtime that knows only the process. The first process of a process
        // namespace would otherwise not even notice them.
        for number in [SIGINT, SIGQUIT, SIGHUP] { countTerminations(number) }
        signal(SIGPIPE, SIG_IGN)
    }

    private func countTerminations(_ number: Int32) {
        signal(number) { _ in
            let saved = errno
            var one: UInt64 = 1
            _ = write(Supervision.terminationDescriptor, &one, 8)
            errno = saved
        }
    }

    /// Descriptors that confinement must leave open.
    var descriptors: [Int32] { [queue.descriptor.rawValue, terminations.descriptor.rawValue] }

    /// Whether the supervisor has closed its end.
    var isAbandoned: Bool {
        Poll.wait(control, for: [], timeoutMilliseconds: 0).contains(.hangUp)
    }

    private func serve() {
        if terminations.drain() > 0 { waiter.stop() }
        guard isSupervised else { return }
        while true {
            do {
                guard let request = try SandboxSocket.receive(from: control) else { return }
                serve(request)
            } catch {
                // Nobody is left who could stop, probe or reap us: a sandbox does not outlive its supervisor.
                _exit(Launch.Code.failed)
            }
        }
    }

    private func serve(_ request: ControlRequest) {
        switch request {
        case .stop: waiter.stop()
        case .probe(let id, let export):
            SandboxSocket.send(.probe(id: id, outcome: probe(export)), to: control)
        }
    }

    private func probe(_ export: String) -> ProbeOutcome {
        guard probeExports.contains(export) else { return .unavailable("export \(export) is not granted for probes") }
        guard let instance, let function = instance.exportedFunction(export) else {
            return .unavailable("the module exports no function \(export)")
        }
        guard function.type.parameters.isEmpty, function.type.results == [.i32] else {
            return .unavailable("export \(export) has type \(function.type), expected () -> (i32)")
        }
        // The store belongs to the first thread; another one can come here where the guest has several.
        guard pthread_equal(pthread_self(), mainThread) != 0 else {
            return .unavailable("the workload's first thread does not wait for anything now")
        }
        // A probe that waits may be asked for the next one: one level is enough.
        guard waiter.depth <= 1 else { return .unavailable("another probe is under way") }
        switch instance.store.invoke(function, []) {
        case .returned(let results): return .returned(Int32(truncatingIfNeeded: results.first ?? 0))
        case .exited(let code): return .trapped("the probe called proc_exit(\(code))")
        case .trapped(let trap): return .trapped(trap.description)
        }
    }
}
