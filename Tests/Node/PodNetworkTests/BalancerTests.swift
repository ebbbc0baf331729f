// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the balancer on loopback.

import NIOCore
import NIOPosix
import PodNetwork
import Testing

let testGroup = MultiThreadedEventLoopGroup.singleton

/// Collects everything until the peer ends, then closes.
private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let promise: EventLoopPromise<[UInt8]>
    private var bytes: [UInt8] = []

    init(_ promise: EventLoopPromise<[UInt8]>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes += unwrapInboundIn(data).readableBytesView }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return }
        promise.succeed(bytes)
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(bytes) }
}

/// Sends, ends its own direction, and returns all that comes back.
func exchange(_ target: SocketTarget, _ bytes: [UInt8] = []) async throws -> [UInt8] {
    let promise = testGroup.next().makePromise(of: [UInt8].self)
    do {
        let channel = try await ClientBootstrap(group: testGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(promise))
                }
            }
            .connect(host: target.address.description, port: Int(target.port)).get()
        if !bytes.isEmpty { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
        try? await channel.close(mode: .output)
    } catch {
        promise.fail(error)
    }
    return try await promise.futureResult.get()
}

func text(_ target: SocketTarget) async throws -> String { String(decoding: try await exchange(target), as: UTF8.self) }

/// A server that, once the client has ended its direction, answers with its prefix and all it was sent.
private final class EchoAtEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let prefix: String
    private var received = ByteBuffer()

    init(prefix: String) { self.prefix = prefix }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return }
        var answer = ByteBuffer(string: prefix)
        answer.writeBuffer(&received)
        let channel = context.channel
        channel.writeAndFlush(answer).whenComplete { _ in channel.close(promise: nil) }
    }
}

func serve(_ prefix: String, at address: String = "127.0.0.1") async throws -> (SocketTarget, any Channel) {
    let address = IPv4Address(address) ?? .loopback
    let channel = try await serveAt(SocketTarget(address, 0), prefix)
    return (SocketTarget(address, UInt16(channel.localAddress?.port ?? 0)), channel)
}

func serveAt(_ target: SocketTarget, _ prefix: String) async throws -> any Channel {
    try await ServerBootstrap(group: testGroup)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.allowRemoteHalfClosure, value: true)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(EchoAtEnd(prefix: prefix))
            }
        }
        .bind(host: target.address.description, port: Int(target.port)).get()
}

/// An address and port where nobody listens.
func freeTarget(_ address: IPv4Address = .loopback) async throws -> SocketTarget {
    let channel = try await ServerBootstrap(group: testGroup).bind(host: address.description, port: 0).get()
    let port = UInt16(channel.localAddress?.port ?? 0)
    try await channel.close()
    return SocketTarget(address, port)
}

/// Runs the body with a balancer in front of three servers "0", "1", "2".
private func withBalancer(
    affinity: Duration? = nil, _ body: (Balancer, [SocketTarget], [any Channel]) async throws -> Void
) async throws {
    var targets: [SocketTarget] = []
    var channels: [any Channel] = []
    for name in ["0", "1", "2"] {
        let (target, channel) = try await serve(name)
        targets.append(target)
        channels.append(channel)
    }
    let balancer = Balancer(listenOn: try await freeTarget(), affinityTimeout: affinity, group: testGroup)
    try await balancer.update(targets: targets)
    try await body(balancer, targets, channels)
    await balancer.close()
    for channel in channels { try? await channel.close() }
}

@Suite(.timeLimit(.minutes(1))) struct `The balancer` {
    @Test func `sends connections to all endpoints in turn`() async throws {
        try await withBalancer { balancer, _, _ in
            var answers: [String] = []
            for _ in 0..<6 { answers.append(try await text(balancer.address)) }
            #expect(answers == ["0", "1", "2", "0", "1", "2"])
        }
    }

    @Test func `goes to the next endpoint when one refuses`() async throws {
        try await withBalancer { balancer, _, channels in
            try await channels[1].close()
            var answers: [String] = []
            for _ in 0..<6 { answers.append(try await text(balancer.address)) }
            #expect(!answers.contains("1") && answers.contains("0") && answers.contains("2"))
            #expect(answers.allSatisfy { !$0.isEmpty })
        }
    }

    @Test func `gives no answer when all endpoints refuse`() async throws {
        try await withBalancer { balancer, _, channels in
            for channel in channels { try await channel.close() }
            // A reset, which a client that has ended its own direction may also see as the end.
            let answer = (try? await exchange(balancer.address, [1])) ?? []
            #expect(answer.isEmpty)
        }
    }

    @Test func `refuses without endpoints and accepts again with some`() async throws {
        try await withBalancer { balancer, targets, _ in
            try await balancer.update(targets: [])
            await #expect(throws: (any Error).self) { try await exchange(balancer.address) }
            try await balancer.update(targets: [targets[2]])
            #expect(try await text(balancer.address) == "2")
        }
    }

    @Test func `passes the end of one direction on and loses no byte of the other`() async throws {
        try await withBalancer { balancer, _, _ in
            // Far more than all socket buffers on the way hold.
            let bytes = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let answer = try await exchange(balancer.address, bytes)
            #expect(answer.count == bytes.count + 1)
            let isEqual = answer.dropFirst().elementsEqual(bytes)
            #expect(isEqual)
        }
    }

    @Test func `keeps a client on its endpoint with ClientIP affinity`() async throws {
        try await withBalancer(affinity: .seconds(60)) { balancer, targets, _ in
            var answers: Set<String> = []
            for _ in 0..<5 { answers.insert(try await text(balancer.address)) }
            #expect(answers == ["0"])
            try await balancer.update(targets: Array(targets.dropFirst()))
            #expect(try await text(balancer.address) != "0")
        }
    }

    @Test func `forgets a connection when it ends`() async throws {
        try await withBalancer { balancer, _, _ in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<50 { group.addTask { _ = try? await exchange(balancer.address, [1, 2, 3]) } }
            }
            for _ in 0..<100 where balancer.connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(balancer.connectionCount == 0)
        }
    }

    @Test func `says who has the port`() async throws {
        let (taken, channel) = try await serve("x")
        let balancer = Balancer(listenOn: taken, group: testGroup)
        await #expect(throws: NetworkError.self) { try await balancer.update(targets: [taken]) }
        try await channel.close()
    }
}
