// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the launch protocol's bytes.

import Testing

import LaunchProtocol

/// A generator with a fixed seed (SplitMix64), so that a failure comes again.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

let fullSpec = LaunchSpec(
    name: "default/web-7d4/api", moduleDescriptor: 4, nativeDescriptor: 9, profileDescriptor: 10, entrypoint: "serve",
    arguments: ["api", "--port", "8080", ""],
    environment: ["A=1", "EMPTY=", "UNICODE=grüße"],
    preopens: [
        Preopen(descriptor: 5, guestPath: "/data", isReadOnly: false),
        Preopen(descriptor: 6, guestPath: "/etc", isReadOnly: true),
    ],
    network: NetworkGrant(
        isAllowed: true, podAddress: 0x7F40_0001, listeners: [7], boundSockets: [BoundSocket(port: 80, descriptor: 8)],
        hosts: [HostEntry(name: "db", address: 0x7F60_0001)], nameServers: [0x0A00_0001]),
    limits: GuestLimits(memoryBytes: 128 << 20, callDepth: 1000, openFiles: 64, fuel: 9), engine: .interpreter,
    features: "wasm2,-simd",
    identity: Identity(user: 65534, group: 65534), probeExports: ["health"], endsWithSupervisor: false)

@Suite struct `A launch spec` {
    @Test(arguments: [LaunchSpec(name: "a", moduleDescriptor: 4), fullSpec])
    func `comes back as it was sent`(_ spec: LaunchSpec) throws {
        #expect(try LaunchSpec(decoding: spec.encoded()) == spec)
    }

    @Test func `is refused at every truncation and with every extra byte`() throws {
        let bytes = try fullSpec.encoded()
        for count in 0..<bytes.count {
            #expect(throws: ProtocolError.self) { try LaunchSpec(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: ProtocolError.self) { try LaunchSpec(decoding: bytes + [0]) }
    }

    @Test func `of another version is refused by its number`() throws {
        var bytes = try fullSpec.encoded()
        bytes[4] = 9
        let error = #expect(throws: ProtocolError.self) { try LaunchSpec(decoding: bytes) }
        #expect(error?.description == "launch protocol version 5 expected, found 9 at byte 4")
    }

    @Test func `with damaged bytes is refused or still consistent, never a crash`() throws {
        let original = try fullSpec.encoded()
        var generator = SeededGenerator(state: 42)
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            if let spec = try? LaunchSpec(decoding: bytes) { #expect(try spec.encoded() == bytes) }
        }
    }

    @Test func `that promises more elements than it has bytes costs no memory`() throws {
        // Magic, version, name "", module 4, no native code, entrypoint "", then the number of arguments.
        let bytes = try LaunchSpec(name: "", moduleDescriptor: 4, entrypoint: "").encoded()[..<19] + [0x80, 0x3E, 0, 0]
        #expect(throws: ProtocolError.self) { try LaunchSpec(decoding: Array(bytes)) }
    }

    @Test func `names each descriptor once and above the control socket`() {
        var spec = LaunchSpec(name: "a", moduleDescriptor: 3)
        #expect(throws: ProtocolError.self) { try spec.encoded() }
        spec.moduleDescriptor = 4
        spec.preopens = [Preopen(descriptor: 4, guestPath: "/", isReadOnly: true)]
        #expect(throws: ProtocolError.self) { try spec.encoded() }
    }

    @Test func `refuses what would change its meaning in C`() {
        #expect(throws: ProtocolError.self) {
            try LaunchSpec(name: "a", moduleDescriptor: 4, arguments: ["a\0b"]).encoded()
        }
        #expect(throws: ProtocolError.self) {
            try LaunchSpec(name: "a", moduleDescriptor: 4, identity: Identity(user: .max)).encoded()
        }
    }

    @Test func `beyond a limit is refused by the encoder already`() {
        let long = String(repeating: "x", count: ProtocolLimits.stringBytesMax + 1)
        #expect(throws: ProtocolError.self) { try LaunchSpec(name: long, moduleDescriptor: 4).encoded() }
        let many = [String](repeating: String(repeating: "x", count: 100_000), count: 60)
        #expect(throws: ProtocolError.self) {
            try LaunchSpec(name: "a", moduleDescriptor: 4, arguments: many).encoded()
        }
    }
}
