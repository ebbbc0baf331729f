// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the protobuf codec and the Task API messages against known bytes and damaged ones.
import Protobuf
import TaskAPI
import Testing

/// Small and fixed: the same damage in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite struct ProtobufTests {
    @Test func `a DeleteResponse has the bytes that containerd reads`() {
        let response = DeleteResponse(
            pid: 4242, exitStatus: 137, exitedAt: Timestamp(seconds: 1_700_000_000, nanoseconds: 5))
        #expect(
            response.protobufBytes == [
                0x08, 0x92, 0x21, 0x10, 0x89, 0x01, 0x1a, 0x08, 0x08, 0x80, 0xe2, 0xcf, 0xaa, 0x06, 0x10, 0x05,
            ])
    }

    @Test func `defaults take no bytes and an empty present message takes two`() {
        #expect(StateResponse().protobufBytes.isEmpty)
        #expect(StatsResponse(stats: AnyMessage()).protobufBytes == [0x0a, 0x00])
        #expect(StatsResponse(stats: nil).protobufBytes.isEmpty)
    }

    @Test func `negative numbers are ten bytes and come back`() throws {
        let time = Timestamp(seconds: -1, nanoseconds: -7)
        #expect(time.protobufBytes.count == 22)
        #expect(try Timestamp(protobuf: time.protobufBytes) == time)
    }

    @Test func `every field of a create request comes back`() throws {
        let request = CreateTaskRequest(
            id: "ab", bundle: "/b", rootfs: [Mount(type: "overlay", source: "o", target: "", options: ["a", "", "b"])],
            terminal: true, stdin: "i", stdout: "o", stderr: "ö", checkpoint: "c", parentCheckpoint: "p",
            options: AnyMessage(typeURL: "runtimeoptions.v1.Options", value: [1, 2, 3]))
        #expect(try CreateTaskRequest(protobuf: request.protobufBytes) == request)
    }

    @Test func `unknown fields of every wire type are skipped`() throws {
        let bytes: [UInt8] = [
            0x98, 0x06, 0x01,  // 99: varint
            0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8,  // 99: 64 bits
            0x9a, 0x06, 0x02, 0xff, 0xff,  // 99: bytes
            0x9d, 0x06, 1, 2, 3, 4,  // 99: 32 bits
            0x0a, 0x01, 0x78,
        ]
        #expect(try StateRequest(protobuf: bytes) == StateRequest(id: "x"))
    }

    @Test(
        arguments: [
            ([0x0a], "a varint is cut off"),
            ([0x0a, 0x05, 0x78], "field 1: 5 bytes announced, 1 left"),
            ([0x0a, 0x01, 0xff], "field 1: the string is not UTF-8"),
            ([0x08, 0x01], "field 1: expected a string, found a varint"),
            ([0x0b], "field 1: wire type 3 is not supported"),
            ([0x00], "field number 0 is out of range"),
            ([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02], "a varint is longer than 64 bits"),
            ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "bytes announced, 0 left"),
            ([0x0d, 1, 2], "a fixed-size value is cut off"),
        ] as [([UInt8], String)])
    func `damaged bytes are refused with the place`(bytes: [UInt8], reason: String) {
        let error = #expect(throws: ProtobufError.self) { try StateRequest(protobuf: bytes) }
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `a flood of fields is refused`() {
        let bytes = [UInt8](repeating: 0, count: 0) + (0..<70_000).flatMap { _ in [0x08, 0x01] as [UInt8] }
        #expect(throws: ProtobufError.self) { try Timestamp(protobuf: bytes) }
    }

    @Test func `mutated messages decode or throw and what decodes re-encodes stably`() throws {
        var random = SplitMix(state: 2)
        let seed = CreateTaskRequest(
            id: "container", bundle: "/run/b", rootfs: [Mount(type: "bind", source: "/s", options: ["ro"])],
            stdout: "/fifo", options: AnyMessage(typeURL: "t", value: [9, 9])
        ).protobufBytes
        var decoded = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    let index = Int.random(in: bytes.indices, using: &random)
                    bytes[index] = .random(in: .min ... .max, using: &random)
                case 1: bytes.removeLast(Int.random(in: 0..<min(4, bytes.count), using: &random))
                default: bytes.insert(.random(in: .min ... .max, using: &random), at: 0)
                }
            }
            guard let message = try? CreateTaskRequest(protobuf: bytes) else { continue }
            decoded += 1
            #expect(try CreateTaskRequest(protobuf: message.protobufBytes) == message)
        }
        #expect(decoded > 500)
    }
}
