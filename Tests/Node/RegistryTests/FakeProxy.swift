// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: an HTTP proxy in this process, whose every target is one port of this machine.

import Glibc
import Synchronization

/// Makes tunnels and forwards plain requests, wherever they want to go, to `target`.
final class FakeProxy: Sendable {
    let port: Int
    private let listener: Int32
    private let target: UInt16
    private let received = Mutex<[String]>([])
    /// Answered instead of a tunnel.
    private let refusal: String?

    /// The heads of requests, CONNECT's too.
    var heads: [String] { received.withLock { $0 } }

    init(to target: Int, refusal: String? = nil) {
        self.target = UInt16(target)
        self.refusal = refusal
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { [listener] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length)
                listen(listener, 16)
                getsockname(listener, $0, &length)
            }
            return Int(pointer.pointee.sin_port.bigEndian)
        }
        Self.thread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                Self.thread { self.serve(client) }
            }
        }
    }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ client: Int32) {
        defer { close(client) }
        var head = ""
        var byte: UInt8 = 0
        while !head.hasSuffix("\r\n\r\n"), read(client, &byte, 1) == 1 {
            head.unicodeScalars.append(Unicode.Scalar(byte))
        }
        received.withLock { $0.append(head) }
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(server) }
        var address = Self.loopback(target)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(server, $0, size) }
        }
        if let refusal {
            return Self.send("HTTP/1.1 \(refusal)\r\nContent-Length: 0\r\n\r\n", to: client)
        } else if head.hasPrefix("CONNECT ") {
            Self.send("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n", to: client)
        } else {
            // The address becomes the path again.
            let words = head.split(separator: " ", maxSplits: 2)
            let path = words[1].dropFirst("http://".count).drop { $0 != "/" }
            Self.send("\(words[0]) \(path) \(words[2])", to: server)
        }
        Self.copyBothWays(client, server)
    }

    private static func copyBothWays(_ left: Int32, _ right: Int32) {
        var entries = [left, right].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while poll(&entries, 2, 10_000) > 0 {
            for index in 0..<2 where entries[index].revents != 0 {
                let count = read(entries[index].fd, &chunk, chunk.count)
                guard count > 0 else { return }
                _ = Glibc.send(entries[1 - index].fd, chunk, count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    private static func send(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
        pthread_detach(thread)
    }
}
