// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a module as it was at one moment, for the compiler.

internal import CDigest
internal import Glibc
internal import Linux
internal import NativeImage

/// A copy of a module that nobody else can write, made in slices while its digest is taken.
///
/// The file may be a guest's own: if it were read twice, once for the digest and once for the code, what a guest puts
/// there in between would become the code of a module that others trust.
struct ModuleSnapshot: ~Copyable {
    // LIMIT: bytes of a slice: a millisecond or two of an event loop.
    static let sliceBytes = 1 << 20
    // LIMIT: bytes of a module, as the decoder has it.
    static let byteCountMax = 1 << 30

    let source: OwnedDescriptor
    let copy: OwnedDescriptor
    private(set) var byteCount = 0
    private var hash = swd_sha256()

    init(of source: consuming OwnedDescriptor) throws(SystemError) {
        self.source = source
        copy = try Files.memory(name: "swiftlet-module")
        swd_sha256_init(&hash)
    }

    /// Takes the next slice; the digest when there is none.
    mutating func advance() throws(SystemError) -> ModuleDigest? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.sliceBytes, alignment: 64)
        defer { buffer.deallocate() }
        let count = pread(source.rawValue, buffer.baseAddress, buffer.count, byteCount)
        if count < 0 && errno == EINTR { return nil }
        guard count >= 0 else { throw SystemError(call: "pread", path: "the module", errno: .current) }
        if count == 0 { return ModuleDigest.finished(&hash) }
        guard byteCount + count <= Self.byteCountMax else {
            throw SystemError(call: "read", path: "the module", errno: .fileTooLarge)
        }
        swd_sha256_update(&hash, buffer.baseAddress, count)
        try Descriptors.writeAll(copy.rawValue, UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        byteCount += count
        return nil
    }
}
