// SPDX-License-Identifier: Apache-2.0
// Swiftlet: wasi-threads: the threads of one guest.

import Glibc
public import Wasm
public import WasmRuntime

/// The threads of a guest that imports `wasi.thread-spawn` (WebAssembly/wasi-threads).
///
/// A thread is a pthread with a store and an instance of its own over the shared memories that the module imports; it
/// runs the export `wasi_thread_start(thread, argument)`. What several threads share is the memories and the hosts,
/// which must be prepared for that (``WASI/WASIContext/allowThreads()``).
///
/// There is no way to end one thread from another but to end the process: whoever hears of an exit or a trap through
/// `onEnd` does that.
public final class ThreadGroup: HostModule, @unchecked Sendable {
    // SAFETY: the variables are used under `lock` only; the constants are not changed.
    private let module: Module
    private let hosts: [any HostModule]
    private let limits: StoreLimits
    private let threadCountMaximum: Int
    private let onEnd: (Invocation) -> Void
    private let memories: [(module: String, name: String, memory: Memory)]
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var lastIdentifier: UInt32 = 0
    private var threadCount = 0

    // LIMIT: thread identifiers are positive and below 2^29 (wasi-threads, "thread-spawn").
    private static let identifierMaximum: UInt32 = 0x1FFF_FFFF
    /// In bytes; interpreted code has a stack of its own, this one holds the host's functions.
    private static let stackByteCount = 1 << 20
    /// `errno` of preview 1, negative as the proposal wants it.
    private static let againError: Int32 = -6

    /// Whether the module wants threads, or a memory made for them.
    public static func isNeeded(by module: Module) -> Bool {
        canSpawn(module)
            || module.imports.contains {
                if case .memory(let type) = $0.description { type.isShared } else { false }
            }
    }

    /// Whether the module imports `wasi.thread-spawn`.
    public static func canSpawn(_ module: Module) -> Bool {
        module.imports.contains { $0.module == "wasi" && $0.name == "thread-spawn" }
    }

    /// Makes the shared memories that the module imports, in the store of its first thread.
    ///
    /// - Parameter threadCountMaximum: threads beside the first one; `thread-spawn` fails beyond.
    /// - Parameter onEnd: called on a thread that exited or trapped, and must not return to it: it ends the process.
    /// - Throws: ``WasmRuntime/ResourceError`` when a memory is above the limits.
    public init(
        _ module: Module, in store: Store, hosts: [any HostModule], limits: StoreLimits,
        threadCountMaximum: Int = 256, onEnd: @escaping (Invocation) -> Void
    ) throws(ResourceError) {
        self.module = module
        self.hosts = hosts
        self.limits = limits
        self.threadCountMaximum = threadCountMaximum
        self.onEnd = onEnd
        var memories: [(module: String, name: String, memory: Memory)] = []
        for item in module.imports {
            guard case .memory(let type) = item.description, type.isShared else { continue }
            memories.append((item.module, item.name, try store.makeMemory(type)))
        }
        self.memories = memories
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// What each thread's instance imports.
    public func imports() -> Imports {
        var imports = Imports(hosts: hosts + [self])
        for entry in memories { imports.define(entry.module, entry.name, .memory(entry.memory)) }
        return imports
    }

    private func withLock<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }

    // MARK: HostModule

    public var moduleNames: [String] { ["wasi"] }

    public func functionNames(inModule module: String) -> [String] { module == "wasi" ? ["thread-spawn"] : [] }

    public func function(module: String, name: String, type: FunctionType) -> HostFunction? {
        guard module == "wasi", name == "thread-spawn", type == FunctionType(parameters: [.i32], results: [.i32]) else {
            return nil
        }
        return HostFunction(type: type) { [unowned self] call in
            call.results[0] = UInt64(UInt32(bitPattern: spawn(call.i32(0))))
            return .returned
        }
    }

    // MARK: Threads

    /// What a new pthread is told.
    private final class Start {
        let group: ThreadGroup
        let identifier: UInt32
        let argument: UInt32

        init(_ group: ThreadGroup, _ identifier: UInt32, _ argument: UInt32) {
            self.group = group
            self.identifier = identifier
            self.argument = argument
        }
    }

    /// The thread's identifier, or a negative error number.
    private func spawn(_ argument: UInt32) -> Int32 {
        let identifier: UInt32? = withLock {
            guard threadCount < threadCountMaximum, lastIdentifier < Self.identifierMaximum else { return nil }
            threadCount += 1
            lastIdentifier += 1
            return lastIdentifier
        }
        guard let identifier else { return Self.againError }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, Self.stackByteCount)
        let start = Unmanaged.passRetained(Start(self, identifier, argument))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            { raw in
                // SAFETY: the object retained in `spawn`, handed over once.
                guard let raw else { return nil }
                let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
                start.group.run(start.identifier, start.argument)
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            // The pids limit of the cgroup, or no memory for the stack.
            start.release()
            withLock { threadCount -= 1 }
            return Self.againError
        }
        return Int32(identifier)
    }

    private func run(_ identifier: UInt32, _ argument: UInt32) {
        switch execute(identifier, argument) {
        case .returned: break
        case let ended: onEnd(ended)
        }
        withLock { threadCount -= 1 }
    }

    private func execute(_ identifier: UInt32, _ argument: UInt32) -> Invocation {
        let store: Store
        do { store = try Store(limits: limits) } catch { return .trapped(Trap(.hostError)) }
        do throws(InstantiationError) {
            let instance = try Instance(module, in: store, imports: imports())
            let outcome = instance.invoke("wasi_thread_start", [UInt64(identifier), UInt64(argument)])
            return outcome ?? .trapped(Trap(.hostError))
        } catch {
            switch error {
            case .trapped(let trap): return .trapped(trap)
            case .exited(let status): return .exited(status)
            case .link, .resource: return .trapped(Trap(.hostError))
            }
        }
    }
}
