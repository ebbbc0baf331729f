// SPDX-License-Identifier: Apache-2.0
// Swiftlet: entering namespaces that exist.

internal import CLinux
public import Glibc

/// Namespaces that belong to somebody else (setns(2)).
public enum NamespaceAccess {
    /// Runs `body` inside the network namespace at `path`, and comes back. Only for a process with one thread.
    public static func inNetwork<Result: ~Copyable>(
        _ path: String, _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let own = try Files.open("/proc/self/ns/net", O_RDONLY)
        let other = try Files.open(path, O_RDONLY)
        try join(other.rawValue, .network, path)
        defer {
            // Staying there would be a process in a place that nobody meant it to be in.
            if swl_setns(own.rawValue, Int32(Namespaces.network.rawValue)) != 0 { abort() }
        }
        return try body()
    }

    /// Joins namespaces of a process for good. For `.process` it is the children that join.
    public static func join(process: pid_t, _ kinds: Namespaces) throws(SystemError) {
        let descriptor = OwnedDescriptor(
            owning: try checkRaw("pidfd_open", "\(process)") { swl_pidfd_open(process) })
        try join(descriptor.rawValue, kinds, "process \(process)")
    }

    /// Joins what a namespace file or pidfd stands for.
    private static func join(_ descriptor: Int32, _ kinds: Namespaces, _ path: String) throws(SystemError) {
        _ = try checkRaw("setns", path) { swl_setns(descriptor, Int32(truncatingIfNeeded: kinds.rawValue)) }
    }

    /// Turns the loopback interface of the current network namespace on.
    public static func raiseLoopback() throws(SystemError) {
        _ = try checkRaw("ioctl", "lo") { swl_raise_loopback() }
    }
}
