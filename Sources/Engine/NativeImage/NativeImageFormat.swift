// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the layout of a native image's file.

/// The layout of the file: what the writer and the reader share.
///
///     header            fixed fields, then the two strings           ┐
///     functions         u32 per defined function: place in the text  │
///     thunks            u32 per type of the module: likewise         │ under the checksum of the tables
///     ranges            start, end, function: 3 u32 each, ascending  │
///     position index    u32 per range and one more, or nothing       ┘
///     positions         see ``PositionCoding``                       ┐
///     text              on a page border, mapped executable          │ under the checksum of the content
///     read-only data    on a page border, up to the file's end       ┘
///
/// All numbers are little-endian. Everything stands in this order; gaps are allowed, overlaps are not.
public enum NativeImageFormat {
    /// Rises with every change of the layout.
    public static let version: UInt32 = 2

    /// The version of the contract between native code and the runtime: `sw_native_abi`, for who does not link the engine.
    public static let abiVersion: UInt32 = 1

    /// What a table says of a function or thunk that is not in the image.
    public static let absent: UInt32 = .max

    /// How far after the text's start the read-only data starts, in the file as in memory.
    ///
    /// The code's references to its constants are relative, so the linker has to know.
    public static func readOnlyDataDistance(textByteCount: Int, _ architecture: NativeArchitecture) -> Int {
        roundedUp(textByteCount, to: architecture.pageBytes)
    }

    static func roundedUp(_ count: Int, to alignment: Int) -> Int { (count + alignment - 1) & ~(alignment - 1) }

    // LIMIT: text offsets are 32-bit, and `absent` is none of them.
    static let textBytesMax = Int(UInt32.max)

    // LIMIT: characters of a header string.
    static let stringBytesMax = 4096

    /// "SWNIMAGE", read as one little-endian number.
    static let magic: UInt64 = 0x4547_414D_494E_5753

    /// Byte offsets of the header's fields.
    package enum Field {
        package static let magic = 0
        package static let formatVersion = 8
        package static let abiVersion = 12
        package static let architecture = 16
        package static let headerByteCount = 20
        package static let wholeByteCount = 24
        package static let moduleDigest = 32
        package static let moduleByteCount = 64
        package static let textOffset = 72
        package static let textByteCount = 80
        package static let readOnlyDataOffset = 88
        package static let readOnlyDataByteCount = 96
        package static let positionsOffset = 104
        package static let positionsByteCount = 112
        /// Pairs of u32: byte offset, and the count of bytes (strings) or entries (tables).
        package static let processorFeatures = 120
        package static let options = 128
        package static let functions = 136
        package static let thunks = 144
        package static let ranges = 152
        package static let positionIndex = 160
        package static let contentChecksum = 168
        package static let tablesByteCount = 176
        package static let tablesChecksum = 184
        /// Where the strings start.
        package static let end = 192
    }
}

/// A processor that images are made for; the raw value is ELF's `e_machine`.
public enum NativeArchitecture: UInt32, Sendable, CaseIterable {
    case x86_64 = 62
    case arm64 = 183

    /// The largest page that a Linux kernel for it may have: parts of the file are mapped with different rights.
    public var pageBytes: Int { self == .x86_64 ? 4096 : 65536 }

    /// Where an instruction may start.
    public var instructionAlignment: Int { self == .x86_64 ? 1 : 4 }

    /// What stands where no code is: it traps.
    public var fillByte: UInt8 { self == .x86_64 ? 0xCC : 0 }

    /// The one that this program was built for.
    public static var current: NativeArchitecture {
        #if arch(x86_64)
            .x86_64
        #else
            .arm64
        #endif
    }
}

extension NativeArchitecture: CustomStringConvertible {
    public var description: String { self == .x86_64 ? "x86-64" : "arm64" }
}

/// A piece of text that belongs to one function of the module; a function may have several.
///
/// Its layout is the one in the file.
public struct NativeRange: Sendable, Equatable {
    /// In bytes from the text's start.
    public var start: UInt32
    /// The first byte after it.
    public var end: UInt32
    /// Counts the functions that the module defines: the first one after the imported ones is 0.
    public var function: UInt32

    public init(start: UInt32, end: UInt32, function: UInt32) {
        self.start = start
        self.end = end
        self.function = function
    }
}

/// Where the instructions from `textOffset` to the next position come from.
public struct NativePosition: Sendable, Equatable {
    /// In bytes from the text's start.
    public var textOffset: UInt32
    /// In bytes from the module's start.
    public var moduleOffset: UInt32

    public init(textOffset: UInt32, moduleOffset: UInt32) {
        self.textOffset = textOffset
        self.moduleOffset = moduleOffset
    }
}

/// The SHA-256 of a module's file.
public struct ModuleDigest: Sendable, Hashable {
    public static let byteCount = 32

    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// - Parameter bytes: 32 of them.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self = bytes.withUnsafeBytes { ModuleDigest($0, at: 0) }
    }

    /// The 32 bytes at `offset`.
    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        words = (
            bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self)
        )
    }

    public var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

    public static func == (left: ModuleDigest, right: ModuleDigest) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension ModuleDigest: CustomStringConvertible {
    /// 64 hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
