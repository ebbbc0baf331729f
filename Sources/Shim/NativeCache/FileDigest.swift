// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the digest of a module's file.

internal import CDigest
internal import Glibc
public import Linux
public import NativeImage

extension ModuleDigest {
    /// The SHA-256 of bytes.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> ModuleDigest {
        var hash = swd_sha256()
        swd_sha256_init(&hash)
        swd_sha256_update(&hash, bytes.baseAddress, bytes.count)
        return finished(&hash)
    }

    /// The SHA-256 of a file from its start, wherever the descriptor's position is.
    public static func of(file descriptor: Int32) throws(SystemError) -> ModuleDigest {
        var hash = swd_sha256()
        swd_sha256_init(&hash)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        var offset = 0
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemError(call: "pread", errno: .current) }
            if count == 0 { return finished(&hash) }
            swd_sha256_update(&hash, buffer.baseAddress, count)
            offset += count
        }
    }

    static func finished(_ hash: inout swd_sha256) -> ModuleDigest {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        swd_sha256_finish(&hash, &bytes)
        guard let digest = ModuleDigest(bytes) else { preconditionFailure("\(byteCount) bytes are a digest") }
        return digest
    }
}
