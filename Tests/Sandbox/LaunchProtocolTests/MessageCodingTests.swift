// SPDX-License-Identifier: Apache-2.0
// Swiftlet: status records, control requests and their way through a real socket.

import Glibc
import Linux
import Testing

import LaunchProtocol

private let records: [StatusRecord] = [
    .started(isNative: false), .started(isNative: true), .exited(code: 0), .exited(code: .max),
    .trapped(reason: 1, message: "unreachable\n  0: f"),
    .failed(stage: .imports, message: "unknown import"), .warning("no landlock"),
    .probe(id: 7, outcome: .returned(-1)), .probe(id: 8, outcome: .trapped("boom")),
    .probe(id: 9, outcome: .unavailable("no such export")),
]

private let requests: [ControlRequest] = [.stop, .probe(id: 1, export: "health"), .probe(id: .max, export: "")]

@Suite struct `A status record` {
    @Test(arguments: records) func `comes back as it was sent`(_ record: StatusRecord) throws {
        #expect(try StatusRecord(decoding: record.encoded()) == record)
    }

    @Test(arguments: records) func `is refused when cut or longer`(_ record: StatusRecord) {
        let bytes = record.encoded()
        for count in 0..<bytes.count {
            #expect(throws: ProtocolError.self) { try StatusRecord(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: ProtocolError.self) { try StatusRecord(decoding: bytes + [1]) }
    }

    @Test func `with random bytes never crashes the supervisor`() {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<50_000 {
            let count = Int.random(in: 0...24, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if !bytes.isEmpty { bytes[0] %= 10 }
            if let record = try? StatusRecord(decoding: bytes) { #expect(record.encoded() == bytes) }
        }
    }

    @Test func `with a long message is cut at a character`() throws {
        let text = "x" + String(repeating: "ü", count: ProtocolLimits.messageBytesMax)
        let record = try StatusRecord(decoding: StatusRecord.trapped(reason: 1, message: text).encoded())
        guard case .trapped(1, let message) = record else {
            Issue.record("another record came back")
            return
        }
        #expect(message.utf8.count <= ProtocolLimits.messageBytesMax)
        #expect(message.utf8.count >= ProtocolLimits.messageBytesMax - 1)
        #expect(text.hasPrefix(message))
    }
}

@Suite struct `The control socket` {
    private func decode(_ request: ControlRequest) throws -> ControlRequest {
        try request.encoded().withUnsafeBytes { try ControlRequest(decoding: $0) }
    }

    @Test(arguments: requests) func `carries requests`(_ request: ControlRequest) throws {
        #expect(try decode(request) == request)
        let pair = try DescriptorPair.sequencedPackets()
        try Descriptors.setNonBlocking(pair.second.rawValue)
        #expect(try SandboxSocket.receive(from: pair.second.rawValue) == nil)
        try SupervisorSocket.send(request, to: pair.first.rawValue)
        #expect(try SandboxSocket.receive(from: pair.second.rawValue) == request)
    }

    @Test func `carries records in order and then says that it is closed`() throws {
        let pair = try DescriptorPair.sequencedPackets()
        let supervisor = pair.first.rawValue
        for record in records { SandboxSocket.send(record, to: pair.second.rawValue) }
        shutdown(pair.second.rawValue, Int32(SHUT_RDWR))
        for record in records { #expect(try SupervisorSocket.receive(from: supervisor) == record) }
        #expect(throws: ControlSocketError.closed) { try SupervisorSocket.receive(from: supervisor) }
    }

    @Test func `carries a spec larger than a record`() throws {
        var spec = fullSpec
        spec.environment = (0..<8000).map { "VARIABLE_\($0)=" + String(repeating: "v", count: 100) }
        let pair = try DescriptorPair.sequencedPackets()
        let end = pair.second.rawValue
        nonisolated(unsafe) var received: LaunchSpec?
        var thread = pthread_t()
        // The queue holds about 200 KiB, so somebody has to read meanwhile.
        let reader = Reader(descriptor: end) { received = $0 }
        pthread_create(
            &thread, nil,
            {
                Unmanaged<Reader>.fromOpaque($0!).takeRetainedValue().run(); return nil
            },
            Unmanaged.passRetained(reader).toOpaque())
        try SupervisorSocket.send(spec, to: pair.first.rawValue)
        pthread_join(thread, nil)
        #expect(received == spec)
    }

    @Test func `never waits for a sandbox that does not read`() throws {
        let pair = try DescriptorPair.sequencedPackets()
        let error = #expect(throws: ControlSocketError.self) {
            for _ in 0..<100_000 { try SupervisorSocket.send(.stop, to: pair.first.rawValue) }
        }
        #expect(error == .system(SystemError(call: "send", errno: .wouldBlock)))
    }

    @Test func `refuses records that are too large, and descriptors come to nothing`() throws {
        let pair = try DescriptorPair.sequencedPackets()
        try Descriptors.writeAll(pair.second.rawValue, [UInt8](repeating: 5, count: ProtocolLimits.recordBytesMax + 9))
        #expect(throws: ControlSocketError.self) { try SupervisorSocket.receive(from: pair.first.rawValue) }
    }

    @Test(arguments: [[UInt8](), [1, 2, 3], [0x53, 0x4C, 0x57, 0x48, 255, 255, 255, 255], [9, 9, 9, 9, 1, 0, 0, 0]])
    func `refuses a bad header before it reserves memory`(_ header: [UInt8]) throws {
        let pair = try DescriptorPair.sequencedPackets()
        if header.isEmpty {
            shutdown(pair.first.rawValue, Int32(SHUT_RDWR))
        } else {
            try Descriptors.writeAll(pair.first.rawValue, header)
        }
        #expect(throws: ControlSocketError.self) { try SandboxSocket.receiveSpec(from: pair.second.rawValue) }
    }
}

private final class Reader: Sendable {
    let descriptor: Int32
    let done: @Sendable (LaunchSpec?) -> Void

    init(descriptor: Int32, done: @escaping @Sendable (LaunchSpec?) -> Void) {
        self.descriptor = descriptor
        self.done = done
    }

    func run() { done(try? SandboxSocket.receiveSpec(from: descriptor)) }
}
