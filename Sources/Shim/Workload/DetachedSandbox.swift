// SPDX-License-Identifier: Apache-2.0
// Swiftlet: sandboxes that outlive the process that made them: an OCI runtime's.

internal import Glibc
package import LaunchProtocol
package import Linux

/// A sandbox process that waits at a socket for whoever starts it, and answers to nobody afterwards. Its parent is
/// whoever adopts orphans: conmon, say.
package struct DetachedSandbox: Sendable, Equatable {
    package let processIdentifier: Int32
    /// With the sandbox's descriptor numbers: what `start` sends.
    package let spec: LaunchSpec
}

extension SandboxLauncher {
    /// Starts a process that waits at `listener` (see `DetachedControl`), in its cgroup.
    package func prepareDetached(
        _ request: LaunchRequest, listener: Int32
    ) throws(WorkloadError) -> DetachedSandbox {
        var spec = request.spec
        spec.endsWithSupervisor = false
        var inheritances = Self.assignDescriptors(&spec)
        do { _ = try spec.encoded() } catch { throw WorkloadError("launch spec: \(error)") }
        // Nobody would read a warning here: limits are held, or the sandbox is refused.
        let (cgroup, missing) = try Isolation.makeCGroup(request, &spec)
        guard missing.isEmpty else { throw WorkloadError(missing.joined(separator: "; ")) }
        var ignored: [String] = []
        inheritances += [
            .init(request.streams.input, as: 0), .init(request.streams.output, as: 1),
            .init(request.streams.error, as: 2), .init(listener, as: LaunchSpec.controlDescriptor),
        ]
        do throws(SystemError) {
            let child = try spawn(request, inheritances, cgroup, &ignored)
            return DetachedSandbox(processIdentifier: child.processIdentifier, spec: spec)
        } catch {
            if request.removesCGroup { try? cgroup?.remove() }
            throw WorkloadError("start \(executablePath)", error)
        }
    }
}

/// The socket at which a detached sandbox waits. It is named below a directory that is held open, so that the length of
/// the directory's path does not matter.
package enum DetachedControl {
    /// Binds and listens.
    package static func listen(_ name: String, in directory: Int32) throws(WorkloadError) -> OwnedDescriptor {
        let socket = try makeSocket(name)
        try call("bind", name) {
            withAddress(name, directory) { Glibc.bind(socket.rawValue, $0, $1) }
        }
        try call("listen", name) { Glibc.listen(socket.rawValue, 1) }
        return socket
    }

    /// Connects to a sandbox that waits; nil when nobody does. Closing the connection without a spec ends the sandbox.
    package static func connect(_ name: String, in directory: Int32) throws(WorkloadError) -> OwnedDescriptor? {
        let socket = try makeSocket(name)
        while true {
            let result = withAddress(name, directory) { Glibc.connect(socket.rawValue, $0, $1) }
            if result == 0 { return socket }
            switch Errno.current {
            case .interrupted: continue
            case .noSuchFile, .connectionRefused: return nil
            case let error: throw WorkloadError("connect \(name)", SystemError(call: "connect", errno: error))
            }
        }
    }

    /// Sends the spec and waits until the guest runs, or never will.
    package static func begin(_ spec: LaunchSpec, over connection: Int32) throws(WorkloadError) {
        do throws(ControlSocketError) { try SupervisorSocket.send(spec, to: connection) } catch {
            // If it died before it read the spec, there may still be a record that says why.
            if error != .closed { throw WorkloadError("the sandbox: \(error)") }
        }
        while true {
            _ = Poll.wait(connection, for: .readable, timeoutMilliseconds: -1)
            let record: StatusRecord?
            do throws(ControlSocketError) { record = try SupervisorSocket.receive(from: connection) } catch {
                throw WorkloadError("the sandbox ended before the guest ran")
            }
            switch record {
            case .started: return
            case .failed(_, let message): throw WorkloadError(message)
            case nil, .warning, .exited, .trapped, .probe: continue
            }
        }
    }

    private static func makeSocket(_ name: String) throws(WorkloadError) -> OwnedDescriptor {
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        return OwnedDescriptor(owning: try call("socket", name) { Glibc.socket(AF_UNIX, type, 0) })
    }

    @discardableResult
    private static func call(_ name: String, _ path: String, _ body: () -> Int32) throws(WorkloadError) -> Int32 {
        let result = body()
        guard result >= 0 else {
            throw WorkloadError(path, SystemError(call: name, errno: .current))
        }
        return result
    }

    private static func withAddress(
        _ name: String, _ directory: Int32, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("/proc/self/fd/\(directory)/\(name)".utf8)
        precondition(path.count < 108, "names of control sockets are ours, and short")
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
