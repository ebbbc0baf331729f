// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a tunnel through an HTTP proxy, before TLS begins.

import NIOCore

/// Asks a proxy for a connection to an address. The handlers behind this one believe that the channel becomes active when
/// the tunnel is there; then everything passes.
final class TunnelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let proxy: HTTPProxy
    /// `host:port`.
    private let target: String
    private var answer = ByteBuffer()
    private var isOpen = false

    // LIMIT: bytes of a proxy's answer.
    private static let answerBytesMax = 16 << 10

    init(_ proxy: HTTPProxy, to address: HTTPAddress) {
        self.proxy = proxy
        target = address.host.contains(":") ? "[\(address.host)]:\(address.port)" : "\(address.host):\(address.port)"
    }

    func channelActive(context: ChannelHandlerContext) {
        var lines = ["CONNECT \(target) HTTP/1.1", "Host: \(target)", "User-Agent: swiftlet"]
        if let authorization = proxy.authorization { lines.append("Proxy-Authorization: \(authorization)") }
        let text = lines.map { $0 + "\r\n" }.joined() + "\r\n"
        context.writeAndFlush(Self.wrapOutboundOut(context.channel.allocator.buffer(string: text)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOpen { return context.fireChannelRead(data) }
        var bytes = Self.unwrapInboundIn(data)
        answer.writeBuffer(&bytes)
        guard let end = endOfHead() else {
            if answer.readableBytes > Self.answerBytesMax { fail(context, "answers with too much") }
            return
        }
        let head = answer.readString(length: end) ?? ""
        let status = head.prefix { $0 != "\r\n" && $0 != "\n" }.split(separator: " ", maxSplits: 1)
        guard status.count == 2, status[0].hasPrefix("HTTP/1."), status[1].hasPrefix("2") else {
            return fail(context, "refuses \(target): \(status.count == 2 ? status[1] : "it does not speak HTTP/1.1")")
        }
        isOpen = true
        context.fireChannelActive()
        if answer.readableBytes > 0 { context.fireChannelRead(Self.wrapInboundOut(answer)) }
        answer = ByteBuffer()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isOpen { context.fireErrorCaught(ProxyError("the proxy \(proxy) ended the connection")) }
        context.fireChannelInactive()
    }

    private func fail(_ context: ChannelHandlerContext, _ reason: String) {
        context.fireErrorCaught(ProxyError("the proxy \(proxy) \(reason)"))
        context.close(promise: nil)
    }

    /// Bytes up to the empty line, with it; nil: not there yet.
    private func endOfHead() -> Int? {
        let mark = Array("\r\n\r\n".utf8)
        let view = answer.readableBytesView
        return view.indices.first { view[$0...].starts(with: mark) }.map { $0 - view.startIndex + mark.count }
    }
}

/// A proxy that does not do what it is for.
struct ProxyError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
