// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the header's fields, and the parts that they point to.

/// Reads the header front to back; each part must start where the one before it ends, or after.
struct NativeImageHeader {
    private typealias Format = NativeImageFormat
    private typealias Field = NativeImageFormat.Field

    private let bytes: UnsafeRawBufferPointer
    let architecture: NativeArchitecture
    let tablesByteCount: Int
    /// The end of the parts read so far.
    private var end = NativeImageFormat.Field.end
    /// Where the part that was read last starts.
    private(set) var lastOffset = 0

    /// Checks all that says whether this is an image that we can read at all.
    init(_ bytes: UnsafeRawBufferPointer) throws(NativeImageError) {
        self.bytes = bytes
        guard bytes.count >= Field.end else {
            throw NativeImageError("file", expected: "at least \(Field.end) bytes", found: "\(bytes.count) bytes")
        }
        guard Int(bitPattern: bytes.baseAddress) & 7 == 0 else {
            throw NativeImageError("address in memory", expected: "a multiple of 8", found: "\(bytes)")
        }
        let magic = bytes.load(fromByteOffset: Field.magic, as: UInt64.self)
        guard magic == Format.magic else {
            throw NativeImageError("first 8 bytes", expected: "SWNIMAGE", found: hex(magic.byteSwapped))
        }
        let version = bytes.load(fromByteOffset: Field.formatVersion, as: UInt32.self)
        guard version == Format.version else {
            throw NativeImageError("format version", expected: "\(Format.version)", found: "\(version)")
        }
        let machine = bytes.load(fromByteOffset: Field.architecture, as: UInt32.self)
        guard let architecture = NativeArchitecture(rawValue: machine) else {
            throw NativeImageError("architecture", expected: "62 (x86-64) or 183 (arm64)", found: "\(machine)")
        }
        self.architecture = architecture
        let byteCount = bytes.load(fromByteOffset: Field.wholeByteCount, as: UInt64.self)
        guard byteCount == UInt64(bytes.count) else {
            throw NativeImageError("byte count of the file", expected: "\(byteCount)", found: "\(bytes.count)")
        }
        let tables = bytes.load(fromByteOffset: Field.tablesByteCount, as: UInt64.self)
        guard tables >= UInt64(Field.end) && tables <= byteCount else {
            throw NativeImageError(
                "byte count of header and tables", expected: "\(Field.end) to \(byteCount)", found: "\(tables)")
        }
        tablesByteCount = Int(tables)
        let expected = bytes.load(fromByteOffset: Field.tablesChecksum, as: UInt64.self)
        let found = Checksum.of(
            UnsafeRawBufferPointer(rebasing: bytes[..<tablesByteCount]), hole: Field.tablesChecksum)
        guard found == expected else {
            throw NativeImageError("checksum of header and tables", expected: hex(expected), found: hex(found))
        }
    }

    func number32(_ field: Int) -> UInt32 { bytes.load(fromByteOffset: field, as: UInt32.self) }

    func number64(_ field: Int) -> UInt64 { bytes.load(fromByteOffset: field, as: UInt64.self) }

    func count64(_ name: String, _ field: Int, max: Int) throws(NativeImageError) -> Int {
        let value = number64(field)
        guard value <= UInt64(max) else {
            throw NativeImageError(name, expected: "at most \(max)", found: "\(value)")
        }
        return Int(value)
    }

    var moduleDigest: ModuleDigest {
        ModuleDigest(bytes, at: Field.moduleDigest)
    }

    mutating func string(_ name: String, _ field: Int) throws(NativeImageError) -> UnsafeRawBufferPointer {
        let count = Int(number32(field + 4))
        guard count <= Format.stringBytesMax else {
            throw NativeImageError(
                "length of \(name)", expected: "at most \(Format.stringBytesMax)", found: "\(count)")
        }
        return try part(name, at: Int(number32(field)), byteCount: count, alignment: 1, limit: tablesByteCount)
    }

    mutating func endStrings() throws(NativeImageError) {
        let byteCount = Int(number32(Field.headerByteCount))
        guard byteCount >= end && byteCount <= tablesByteCount else {
            throw NativeImageError(
                "header byte count", expected: "\(end) to \(tablesByteCount)", found: "\(byteCount)")
        }
        end = byteCount
    }

    mutating func table(_ name: String, _ field: Int) throws(NativeImageError) -> UnsafeBufferPointer<UInt32> {
        let count = Int(number32(field + 4))
        let part = try part(
            name, at: Int(number32(field)), byteCount: count * 4, alignment: 4, limit: tablesByteCount)
        return UnsafeBufferPointer(start: part.baseAddress?.assumingMemoryBound(to: UInt32.self), count: count)
    }

    mutating func ranges(_ name: String, _ field: Int) throws(NativeImageError) -> UnsafeBufferPointer<NativeRange> {
        let count = Int(number32(field + 4))
        let part = try part(
            name, at: Int(number32(field)), byteCount: count * MemoryLayout<NativeRange>.stride, alignment: 4,
            limit: tablesByteCount)
        return UnsafeBufferPointer(start: part.baseAddress?.assumingMemoryBound(to: NativeRange.self), count: count)
    }

    /// A part after the tables: its offset stands in `field`, its byte count after it.
    mutating func content(
        _ name: String, _ field: Int, alignment: Int = 1
    ) throws(NativeImageError) -> UnsafeRawBufferPointer {
        end = max(end, tablesByteCount)
        let offset = try count64("\(name) offset", field, max: bytes.count)
        let count = try count64("\(name) byte count", field + 8, max: bytes.count)
        return try part(name, at: offset, byteCount: count, alignment: alignment, limit: bytes.count)
    }

    private mutating func part(
        _ name: String, at offset: Int, byteCount: Int, alignment: Int, limit: Int
    ) throws(NativeImageError) -> UnsafeRawBufferPointer {
        guard offset >= end && offset <= limit && byteCount <= limit - offset else {
            throw NativeImageError(
                name, expected: "to lie within bytes \(end) to \(limit)", found: "\(byteCount) bytes at \(offset)")
        }
        guard offset & (alignment - 1) == 0 else {
            throw NativeImageError("\(name) offset", expected: "a multiple of \(alignment)", found: "\(offset)")
        }
        end = offset + byteCount
        lastOffset = offset
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
    }
}
