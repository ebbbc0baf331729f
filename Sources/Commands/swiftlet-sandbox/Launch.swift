// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from the launch spec to the guest's last instruction.

import Confinement
import Glibc
import LaunchProtocol
import Linux
import WASI
import WASIThreads
import Wasm
import WasmRuntime
import WasmText

/// Why a launch ended before the guest's first instruction.
struct LaunchFailure: Error {
    var stage: LaunchStage
    var message: String
}

/// One launch. The order is the point: what needs privileges first, then the walls, then the first hostile byte.
struct Launch {
    let control: Int32

    /// Exit codes of the process; the supervisor believes the records first.
    enum Code {
        static let trapped: Int32 = 134
        static let failed: Int32 = 125
    }

    func run() -> Int32 {
        do throws(LaunchFailure) {
            let (spec, isDetached) = try receiveSpec()
            return try launch(spec, isDetached: isDetached)
        } catch {
            SandboxSocket.send(.failed(stage: error.stage, message: error.message), to: control)
            return Code.failed
        }
    }

    private func receiveSpec() throws(LaunchFailure) -> (LaunchSpec, isDetached: Bool) {
        do throws(ControlSocketError) {
            let isDetached = try SandboxSocket.acceptSupervisor(on: control)
            return (try SandboxSocket.receiveSpec(from: control), isDetached)
        } catch {
            throw LaunchFailure(stage: .spec, message: "\(error)")
        }
    }

    private func launch(_ spec: LaunchSpec, isDetached: Bool) throws(LaunchFailure) -> Int32 {
        let features: FeatureSet
        do { features = try FeatureSet(list: spec.features) } catch {
            throw LaunchFailure(stage: .spec, message: error.description)
        }
        // Opened and mapped, not read: no byte of the module is looked at before the filter stands.
        let bytes = try MappedModule.map(spec.moduleDescriptor, name: spec.name)
        let native = try NativeLaunch(spec)
        try native.profile(spec)
        let supervision = try Supervision(control: control, spec: spec, isSupervised: !isDetached)
        let wasi = WASIContext(WASIConfiguration(spec), waiter: supervision.waiter)
        let allowsThreads = MappedModule.mentionsThreads(bytes)
        do throws(ConfinementError) {
            for warning in try Confinement.apply(
                spec, keeping: supervision.descriptors, allowsThreads: allowsThreads)
            {
                SandboxSocket.send(.warning(warning), to: control)
            }
        } catch { throw LaunchFailure(stage: .confinement, message: error.description) }
        // The supervisor may have died before the kernel knew that we want to go with it.
        if spec.endsWithSupervisor && supervision.isAbandoned { return Code.failed }

        let instance = try instantiate(bytes, spec, features, wasi, native, allowsThreads: allowsThreads) { end in
            isDetached ? finishDetached(end) : finish(end)
        }
        try native.report(instance, spec, to: control)
        supervision.instance = instance
        let entrypoint = try Entrypoint(spec, in: instance)
        SandboxSocket.send(.started(isNative: native.runs(in: instance)), to: control)
        guard !isDetached else {
            // Nobody will read what would be sent, and the guest must not find our end under a number of its own.
            close(control)
            exit(finishDetached(entrypoint.call()))
        }
        // Nobody needs what would be released on the way back; the kernel takes it all at once.
        exit(finish(entrypoint.call()))
    }

    private func instantiate(
        _ bytes: ModuleBytes, _ spec: LaunchSpec, _ features: FeatureSet, _ wasi: WASIContext,
        _ native: NativeLaunch, allowsThreads: Bool,
        onThreadEnd: @escaping (Invocation) -> Int32
    ) throws(LaunchFailure) -> Instance {
        let module: Module
        // Text is assembled here, behind the walls, like every other reading of the module's bytes.
        do { module = try TextFormat.load(bytes, name: spec.name, features: features) } catch {
            throw LaunchFailure(stage: .module, message: error.description)
        }
        if ThreadGroup.canSpawn(module) && !allowsThreads {
            throw LaunchFailure(stage: .imports, message: MappedModule.threadsFoundLate)
        }
        if ThreadGroup.canSpawn(module) && spec.limits.fuel != nil {
            throw LaunchFailure(
                stage: .imports,
                message: "import wasi.thread-spawn: fuel is counted per thread, not for a module with threads")
        }
        do throws(InstantiationError) {
            guard ThreadGroup.isNeeded(by: module) else {
                return try Instance(module, in: native.store, imports: Imports(hosts: [wasi]), native: native.code)
            }
            let group = try threads(of: module, native.store, native.limits, wasi, onThreadEnd)
            return try Instance(module, in: native.store, imports: group.imports(), native: native.code)
        } catch {
            if case .link(let problem) = error { throw LaunchFailure(stage: .imports, message: problem.description) }
            throw LaunchFailure(stage: .instantiation, message: error.description)
        }
    }

    /// The exit code is all that reaches a parent; why a guest was stopped goes where its own complaints go.
    private func finishDetached(_ end: Invocation) -> Int32 {
        pthread_mutex_lock(Self.ending)
        switch end {
        case .returned: return 0
        case .exited(let code): return Int32(code & 0xFF)
        case .trapped(let trap):
            let text = Array("swiftlet: \(trap)\n".utf8)
            _ = write(2, text, text.count)
            return Code.trapped
        }
    }

    /// The threads of a module that imports wasi-threads. A thread that exits or traps ends the process.
    private func threads(
        of module: Module, _ store: Store, _ limits: StoreLimits, _ wasi: WASIContext,
        _ onEnd: @escaping (Invocation) -> Int32
    ) throws(InstantiationError) -> ThreadGroup {
        wasi.allowThreads()
        // glibc gives threads heaps of their own, and looks into /sys for how many to have. The engine allocates while
        // it translates and links, not while guests run: two heaps are enough, and no file has to be opened.
        Heaps.limit(to: 2)
        do throws(ResourceError) {
            let group = try ThreadGroup(module, in: store, hosts: [wasi], limits: limits) { _exit(onEnd($0)) }
            // The group lives as long as the process.
            _ = Unmanaged.passRetained(group)
            return group
        } catch { throw .resource(error) }
    }

    // SAFETY: initialised once; only ever used as a lock.
    nonisolated(unsafe) private static let ending: UnsafeMutablePointer<pthread_mutex_t> = {
        let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        return lock
    }()

    private func finish(_ end: Invocation) -> Int32 {
        // The first thread that ends reports its end. The lock is never given back: the process is over.
        pthread_mutex_lock(Self.ending)
        switch end {
        case .returned:
            SandboxSocket.send(.exited(code: 0), to: control)
            return 0
        case .exited(let code):
            SandboxSocket.send(.exited(code: code), to: control)
            return Int32(code & 0xFF)
        case .trapped(let trap):
            SandboxSocket.send(.trapped(reason: trap.reason.rawValue, message: trap.description), to: control)
            return Code.trapped
        }
    }
}

extension WASIConfiguration {
    init(_ spec: LaunchSpec) {
        let network = spec.network
        self.init(
            arguments: spec.arguments, environment: spec.environment,
            preopens: spec.preopens.map {
                PreopenedDirectory(descriptor: $0.descriptor, guestPath: $0.guestPath, isReadOnly: $0.isReadOnly)
            },
            listeners: network.listeners,
            network: NetworkAccess(
                isAllowed: network.isAllowed, podAddress: network.podAddress,
                boundSockets: network.boundSockets.map { ($0.port, $0.descriptor) },
                hosts: network.hosts.map { ($0.name, $0.address) }, nameServers: network.nameServers),
            descriptorCountMax: Int(spec.limits.openFiles))
    }
}
