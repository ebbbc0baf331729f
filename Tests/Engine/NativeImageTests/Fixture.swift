// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: images to read, whole and damaged.
import NativeImage

enum Fixture {
    static let digest: [UInt8] = (0..<32).map { UInt8($0 &* 7 &+ 1) }

    /// Three functions, the second one not compiled, the first one in two pieces; two types.
    static func writer(_ architecture: NativeArchitecture = .current) -> NativeImageWriter {
        guard let moduleDigest = ModuleDigest(digest) else { preconditionFailure("32 bytes are a digest") }
        var writer = NativeImageWriter(
            abiVersion: 5, architecture: architecture, moduleDigest: moduleDigest, moduleByteCount: 1234,
            processorFeatures: "avx2,bmi2", options: "level=full")
        writer.text = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
        writer.readOnlyData = [1, 2, 3, 4, 5]
        writer.functions = [16, NativeImageFormat.absent, 512]
        writer.thunks = [4096, 4160]
        writer.ranges = [
            NativeRange(start: 16, end: 256, function: 0), NativeRange(start: 512, end: 1024, function: 2),
            NativeRange(start: 1024, end: 1100, function: 0),
        ]
        writer.positions = [
            NativePosition(textOffset: 16, moduleOffset: 100), NativePosition(textOffset: 40, moduleOffset: 90),
            NativePosition(textOffset: 41, moduleOffset: 4_000_000_000),
            NativePosition(textOffset: 600, moduleOffset: 300), NativePosition(textOffset: 1024, moduleOffset: 0),
        ]
        return writer
    }

    /// Puts the right checksum over header and tables, so that what they say is looked at.
    static func seal(_ bytes: inout [UInt8]) {
        guard bytes.count >= NativeImageFormat.Field.end else { return }
        let count = number64(bytes, NativeImageFormat.Field.tablesByteCount)
        guard count >= UInt64(NativeImageFormat.Field.end) && count <= UInt64(bytes.count) else { return }
        let sum = bytes.withUnsafeBytes {
            Checksum.of(
                UnsafeRawBufferPointer(rebasing: $0[..<Int(count)]), hole: NativeImageFormat.Field.tablesChecksum)
        }
        set(sum, at: NativeImageFormat.Field.tablesChecksum, in: &bytes)
    }

    static func number64(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    }

    static func number32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }

    static func set<Number: FixedWidthInteger>(_ value: Number, at offset: Int, in bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: offset, as: Number.self) }
    }
}

/// Reads the image in the bytes.
func withImage<Result>(_ bytes: [UInt8], _ body: (NativeImage) throws -> Result) throws -> Result {
    try bytes.withUnsafeBytes { try body(try NativeImage($0)) }
}
