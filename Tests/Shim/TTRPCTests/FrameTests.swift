// SPDX-License-Identifier: Apache-2.0
// Swiftlet: ttrpc frames in pieces, too large, and damaged.
import Protobuf
import TTRPC
import Testing

@Suite struct FrameTests {
    @Test func `a frame has its ten-byte header in network order`() {
        let frame = Frame(stream: 0x0102_0304, kind: Frame.Kind.request, flags: 1, payload: [0xaa, 0xbb])
        #expect(frame.encoded == [0, 0, 0, 2, 1, 2, 3, 4, 1, 1, 0xaa, 0xbb])
    }

    @Test func `frames come out whole however the bytes arrive`() {
        let frames = (0..<20).map { index in
            Frame(stream: UInt32(index * 2 + 1), kind: 1, payload: [UInt8](repeating: UInt8(index), count: index * 37))
        }
        let bytes = frames.flatMap(\.encoded)
        for step in [1, 2, 3, 7, 10, 11, 64, bytes.count] {
            var decoder = FrameDecoder()
            var events: [FrameDecoder.Event] = []
            var position = 0
            while position < bytes.count {
                let end = min(position + step, bytes.count)
                decoder.append(bytes[position..<end])
                position = end
                while let event = decoder.next() { events.append(event) }
            }
            #expect(events == frames.map { .frame($0) })
            #expect(!decoder.isMidFrame)
        }
    }

    @Test func `an oversized frame is reported and skipped and the next one is read`() {
        let length = Frame.payloadBytesMax + 5
        var decoder = FrameDecoder()
        var header = Frame(stream: 7, kind: 1, payload: []).encoded
        header.replaceSubrange(0..<4, with: [0x00, 0x40, 0x00, 0x05])
        decoder.append(header)
        #expect(decoder.next() == .oversized(stream: 7, kind: 1, lengthBytes: UInt32(length)))
        #expect(decoder.isMidFrame)
        var rest = length
        while rest > 0 {
            decoder.append([UInt8](repeating: 0, count: min(rest, 65_536)))
            rest -= min(rest, 65_536)
            #expect(decoder.next() == nil)
        }
        let next = Frame(stream: 9, kind: 1, payload: [1])
        decoder.append(next.encoded)
        #expect(decoder.next() == .frame(next))
    }

    @Test func `random bytes never grow the buffer past one frame`() {
        var state: UInt64 = 99
        var decoder = FrameDecoder()
        for _ in 0..<2000 {
            let chunk = (0..<97).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return UInt8(truncatingIfNeeded: state >> 56)
            }
            decoder.append(chunk)
            while decoder.next() != nil {}
        }
    }

    @Test func `requests and responses come back`() throws {
        let request = Request(
            service: "containerd.task.v2.Task", method: "Wait", payload: [1], timeoutNanoseconds: 5,
            metadata: [KeyValue("containerd-namespace-ttrpc", "k8s.io")])
        #expect(try Request(protobuf: request.protobufBytes) == request)
        let response = Response(status: Status(.notFound, "no such task"), payload: [])
        #expect(try Response(protobuf: response.protobufBytes).status?.code == .notFound)
    }
}
