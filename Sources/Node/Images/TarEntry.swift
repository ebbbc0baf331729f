// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a tar archive holds.

/// One member of a tar archive.
public struct TarEntry: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case file
        case directory
        case symbolicLink
        case hardLink
        case characterDevice
        case blockDevice
        case fifo
    }

    public var kind: Kind
    /// As the archive has it: not checked, perhaps absolute, perhaps with `..`.
    public var path: String
    /// Of links.
    public var target: String
    /// Of files: bytes of content.
    public var size: UInt64
    /// Permission bits.
    public var mode: UInt32
    public var user: UInt32
    public var group: UInt32
    /// Seconds since 1970.
    public var modified: Int64

    public init(
        kind: Kind, path: String, target: String = "", size: UInt64 = 0, mode: UInt32 = 0o644, user: UInt32 = 0,
        group: UInt32 = 0, modified: Int64 = 0
    ) {
        self.kind = kind
        self.path = path
        self.target = target
        self.size = size
        self.mode = mode
        self.user = user
        self.group = group
        self.modified = modified
    }
}

/// Bytes of a tar header block.
enum TarBlock {
    static let size = 512

    static let name = 0..<100
    static let mode = 100..<108
    static let user = 108..<116
    static let group = 116..<124
    static let length = 124..<136
    static let modified = 136..<148
    static let checksum = 148..<156
    static let type = 156
    static let link = 157..<257
    static let magic = 257..<263
    static let version = 263..<265
    static let prefix = 345..<500

    /// Bytes up to the next block border.
    static func padding(_ size: UInt64) -> Int { Int((512 - size % 512) % 512) }

    /// The sum of all bytes with the checksum taken as blanks; old archives add signed bytes.
    static func checksums(_ block: [UInt8]) -> (unsigned: Int, signed: Int) {
        var sums = (unsigned: 0, signed: 0)
        for (index, byte) in block.enumerated() {
            let value = checksum.contains(index) ? 0x20 : byte
            sums.unsigned += Int(value)
            sums.signed += Int(Int8(bitPattern: value))
        }
        return sums
    }
}
