// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a ttrpc server and client over a real socket; one thread turns the loop between sending and receiving.
import EventLoop
import Glibc
import Protobuf
import TTRPC
import TaskAPI
import Testing

/// A server whose calls `Echo` answer at once and whose calls `Park` are answered by the test.
private final class Fixture {
    let path: String
    let loop: EventLoop
    var server: Server?
    var parked: [Responder] = []

    init() throws {
        path = "/tmp/swl-ttrpc-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        loop = try EventLoop()
        server = try Server(loop: loop, listener: UnixSocket.listen(at: path)) { [unowned self] request, responder in
            switch request.method {
            case "Echo": responder.succeed(request.payload)
            case "Park": self.parked.append(responder)
            default: responder.fail(.unimplemented, "\(request.service)/\(request.method)")
            }
        }
    }

    deinit {
        server?.close()
        unlink(path)
    }

    /// Handles everything that is there.
    func turn(_ count: Int = 6) throws {
        for _ in 0..<count { try loop.runOnce(timeoutMilliseconds: 2) }
    }
}

@Suite struct ServerTests {
    @Test func `a parked call does not hold up the others on its connection`() throws {
        let fixture = try Fixture()
        let client = try Client(path: fixture.path)
        let parked = try client.begin("s", "Park", WaitRequest(id: "a"))
        let echo = try client.begin("s", "Echo", StateRequest(id: "b"))
        try fixture.turn()
        #expect(try client.finish(echo, as: StateRequest.self).id == "b")
        #expect(throws: CallFailure.self) {
            try client.finish(parked, as: WaitResponse.self, timeoutMilliseconds: 20)
        }
        fixture.parked[0].succeed(WaitResponse(exitStatus: 3).protobufBytes)
        fixture.parked[0].succeed(WaitResponse(exitStatus: 4).protobufBytes)
        #expect(try client.finish(parked, as: WaitResponse.self).exitStatus == 3)
    }

    @Test func `unknown methods and undecodable requests have their codes`() throws {
        let fixture = try Fixture()
        let client = try Client(path: fixture.path)
        let unknown = try client.begin("x", "Nothing", Empty())
        try fixture.turn()
        do {
            _ = try client.finish(unknown, as: Empty.self)
            Issue.record("answered")
        } catch .status(let status) {
            #expect(status.code == .unimplemented)
            #expect(status.message == "x/Nothing")
        }
        try client.send(Frame(stream: 99, kind: 1, payload: [0xff]).encoded)
        try client.send(Frame(stream: 100, kind: 1, payload: []).encoded)
        try client.send(Frame(stream: 97, kind: 1, payload: []).encoded)
        try fixture.turn()
        for stream in [99, 100, 97] as [UInt32] {
            #expect(try client.response(onStream: stream).status?.code == .invalidArgument)
        }
    }

    @Test func `a request over the limit is refused and the connection lives on`() throws {
        let fixture = try Fixture()
        let client = try Client(path: fixture.path)
        var header = Frame(stream: 1, kind: 1, payload: []).encoded
        header.replaceSubrange(0..<4, with: [0x00, 0x40, 0x00, 0x01])
        try client.send(header)
        var rest = Frame.payloadBytesMax + 1
        while rest > 0 {
            try client.send([UInt8](repeating: 0, count: min(rest, 32_768)))
            rest -= min(rest, 32_768)
            try fixture.turn(3)
        }
        #expect(try client.response(onStream: 1).status?.code == .resourceExhausted)
        try client.send(
            Frame(stream: 3, kind: 1, payload: Request(service: "s", method: "Echo", payload: [7]).protobufBytes)
                .encoded)
        try fixture.turn()
        #expect(try client.response(onStream: 3).payload == [7])
    }

    @Test func `a call's timeout answers DeadlineExceeded`() throws {
        let fixture = try Fixture()
        let client = try Client(path: fixture.path)
        let call = try client.begin("s", "Park", Empty(), timeoutNanoseconds: 5_000_000)
        try fixture.turn()
        do {
            _ = try client.finish(call, as: Empty.self)
            Issue.record("answered")
        } catch .status(let status) {
            #expect(status.code == .deadlineExceeded)
        }
    }

    @Test func `a client that goes away leaves nothing behind`() throws {
        let fixture = try Fixture()
        do {
            let client = try Client(path: fixture.path)
            _ = try client.begin("s", "Park", Empty())
            try fixture.turn()
            #expect(fixture.server?.connectionCount == 1)
            try client.send([0, 0, 1])
        }
        try fixture.turn()
        #expect(fixture.server?.connectionCount == 0)
        fixture.parked[0].succeed([])
        let next = try Client(path: fixture.path)
        let echo = try next.begin("s", "Echo", StateRequest(id: "c"))
        try fixture.turn()
        #expect(try next.finish(echo, as: StateRequest.self).id == "c")
    }

    @Test func `frames of random bytes never stop the server`() throws {
        let fixture = try Fixture()
        var state: UInt64 = 5
        for _ in 0..<200 {
            let client = try Client(path: fixture.path)
            let bytes = (0..<60).map { index -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return index < 3 ? 0 : UInt8(truncatingIfNeeded: state >> 56)
            }
            try? client.send(bytes)
            try fixture.turn(2)
        }
        let client = try Client(path: fixture.path)
        let echo = try client.begin("s", "Echo", StateRequest(id: "alive"))
        try fixture.turn(20)
        #expect(try client.finish(echo, as: StateRequest.self).id == "alive")
    }

    @Test func `a socket path too long is refused by name and the mode is 0600`() throws {
        let long = "/tmp/" + String(repeating: "x", count: 120)
        #expect(throws: SystemFailure("socket", long, errno: ENAMETOOLONG)) { try UnixSocket.listen(at: long) }
        let fixture = try Fixture()
        var information = stat()
        stat(fixture.path, &information)
        #expect(information.st_mode & 0o777 == 0o600)
        #expect(UnixSocket.isAlive(fixture.path))
    }
}
