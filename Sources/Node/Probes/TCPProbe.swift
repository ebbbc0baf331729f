// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tcpSocket probes.

import NIOCore
import NIOPosix

/// Passes when a TCP connection can be opened; closes it at once.
struct TCPProbe: Sendable {
    let host: String
    let port: Int
    let timeout: Duration
    let group: any EventLoopGroup

    func attempt() async -> ProbeOutcome {
        do {
            let channel = try await ClientBootstrap(group: group)
                .connectTimeout(timeout.timeAmount)
                .connect(host: host, port: port).get()
            try? await channel.close()
            return ProbeOutcome(.success)
        } catch {
            return ProbeOutcome(.failure, connectMessage(error, host: host, port: port, timeout: timeout))
        }
    }
}

/// What a failed connect looks like to people, in the words of upstream's dialer.
func connectMessage(_ error: any Error, host: String, port: Int, timeout: Duration) -> String {
    let target = "dial tcp \(host):\(port)"
    switch error {
    case ChannelError.connectTimeout, is ProbeTimeout:
        return "\(target): i/o timeout (\(timeout.brief))"
    case let error as IOError:
        return "\(target): connect: \(describe(errno: error.errnoCode))"
    case let error as NIOConnectionError:
        if let first = error.connectionErrors.first {
            return connectMessage(first.error, host: host, port: port, timeout: timeout)
        }
        return "\(target): lookup \(host): no such host"
    default:
        return "\(target): \(error)"
    }
}
