// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the ttrpc frame: ten bytes of header, then data.

/// One ttrpc message.
///
/// See: containerd/ttrpc PROTOCOL.md. On the wire: length (u32), stream (u32), kind (u8), flags (u8), all big-endian.
public struct Frame: Equatable, Sendable {
    /// LIMIT: data bytes per frame, as in the other implementations.
    public static let payloadBytesMax = 4 << 20
    public static let headerBytes = 10

    public enum Kind {
        public static let request: UInt8 = 1
        public static let response: UInt8 = 2
        public static let data: UInt8 = 3
    }

    public enum Flag {
        /// The sender sends nothing more on this stream.
        public static let remoteClosed: UInt8 = 1
        /// The sender expects data frames to follow.
        public static let remoteOpen: UInt8 = 2
        public static let noData: UInt8 = 4
    }

    public var stream: UInt32
    public var kind: UInt8
    public var flags: UInt8
    public var payload: [UInt8]

    public init(stream: UInt32, kind: UInt8, flags: UInt8 = 0, payload: [UInt8]) {
        self.stream = stream
        self.kind = kind
        self.flags = flags
        self.payload = payload
    }

    /// The bytes to send. A payload over `payloadBytesMax` is the caller's error: the receiver will refuse it.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + payload.count)
        for word in [UInt32(truncatingIfNeeded: payload.count), stream] {
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        bytes.append(kind)
        bytes.append(flags)
        bytes.append(contentsOf: payload)
        return bytes
    }
}

/// Finds the frames in a stream of bytes that arrives in pieces.
public struct FrameDecoder {
    public enum Event: Equatable, Sendable {
        case frame(Frame)
        /// A frame over the limit: its bytes are being skipped, nothing of it is kept.
        case oversized(stream: UInt32, kind: UInt8, lengthBytes: UInt32)
    }

    private var buffer: [UInt8] = []
    private var skipBytes = 0

    public init() {}

    /// Whether a frame has begun and not ended: the peer hung up in the middle if the stream ends now.
    public var isMidFrame: Bool { !buffer.isEmpty || skipBytes > 0 }

    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        let skipped = min(skipBytes, bytes.count)
        skipBytes -= skipped
        buffer.append(contentsOf: bytes.dropFirst(skipped))
    }

    public mutating func append(_ bytes: [UInt8]) { append(bytes[...]) }

    /// The next whole frame, or nil until more bytes come.
    public mutating func next() -> Event? {
        guard buffer.count >= Frame.headerBytes else { return nil }
        let length = word(at: 0)
        let stream = word(at: 4)
        let kind = buffer[8]
        let flags = buffer[9]
        guard length <= UInt32(Frame.payloadBytesMax) else {
            let present = min(Int(length), buffer.count - Frame.headerBytes)
            skipBytes = Int(length) - present
            consume(Frame.headerBytes + present)
            return .oversized(stream: stream, kind: kind, lengthBytes: length)
        }
        let end = Frame.headerBytes + Int(length)
        guard buffer.count >= end else { return nil }
        let payload = Array(buffer[Frame.headerBytes..<end])
        consume(end)
        return .frame(Frame(stream: stream, kind: kind, flags: flags, payload: payload))
    }

    private func word(at offset: Int) -> UInt32 {
        buffer[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    private mutating func consume(_ count: Int) {
        // A long-lived shim must not keep the room of its largest request.
        if count == buffer.count { buffer = [] } else { buffer.removeFirst(count) }
    }
}
