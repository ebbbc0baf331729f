// SPDX-License-Identifier: Apache-2.0
// Swiftlet: pseudoterminals.

internal import CLinux
internal import Glibc

/// A pseudoterminal (pty(7)).
public struct Terminal: ~Copyable, Sendable {
    /// What a program talks to as its terminal.
    public let program: OwnedDescriptor
    /// What the person's side reads and writes.
    public let controller: OwnedDescriptor

    public init() throws(SystemError) {
        var other: Int32 = -1
        let controlling = try checkRaw("open a pseudoterminal") { swl_open_terminal(&other) }
        program = OwnedDescriptor(owning: other)
        controller = OwnedDescriptor(owning: controlling)
    }

    /// Sets the size in characters of the terminal behind a descriptor; the foreground processes get SIGWINCH.
    public static func setSize(_ descriptor: Int32, columns: UInt16, rows: UInt16) throws(SystemError) {
        _ = try checkRaw("ioctl TIOCSWINSZ") { swl_set_terminal_size(descriptor, columns, rows) }
    }

    /// Sends a descriptor over a connected AF_UNIX socket.
    public static func send(_ descriptor: Int32, over connection: Int32, name: String) throws(SystemError) {
        _ = try checkRaw("sendmsg") { swl_send_descriptor(connection, descriptor, name) }
    }
}
