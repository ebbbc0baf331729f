// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one listening TCP port in front of a changing set of endpoints.

import Glibc
public import NIOCore
import NIOPosix
import Synchronization

/// An L4 balancer: accepts on one address and port, and relays each connection to an endpoint, in turn.
///
/// With no endpoint it does not listen at all, so clients see "connection refused" as they would of a stopped server.
/// A connect that fails goes to the next endpoint; when all have failed the client's connection is reset.
public actor Balancer {
    /// Which endpoint is next, and who talks to whom. Shared with the event loops.
    final class Rotation: Sendable {
        struct State {
            var targets: [SocketTarget] = []
            var next = 0
            var connections = 0
            var affinity: [String: (target: SocketTarget, until: ContinuousClock.Instant)] = [:]
        }

        // LIMIT: relayed connections of one port; each has two descriptors.
        static let connectionsMax = 4096
        // LIMIT: remembered clients of one port with sessionAffinity ClientIP.
        static let affinityEntriesMax = 16_384

        let affinityTimeout: Duration?
        let state = Mutex(State())

        init(affinityTimeout: Duration?) { self.affinityTimeout = affinityTimeout }

        /// The endpoints for a new connection, best first. Empty: none, or too many connections.
        func begin(client: String) -> [SocketTarget] {
            state.withLock { state in
                guard !state.targets.isEmpty, state.connections < Rotation.connectionsMax else { return [] }
                state.connections += 1
                let start = state.next % state.targets.count
                var order = Array(state.targets[start...] + state.targets[..<start])
                if let sticky = state.affinity[client], sticky.until > .now,
                    let index = order.firstIndex(of: sticky.target)
                {
                    order.swapAt(0, index)
                } else {
                    state.next = (start + 1) % state.targets.count
                }
                return order
            }
        }

        func connected(client: String, to target: SocketTarget) {
            guard let affinityTimeout else { return }
            state.withLock { state in
                let now = ContinuousClock.now
                if state.affinity.count >= Rotation.affinityEntriesMax {
                    state.affinity = state.affinity.filter { $0.value.until > now }
                    if state.affinity.count >= Rotation.affinityEntriesMax { state.affinity = [:] }
                }
                state.affinity[client] = (target, now + affinityTimeout)
            }
        }

        func end() { state.withLock { $0.connections -= 1 } }
    }

    // LIMIT: time for one endpoint to accept; loopback answers at once or never.
    static let connectTimeout = TimeAmount.seconds(2)

    public nonisolated let address: SocketTarget
    private let group: any EventLoopGroup
    private nonisolated let rotation: Rotation
    private var listener: (any Channel)?

    /// - Parameter affinityTimeout: keeps a client address on one endpoint for this long after its last connection.
    public init(listenOn address: SocketTarget, affinityTimeout: Duration? = nil, group: any EventLoopGroup) {
        self.address = address
        self.group = group
        rotation = Rotation(affinityTimeout: affinityTimeout)
    }

    /// How many connections are relayed now.
    public nonisolated var connectionCount: Int { rotation.state.withLock { $0.connections } }

    /// Replaces the endpoints; starts or stops listening as needed. Connections under way go on.
    ///
    /// - Throws: `NetworkError.addressInUse` when the port cannot be bound; the call may be repeated. `.unavailable` when
    ///   this user may not bind it, which does not pass by itself.
    public func update(targets: [SocketTarget]) async throws(NetworkError) {
        rotation.state.withLock { state in
            // The one whose turn it is stays the next one.
            let upcoming = state.targets.isEmpty ? nil : state.targets[state.next % state.targets.count]
            state.targets = targets
            state.next = upcoming.flatMap { targets.firstIndex(of: $0) } ?? 0
        }
        if targets.isEmpty {
            await close()
        } else if listener == nil {
            listener = try await bind()
        }
    }

    /// Stops listening. Connections under way go on.
    public func close() async {
        let closing = listener
        listener = nil
        try? await closing?.close()
    }

    private func bind() async throws(NetworkError) -> any Channel {
        let rotation = self.rotation
        do {
            return try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.backlog, value: 1024)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        // Only an active channel can be told from one that has closed again.
                        let relay = RelayHandler { Balancer.accept(channel, $0, rotation) }
                        try channel.pipeline.syncOperations.addHandler(relay)
                    }
                }
                .bind(host: address.address.description, port: Int(address.port)).get()
        } catch {
            // NIO's own words name its functions; people want the kernel's.
            guard let failure = error as? IOError else {
                throw NetworkError(.unavailable, "cannot listen on \(address): \(error)")
            }
            let code: NetworkError.Code = failure.errnoCode == EADDRINUSE ? .addressInUse : .unavailable
            // Only root, and users whom the administrator allows it, listen on low ports (ip(7)).
            let hint =
                failure.errnoCode == EACCES
                ? "; without root, ports begin at what the sysctl net.ipv4.ip_unprivileged_port_start says" : ""
            throw NetworkError(
                code, "cannot listen on \(address): \(String(cString: strerror(failure.errnoCode)))\(hint)")
        }
    }

    private static func accept(_ channel: any Channel, _ relay: RelayHandler, _ rotation: Rotation) {
        let client = channel.remoteAddress?.ipAddress ?? ""
        let targets = rotation.begin(client: client)
        guard !targets.isEmpty else {
            reset(channel)
            return
        }
        channel.closeFuture.whenComplete { _ in rotation.end() }
        connect(channel, NIOLoopBound(relay, eventLoop: channel.eventLoop), targets[...], client, rotation)
    }

    /// Tries the endpoints in order until one accepts.
    private static func connect(
        _ channel: any Channel, _ relay: NIOLoopBound<RelayHandler>, _ targets: ArraySlice<SocketTarget>,
        _ client: String, _ rotation: Rotation
    ) {
        guard let target = targets.first else {
            reset(channel)
            return
        }
        ClientBootstrap(group: channel.eventLoop)
            .connectTimeout(connectTimeout)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { endpoint in
                endpoint.eventLoop.makeCompletedFuture {
                    try endpoint.pipeline.syncOperations.addHandler(RelayHandler())
                }
            }
            .connect(host: target.address.description, port: Int(target.port))
            .whenComplete { result in
                switch result {
                case .success(let endpoint):
                    guard channel.isActive,
                        let other = try? endpoint.pipeline.syncOperations.handler(type: RelayHandler.self)
                    else {
                        endpoint.close(promise: nil)
                        channel.close(promise: nil)
                        return
                    }
                    rotation.connected(client: client, to: target)
                    RelayHandler.join(relay.value, other)
                case .failure:
                    guard channel.isActive else { return }
                    connect(channel, relay, targets.dropFirst(), client, rotation)
                }
            }
    }

    /// Closes with RST, so that the client does not take the end for an empty answer.
    private static func reset(_ channel: any Channel) {
        guard let options = channel as? any SocketOptionProvider else {
            channel.close(promise: nil)
            return
        }
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }
}
