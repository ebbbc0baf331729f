// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from linked code to the file.

/// Everything that an image holds; ``encoded()`` gives the file.
public struct NativeImageWriter {
    /// The version of the contract between native code and the runtime.
    public var abiVersion: UInt32
    public var architecture: NativeArchitecture
    public var moduleDigest: ModuleDigest
    public var moduleByteCount: Int
    /// What the code needs from the processor.
    public var processorFeatures: String
    /// What the compiler was told.
    public var options: String

    public var text: [UInt8] = []
    /// Linked for ``NativeImageFormat/readOnlyDataDistance(textByteCount:_:)``.
    public var readOnlyData: [UInt8] = []

    /// Text offsets of the functions that the module defines, or ``NativeImageFormat/absent``.
    public var functions: [UInt32] = []
    /// Text offsets by type index of the module, or ``NativeImageFormat/absent``.
    public var thunks: [UInt32] = []
    /// Ascending, without overlaps.
    public var ranges: [NativeRange] = []
    /// Ascending text offsets, each within a range; or nothing.
    public var positions: [NativePosition] = []

    public init(
        abiVersion: UInt32, architecture: NativeArchitecture, moduleDigest: ModuleDigest, moduleByteCount: Int,
        processorFeatures: String, options: String
    ) {
        self.abiVersion = abiVersion
        self.architecture = architecture
        self.moduleDigest = moduleDigest
        self.moduleByteCount = moduleByteCount
        self.processorFeatures = processorFeatures
        self.options = options
    }

    /// The file. What the reader would refuse is refused here, in the same words.
    public func encoded() throws(NativeImageError) -> [UInt8] {
        typealias Field = NativeImageFormat.Field
        let positionTable = try encodedPositions()
        let features = Array(processorFeatures.utf8)
        let optionBytes = Array(options.utf8)
        var file = LittleEndianBytes()
        file.bytes.reserveCapacity(
            text.count + readOnlyData.count + positionTable.bytes.count + 3 * architecture.pageBytes
                + 4 * (functions.count + thunks.count + 4 * ranges.count))
        file.bytes = [UInt8](repeating: 0, count: Field.end)
        file.appendPart(features, entries: features.count, field: Field.processorFeatures)
        file.appendPart(optionBytes, entries: optionBytes.count, field: Field.options)
        file.pad(to: 8)
        file.set(UInt32(file.bytes.count), at: Field.headerByteCount)
        file.appendTable(functions, field: Field.functions)
        file.appendTable(thunks, field: Field.thunks)
        let words = ranges.flatMap { [$0.start, $0.end, $0.function] }
        file.appendTable(words, field: Field.ranges, entries: ranges.count)
        file.appendTable(positionTable.index, field: Field.positionIndex)
        let tablesByteCount = file.bytes.count
        try appendContent(positionTable.bytes, to: &file)
        setFixedFields(in: &file, tablesByteCount: tablesByteCount)
        let checked = file.bytes
        let problem = checked.withUnsafeBytes { bytes -> NativeImageError? in
            do throws(NativeImageError) {
                _ = try NativeImage(bytes)
                return nil
            } catch { return error }
        }
        if let problem { throw problem }
        return checked
    }

    private func appendContent(_ positions: [UInt8], to file: inout LittleEndianBytes) throws(NativeImageError) {
        typealias Field = NativeImageFormat.Field
        guard text.count < NativeImageFormat.textBytesMax else {
            throw NativeImageError(
                "text byte count", expected: "less than \(NativeImageFormat.textBytesMax)", found: "\(text.count)")
        }
        file.set(UInt64(file.bytes.count), at: Field.positionsOffset)
        file.set(UInt64(positions.count), at: Field.positionsByteCount)
        file.bytes += positions
        file.pad(to: architecture.pageBytes)
        file.set(UInt64(file.bytes.count), at: Field.textOffset)
        file.set(UInt64(text.count), at: Field.textByteCount)
        file.bytes += text
        // The rest of the last page is executable too.
        file.pad(to: architecture.pageBytes, with: architecture.fillByte)
        file.set(UInt64(file.bytes.count), at: Field.readOnlyDataOffset)
        file.set(UInt64(readOnlyData.count), at: Field.readOnlyDataByteCount)
        file.bytes += readOnlyData
    }

    private func setFixedFields(in file: inout LittleEndianBytes, tablesByteCount: Int) {
        typealias Field = NativeImageFormat.Field
        file.set(NativeImageFormat.magic, at: Field.magic)
        file.set(NativeImageFormat.version, at: Field.formatVersion)
        file.set(abiVersion, at: Field.abiVersion)
        file.set(architecture.rawValue, at: Field.architecture)
        file.set(UInt64(file.bytes.count), at: Field.wholeByteCount)
        file.bytes.replaceSubrange(
            Field.moduleDigest..<Field.moduleDigest + ModuleDigest.byteCount, with: moduleDigest.bytes)
        file.set(UInt64(moduleByteCount), at: Field.moduleByteCount)
        file.set(UInt64(tablesByteCount), at: Field.tablesByteCount)
        let content = file.bytes.withUnsafeBytes {
            Checksum.of(UnsafeRawBufferPointer(rebasing: $0[tablesByteCount...]))
        }
        file.set(content, at: Field.contentChecksum)
        let tables = file.bytes.withUnsafeBytes {
            Checksum.of(UnsafeRawBufferPointer(rebasing: $0[..<tablesByteCount]), hole: Field.tablesChecksum)
        }
        file.set(tables, at: Field.tablesChecksum)
    }

    /// One run of positions per range, and where each run starts.
    private func encodedPositions() throws(NativeImageError) -> (index: [UInt32], bytes: [UInt8]) {
        guard !positions.isEmpty else { return ([], []) }
        var index: [UInt32] = []
        var bytes: [UInt8] = []
        var next = 0
        for range in ranges {
            index.append(UInt32(bytes.count))
            let first = next
            var last = range.start
            while next < positions.count && positions[next].textOffset < range.end {
                guard positions[next].textOffset >= last else {
                    throw NativeImageError(
                        "position \(next)", expected: "a text offset from \(last) to \(range.end)",
                        found: "\(positions[next].textOffset)")
                }
                last = positions[next].textOffset
                next += 1
            }
            PositionCoding.encode(positions[first..<next], start: range.start, into: &bytes)
            guard bytes.count <= Int(UInt32.max) else {
                throw NativeImageError("positions", expected: "at most 4 GiB", found: "\(bytes.count) bytes")
            }
        }
        guard next == positions.count else {
            throw NativeImageError(
                "position \(next)", expected: "a text offset within a range", found: "\(positions[next].textOffset)")
        }
        index.append(UInt32(bytes.count))
        return (index, bytes)
    }
}

private struct LittleEndianBytes {
    var bytes: [UInt8] = []

    mutating func set<Number: FixedWidthInteger>(_ value: Number, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { source in
            for index in 0..<source.count { bytes[offset + index] = source[index] }
        }
    }

    mutating func pad(to alignment: Int, with byte: UInt8 = 0) {
        let end = NativeImageFormat.roundedUp(bytes.count, to: alignment)
        bytes.append(contentsOf: repeatElement(byte, count: end - bytes.count))
    }

    /// Appends the part and notes its place and count in the header.
    mutating func appendPart(_ part: [UInt8], entries: Int, field: Int) {
        set(UInt32(bytes.count), at: field)
        set(UInt32(entries), at: field + 4)
        bytes += part
    }

    mutating func appendTable(_ words: [UInt32], field: Int, entries: Int? = nil) {
        set(UInt32(bytes.count), at: field)
        set(UInt32(entries ?? words.count), at: field + 4)
        words.withUnsafeBytes { bytes += $0 }
    }
}
