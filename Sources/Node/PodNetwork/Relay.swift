// SPDX-License-Identifier: Apache-2.0
// Swiftlet: two connections joined, byte for byte.

import NIOCore

/// One side of a relayed connection. Both sides live on the same event loop.
///
/// A side is only read while the other can be written to, so a slow reader slows its writer and nothing piles up here.
/// The end of one direction is passed on alone: the other direction stays open as long as its own sender wants.
final class RelayHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Called when this side is connected.
    private let onActive: (RelayHandler) -> Void
    private var context: ChannelHandlerContext?
    private var partner: RelayHandler?
    private var wantsRead = false
    /// What came before the other side was there: NIO reads to the end when the peer hangs up, asked or not.
    private var early: [ByteBuffer] = []
    private var hasInputEnded = false
    private var hasFailed = false
    /// Set once this side's output is to end after what is still to be written.
    private var outputEnd: EventLoopFuture<Void>?

    init(onActive: @escaping (RelayHandler) -> Void = { _ in }) { self.onActive = onActive }

    /// Joins two sides. Bytes begin to flow.
    static func join(_ left: RelayHandler, _ right: RelayHandler) {
        left.partner = right
        right.partner = left
        left.passOnEarly()
        right.passOnEarly()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        onActive(self)
    }

    func read(context: ChannelHandlerContext) {
        if partner?.isWritable == true {
            context.read()
        } else {
            wantsRead = true
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if let partner {
            partner.context?.write(wrapOutboundOut(bytes), promise: nil)
        } else {
            early.append(bytes)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { partner?.context?.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.readIfWanted() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            hasInputEnded = true
            partner?.endOutput()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let other = partner
        partner = nil
        other?.partner = nil
        // NIO reports no end of input when the output has ended already; then an end without an error is a clean one.
        let isClean = hasInputEnded || (outputEnd != nil && !hasFailed)
        if isClean { other?.closeWhenWritten() } else { other?.context?.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        context.close(promise: nil)
    }

    private var isWritable: Bool { context?.channel.isWritable ?? false }

    private func passOnEarly() {
        for bytes in early { partner?.context?.write(wrapOutboundOut(bytes), promise: nil) }
        early = []
        partner?.context?.flush()
        if hasInputEnded { partner?.endOutput() }
        readIfWanted()
    }

    /// Sends FIN after everything written so far.
    @discardableResult
    private func endOutput() -> EventLoopFuture<Void>? {
        guard let context else { return nil }
        if let outputEnd { return outputEnd }
        let promise = context.eventLoop.makePromise(of: Void.self)
        outputEnd = promise.futureResult
        // NIO turns the end of the second direction into a full close that drops what is unwritten: write it out first.
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            channel.close(mode: .output, promise: promise)
        }
        return promise.futureResult
    }

    private func closeWhenWritten() {
        guard let channel = context?.channel else { return }
        endOutput()?.whenComplete { _ in channel.close(promise: nil) }
    }

    private func readIfWanted() {
        guard wantsRead, let context else { return }
        wantsRead = false
        context.read()
    }
}
