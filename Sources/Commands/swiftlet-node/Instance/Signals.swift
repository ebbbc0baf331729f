// SPDX-License-Identifier: Apache-2.0
// Swiftlet: SIGINT and SIGTERM as an asynchronous sequence.

import Glibc
import Synchronization

/// Ctrl-C and `kill`: the first asks to stop, the second to stop at once.
///
/// The signals are blocked in every thread and taken by one that waits for them (sigwait(3)); nothing runs in a handler.
enum StopSignals {
    /// main.swift calls it before there is a second thread.
    static func block() {
        var set = blockedSet()
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// The signal that came and that nobody has taken, for who looks now and then.
    static func pending() -> Int32? {
        var set = sigset_t()
        sigpending(&set)
        return [SIGINT, SIGTERM, SIGHUP].first { sigismember(&set, $0) == 1 }
    }

    /// Each signal as it comes.
    static func stream() -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(continuation))
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let box = Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
                var set = StopSignals.blockedSet()
                while true {
                    var number: Int32 = 0
                    if sigwait(&set, &number) == 0 { box.continuation.yield(number) }
                }
            }, box.toOpaque())
        pthread_detach(thread)
        return stream
    }

    private final class Box: Sendable {
        let continuation: AsyncStream<Int32>.Continuation

        init(_ continuation: AsyncStream<Int32>.Continuation) { self.continuation = continuation }
    }

    private static func blockedSet() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGHUP)
        return set
    }
}
