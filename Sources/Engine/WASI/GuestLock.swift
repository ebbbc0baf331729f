// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one WASI function at a time, where a guest has several threads.
internal import Glibc

/// Held by a thread inside a WASI function, but not while it waits: then others go on.
final class GuestLock {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }
    func unlock() { pthread_mutex_unlock(mutex) }
}

extension WASIContext {
    /// From now on several threads may call the functions, those handed out before included. Call it before the guest
    /// runs.
    ///
    /// A descriptor that one thread closes while another waits for it stays open until that one has come back.
    public func allowThreads() { waiter.lock = GuestLock() }
}
