// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what native code in the cache is code of, and for.

internal import CDigest
public import NativeImage

/// Names an entry. What it names is never changed: other code has another key.
public struct NativeCacheKey: Sendable, Hashable {
    /// Of the module's file.
    public var module: ModuleDigest
    /// The version of the contract between native code and the runtime.
    public var abiVersion: UInt32
    /// The compiler's own version: what it gives for the same module may change.
    public var compilerVersion: UInt32
    /// See ``currentProcessor``.
    public var processor: UInt64
    /// What the compiler was told; letters, digits and `-`.
    public var level: String

    public init(
        module: ModuleDigest, abiVersion: UInt32, compilerVersion: UInt32, processor: UInt64 = currentProcessor,
        level: String
    ) {
        self.module = module
        self.abiVersion = abiVersion
        self.compilerVersion = compilerVersion
        self.processor = processor
        self.level = level
    }

    /// A number that differs where processors differ in what they can do, so that code for one is not run on the other.
    public static let currentProcessor: UInt64 = swd_processor()

    /// `DIGEST-ABI.COMPILER-PROCESSOR-LEVEL`, the name of the entry's file.
    var fileName: String {
        "\(module)-\(abiVersion).\(compilerVersion)-\(String(processor, radix: 16))-\(level)"
    }

    /// The key of a file's name; nil for other names.
    init?(fileName: String) {
        let parts = fileName.split(separator: "-", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let module = ModuleDigest(hexadecimal: parts[0]) else { return nil }
        let versions = parts[1].split(separator: ".")
        guard versions.count == 2, let abi = UInt32(versions[0]), let compiler = UInt32(versions[1]),
            let processor = UInt64(parts[2], radix: 16)
        else { return nil }
        self.init(
            module: module, abiVersion: abi, compilerVersion: compiler, processor: processor, level: String(parts[3]))
        // One key, one name.
        guard self.fileName == fileName else { return nil }
    }
}

extension ModuleDigest {
    /// 64 hexadecimal digits.
    public init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8.compactMap { byte -> UInt8? in
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x61...0x66: byte - 0x61 + 10
            default: nil
            }
        }
        guard digits.count == 2 * ModuleDigest.byteCount && digits.count == text.utf8.count else { return nil }
        self.init((0..<ModuleDigest.byteCount).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] })
    }
}
