// SPDX-License-Identifier: Apache-2.0
// Swiftlet: threads that are there before the walls are.

import CLLVM
import Glibc
import Synchronization

/// Threads that wait for work.
///
/// They can be started before a process gives up the right to start any, and each of them can give up its own
/// privileges before it sees anything.
public final class CompilerThreads: Sendable {
    private struct State {
        var work: (@Sendable () -> Void)?
        var isEnding = false
        var failure: (any Error)?
    }

    private struct Semaphores: @unchecked Sendable {
        let start: UnsafeMutablePointer<sem_t>
        let done: UnsafeMutablePointer<sem_t>
    }

    /// What a thread holds: the threads must not keep what ends them.
    private final class Shared: Sendable {
        let state = Mutex(State())
        let semaphores: Semaphores
        let prepare: @Sendable () throws -> Void

        init(prepare: @escaping @Sendable () throws -> Void) {
            self.prepare = prepare
            let start = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
            let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
            sem_init(start, 0, 0)
            sem_init(done, 0, 0)
            semaphores = Semaphores(start: start, done: done)
        }

        deinit {
            for semaphore in [semaphores.start, semaphores.done] {
                sem_destroy(semaphore)
                semaphore.deallocate()
            }
        }

        static func wait(_ semaphore: UnsafeMutablePointer<sem_t>) { while sem_wait(semaphore) != 0 {} }

        func live() {
            do { try prepare() } catch { state.withLock { $0.failure = $0.failure ?? error } }
            sem_post(semaphores.done)
            while true {
                Self.wait(semaphores.start)
                let (work, isEnding) = state.withLock { ($0.work, $0.isEnding) }
                if isEnding { return }
                work?()
                sem_post(semaphores.done)
            }
        }
    }

    private struct Handles: @unchecked Sendable { var threads: [pthread_t] = [] }

    private let shared: Shared
    private let handles: Handles

    /// Starts threads, and waits until each of them has prepared itself.
    ///
    /// - Parameters:
    ///   - count: how many; fewer come where the system gives no more.
    ///   - prepare: the first thing that each of them does.
    /// - Throws: what `prepare` threw.
    public init(count: Int, prepare: @escaping @Sendable () throws -> Void = {}) throws {
        shared = Shared(prepare: prepare)
        var handles = Handles()
        for _ in 0..<max(0, count) {
            guard let thread = Self.start(shared) else { break }
            handles.threads.append(thread)
        }
        self.handles = handles
        for _ in handles.threads { Shared.wait(shared.semaphores.done) }
        if let failure = shared.state.withLock({ $0.failure }) { throw failure }
    }

    deinit {
        shared.state.withLock { $0.isEnding = true }
        for _ in handles.threads { sem_post(shared.semaphores.start) }
        for thread in handles.threads { pthread_join(thread, nil) }
    }

    public var count: Int { handles.threads.count }

    /// Does the work on every thread and on the caller's, at the same time; returns when all have returned.
    func run(_ work: @escaping @Sendable () -> Void) {
        shared.state.withLock { $0.work = work }
        for _ in handles.threads { sem_post(shared.semaphores.start) }
        work()
        for _ in handles.threads { Shared.wait(shared.semaphores.done) }
        shared.state.withLock { $0.work = nil }
    }

    /// LLVM recurses over expressions: its threads get the stack that a main thread has.
    private static func start(_ shared: Shared) -> pthread_t? {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 16 << 20)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(shared)
        let error = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<Shared>.fromOpaque(context).takeRetainedValue().live()
                return nil
            }, context.toOpaque())
        guard error == 0 else {
            context.release()
            return nil
        }
        return thread
    }
}
