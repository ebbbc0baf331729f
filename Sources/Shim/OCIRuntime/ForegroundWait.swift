// SPDX-License-Identifier: Apache-2.0
// Swiftlet: run and exec without --detach: wait for the guest, pass signals on.
internal import Glibc
internal import Linux

enum ForegroundWait {
    /// For the signal handler, which can reach nothing else.
    nonisolated(unsafe) private static var process: pid_t = 0

    /// Waits for our child and returns its exit code, 128 + signal after one. TERM, INT, QUIT and HUP ask it to stop.
    static func wait(for record: ContainerRecord) -> Int32 { wait(for: record.process?.processIdentifier ?? 0) }

    static func wait(for child: pid_t) -> Int32 {
        process = child
        for number in [SIGTERM, SIGINT, SIGQUIT, SIGHUP] {
            signal(number) { _ in
                let saved = errno
                _ = kill(ForegroundWait.process, SIGTERM)
                errno = saved
            }
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) != child { if errno != EINTR { return 255 } }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}
