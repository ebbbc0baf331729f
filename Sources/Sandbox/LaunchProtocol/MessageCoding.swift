// SPDX-License-Identifier: Apache-2.0
// Swiftlet: status records and control requests as bytes; one message is one record of the control socket.

extension StatusRecord {
    private enum Kind: UInt8 {
        case started = 1
        case exited = 2
        case trapped = 3
        case failed = 4
        case warning = 5
        case probeReturned = 6
        case probeTrapped = 7
        case probeUnavailable = 8
    }

    /// The bytes of the record. Texts longer than `ProtocolLimits.messageBytesMax` are cut, so this always succeeds.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .started(let isNative):
            writer.write(Kind.started.rawValue)
            writer.write(isNative)
        case .exited(let code):
            writer.write(Kind.exited.rawValue)
            writer.write(code)
        case .trapped(let reason, let message):
            writer.write(Kind.trapped.rawValue)
            writer.write(reason)
            writer.writeCut(message)
        case .failed(let stage, let message):
            writer.write(Kind.failed.rawValue)
            writer.write(stage.rawValue)
            writer.writeCut(message)
        case .warning(let message):
            writer.write(Kind.warning.rawValue)
            writer.writeCut(message)
        case .probe(let id, let outcome): writer.write(probe: id, outcome)
        }
        assert(writer.failure == nil && writer.bytes.count <= ProtocolLimits.recordBytesMax)
        return writer.bytes
    }

    public init(decoding bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        guard bytes.count <= ProtocolLimits.recordBytesMax else {
            throw ProtocolError("a record of \(bytes.count) bytes, limit \(ProtocolLimits.recordBytesMax)")
        }
        var reader = ByteReader(bytes)
        let limit = ProtocolLimits.messageBytesMax
        switch try reader.readCase(Kind.self) {
        case .started: self = .started(isNative: try reader.readBool())
        case .exited: self = .exited(code: try reader.read(UInt32.self))
        case .trapped:
            self = .trapped(reason: try reader.read(UInt8.self), message: try reader.readText(limit: limit))
        case .failed:
            self = .failed(stage: try reader.readCase(LaunchStage.self), message: try reader.readText(limit: limit))
        case .warning: self = .warning(try reader.readText(limit: limit))
        case .probeReturned:
            self = .probe(id: try reader.read(UInt32.self), outcome: .returned(try reader.read(Int32.self)))
        case .probeTrapped:
            self = .probe(id: try reader.read(UInt32.self), outcome: .trapped(try reader.readText(limit: limit)))
        case .probeUnavailable:
            self = .probe(id: try reader.read(UInt32.self), outcome: .unavailable(try reader.readText(limit: limit)))
        }
        try reader.finish()
    }

    public init(decoding bytes: [UInt8]) throws(ProtocolError) {
        self = try bytes.span.withUnsafeBytes { (buffer) throws(ProtocolError) in try StatusRecord(decoding: buffer) }
    }

    fileprivate static func probeKind(_ outcome: ProbeOutcome) -> UInt8 {
        switch outcome {
        case .returned: Kind.probeReturned.rawValue
        case .trapped: Kind.probeTrapped.rawValue
        case .unavailable: Kind.probeUnavailable.rawValue
        }
    }
}

extension ControlRequest {
    private enum Kind: UInt8 {
        case stop = 1
        case probe = 2
    }

    /// The bytes of the request; the name of an export may have 1024 bytes.
    public func encoded() throws(ProtocolError) -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .stop: writer.write(Kind.stop.rawValue)
        case .probe(let id, let export):
            writer.write(Kind.probe.rawValue)
            writer.write(id)
            writer.write(export, limit: Self.exportBytesMax)
        }
        return try writer.finish(limit: Self.bytesMax)
    }

    public init(decoding bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        guard bytes.count <= Self.bytesMax else {
            throw ProtocolError("a request of \(bytes.count) bytes, limit \(Self.bytesMax)")
        }
        var reader = ByteReader(bytes)
        switch try reader.readCase(Kind.self) {
        case .stop: self = .stop
        case .probe:
            self = .probe(id: try reader.read(UInt32.self), export: try reader.readText(limit: Self.exportBytesMax))
        }
        try reader.finish()
    }

    /// LIMIT: one request; small, so that the sandbox reads it into a fixed buffer.
    public static let bytesMax = 2048
    private static let exportBytesMax = 1024
}

extension ByteWriter {
    /// Writes at most `messageBytesMax` bytes of a text, whole characters only.
    fileprivate mutating func writeCut(_ text: String) {
        let limit = ProtocolLimits.messageBytesMax
        guard text.utf8.count > limit else { return write(text, limit: limit) }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        write(String(text.unicodeScalars[..<end]), limit: limit)
    }

    fileprivate mutating func write(probe id: UInt32, _ outcome: ProbeOutcome) {
        write(StatusRecord.probeKind(outcome))
        write(id)
        switch outcome {
        case .returned(let value): write(value)
        case .trapped(let message), .unavailable(let message): writeCut(message)
        }
    }
}
