// SPDX-License-Identifier: Apache-2.0
// Swiftlet: who is at the other end of a loopback connection.
import Glibc
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Lets in only processes of the server's own user.
///
/// kubectl sends no credentials over plain HTTP, and a loopback port is open to every user of the machine. The kernel
/// knows the owner of the peer's socket, though: it is in /proc/net/tcp (proc(5)).
enum LoopbackPeer {
    /// A response that refuses the request, or nil if it may pass.
    static func refusal(_ request: Request, _ channel: any Channel) -> APIResponse? {
        // A web page may make a browser send requests here, but not without saying where they come from.
        if let origin = HTTPField.Name("Origin"), request.headers[origin] != nil {
            return APIError(403, "Forbidden", "requests of web pages are not answered").response
        }
        let host = request.head.authority?.split(separator: ":").first.map(String.init) ?? ""
        guard ["127.0.0.1", "localhost"].contains(host) else {
            return APIError(403, "Forbidden", "host \"\(host)\": expected 127.0.0.1 or localhost").response
        }
        guard let local = channel.localAddress?.port, let remote = channel.remoteAddress?.port,
            owner(ofPort: remote, connectedTo: local) == geteuid()
        else {
            return APIError(401, "Unauthorized", "only processes of the server's own user are answered").response
        }
        return nil
    }

    /// The user whose process has the connection from 127.0.0.1:`port` to 127.0.0.1:`peer`.
    static func owner(ofPort port: Int, connectedTo peer: Int) -> uid_t? {
        guard let file = fopen("/proc/self/net/tcp", "re") else { return nil }
        defer { fclose(file) }
        let from = address(port)
        let to = address(peer)
        var line = [CChar](repeating: 0, count: 512)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let fields = text.split(separator: " ")
            guard fields.count > 7, fields[1] == from, fields[2] == to else { continue }
            return uid_t(fields[7])
        }
        return nil
    }

    /// 127.0.0.1 and the port as the file shows them: the address in memory order, both in hexadecimal.
    private static func address(_ port: Int) -> String {
        let digits = String(port, radix: 16, uppercase: true)
        return "0100007F:" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
