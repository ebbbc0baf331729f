// SPDX-License-Identifier: Apache-2.0
// Swiftlet: digests of modules.
import CDigest
import Glibc
import NativeCache
import NativeImage
import TestSupport
import Testing

@Suite struct `The digest of a module` {
    static let known: [(text: [UInt8], digest: String)] = [
        // FIPS 180-4's own examples.
        (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ]

    @Test(arguments: known)
    func `is SHA-256`(bytes: [UInt8], digest: String) throws {
        #expect(bytes.withUnsafeBytes { ModuleDigest.of($0) }.description == digest)
        #expect(portable(bytes, pieces: [bytes.count])?.description == digest)
        let ofFile = try UnnamedFile.with(bytes) { try ModuleDigest.of(file: $0) }
        #expect(ofFile.description == digest)
        #expect(ModuleDigest(hexadecimal: digest)?.description == digest)
    }

    @Test func `is the same in pieces, and with and without the processor's instructions`() {
        var random = SeededGenerator(state: 3)
        for count in 0..<400 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let digest = bytes.withUnsafeBytes { ModuleDigest.of($0) }
            var pieces: [Int] = []
            while pieces.reduce(0, +) < count {
                pieces.append(Int.random(in: 0...min(100, count - pieces.reduce(0, +)), using: &random))
            }
            #expect(portable(bytes, pieces: pieces) == digest, "\(pieces)")
        }
    }

    func portable(_ bytes: [UInt8], pieces: [Int]) -> ModuleDigest? {
        var hash = swd_sha256()
        swd_sha256_init_portable(&hash)
        var rest = bytes[...]
        for piece in pieces {
            Array(rest.prefix(piece)).withUnsafeBytes { swd_sha256_update(&hash, $0.baseAddress, $0.count) }
            rest = rest.dropFirst(piece)
        }
        var digest = [UInt8](repeating: 0, count: 32)
        swd_sha256_finish(&hash, &digest)
        return ModuleDigest(digest)
    }

    @Test(arguments: ["", "abc", String(repeating: "g", count: 64), String(repeating: "A", count: 64)])
    func `is not read from other words`(text: String) {
        #expect(ModuleDigest(hexadecimal: text) == nil)
    }

    @Test func `of a file is remembered until the file changes`() throws {
        try withCache { cache, folder in
            let path = "\(folder)/module"
            try write([1, 2, 3], to: path)
            let file = open(path, O_RDWR | O_CLOEXEC)
            defer { close(file) }
            let digest = [UInt8]([1, 2, 3]).withUnsafeBytes { ModuleDigest.of($0) }
            #expect(cache.rememberedDigest(of: file) == nil)
            // A file of this moment is not remembered: it could change again within the same tick of the clock.
            var isRemembered = false
            for _ in 0..<200 where !isRemembered {
                #expect(try cache.digest(of: file) == digest)
                isRemembered = cache.rememberedDigest(of: file) != nil
                if !isRemembered { usleep(100_000) }
            }
            #expect(cache.rememberedDigest(of: file) == digest)
            #expect(pwrite(file, [9], 1, 0) == 1)
            #expect(cache.rememberedDigest(of: file) == nil)
            #expect(try cache.digest(of: file) != digest)
        }
    }
}
