// SPDX-License-Identifier: Apache-2.0
// Swiftlet: performs one probe attempt, whatever its kind.

public import NIOCore

/// Performs probe attempts. Everything that needs the container itself is a closure of the owner.
public struct Prober: Sendable {
    /// Runs a command in the container's sandbox and gives its exit code and the beginning of its output.
    public typealias Execute =
        @Sendable (_ command: [String], _ timeout: Duration) async throws -> (exitCode: Int32, output: String)
    /// Calls an exported function of the running guest and gives its result; 0 is healthy.
    public typealias CallExport = @Sendable (_ export: String, _ timeout: Duration) async throws -> Int32

    private let group: any EventLoopGroup
    private let execute: Execute
    private let callExport: CallExport

    public init(group: any EventLoopGroup, execute: @escaping Execute, callExport: @escaping CallExport) {
        self.group = group
        self.execute = execute
        self.callExport = callExport
    }

    /// One attempt, over at the latest after the probe's timeout. Never throws: a failure is an answer.
    public func attempt(_ specification: ProbeSpecification) async -> ProbeOutcome {
        let timeout = specification.settings.timeout
        switch specification.action {
        case .httpGet(let action):
            return await HTTPProbe(action: action, timeout: timeout, group: group).attempt()
        case .tcpSocket(let host, let port):
            return await TCPProbe(host: host, port: port, timeout: timeout, group: group).attempt()
        case .grpc(let host, let port, let service):
            return await GRPCProbe(host: host, port: port, service: service, timeout: timeout, group: group).attempt()
        case .exec(let command):
            return await attemptExec(command, timeout)
        case .export(let name):
            return await attemptExport(name, timeout)
        case .unusable(let reason):
            return ProbeOutcome(.failure, reason)
        }
    }

    private func attemptExec(_ command: [String], _ timeout: Duration) async -> ProbeOutcome {
        do {
            let result = try await execute(command, timeout)
            if result.exitCode == 0 { return ProbeOutcome(.success, result.output) }
            let message = result.output.isEmpty ? "command exited with code \(result.exitCode)" : result.output
            return ProbeOutcome(.failure, message)
        } catch let error as ProbeUnavailable {
            return ProbeOutcome(.unknown, error.message)
        } catch {
            return ProbeOutcome(.failure, "\(error)")
        }
    }

    private func attemptExport(_ name: String, _ timeout: Duration) async -> ProbeOutcome {
        do {
            let status = try await callExport(name, timeout)
            return status == 0 ? ProbeOutcome(.success) : ProbeOutcome(.failure, "export \(name) returned \(status)")
        } catch let error as ProbeUnavailable {
            return ProbeOutcome(.unknown, error.message)
        } catch {
            return ProbeOutcome(.failure, "export \(name): \(error)")
        }
    }
}

/// Thrown by the owner's closures when there is nothing to ask (the container has just ended): not a failure.
public struct ProbeUnavailable: Error, Sendable {
    public var message: String

    public init(_ message: String) {
        self.message = message
    }
}

/// The error of an attempt whose time is over.
struct ProbeTimeout: Error {}

extension Duration {
    /// For NIO's timers; at least a millisecond, so that zero is never "for ever".
    var timeAmount: TimeAmount {
        let (seconds, attoseconds) = components
        return .nanoseconds(max(1_000_000, seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }

    /// `1s`, `1.5s`, `200ms`: for messages.
    var brief: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        if milliseconds % 1000 == 0 { return "\(milliseconds / 1000)s" }
        return milliseconds < 1000 ? "\(milliseconds)ms" : "\(Double(milliseconds) / 1000)s"
    }
}
