// SPDX-License-Identifier: Apache-2.0
// Swiftlet: an image's file, read in place.

/// A validated view of an image: after `init` every table entry lies in its part, and every offset in the text.
///
/// It owns nothing; the bytes must stay as they are for as long as it is used. Validation reads the header and the
/// tables, not the code: whoever can forge code can forge a checksum too, so the code is trusted for where it lies
/// (see ``NativeImageMapping``).
public struct NativeImage {
    /// The whole file.
    public let bytes: UnsafeRawBufferPointer
    /// The version of the contract between native code and the runtime.
    public let abiVersion: UInt32
    public let architecture: NativeArchitecture
    public let moduleDigest: ModuleDigest
    public let moduleByteCount: Int

    public let text: UnsafeRawBufferPointer
    public let readOnlyData: UnsafeRawBufferPointer

    /// Text offset by function; the first function after the imported ones is 0. ``NativeImageFormat/absent``: not
    /// compiled.
    public let functions: UnsafeBufferPointer<UInt32>
    /// Text offset by type index, or ``NativeImageFormat/absent``.
    public let thunks: UnsafeBufferPointer<UInt32>
    /// Ascending, without overlaps.
    public let ranges: UnsafeBufferPointer<NativeRange>

    private let featureBytes: UnsafeRawBufferPointer
    private let optionBytes: UnsafeRawBufferPointer
    private let positionIndex: UnsafeBufferPointer<UInt32>
    private let positions: UnsafeRawBufferPointer
    private let contentStart: Int
    private let contentChecksum: UInt64

    /// How many of ``functions`` have code; the others are interpreted.
    public var compiledFunctionCount: Int { functions.reduce(0) { $0 + ($1 == NativeImageFormat.absent ? 0 : 1) } }

    /// What the code needs from the processor.
    public var processorFeatures: String { String(decoding: featureBytes, as: UTF8.self) }

    /// What the compiler was told.
    public var options: String { String(decoding: optionBytes, as: UTF8.self) }

    /// Checks the header and the tables.
    ///
    /// - Parameter bytes: at an address that 8 divides.
    public init(_ bytes: UnsafeRawBufferPointer) throws(NativeImageError) {
        typealias Field = NativeImageFormat.Field
        var header = try NativeImageHeader(bytes)
        self.bytes = bytes
        abiVersion = header.number32(Field.abiVersion)
        architecture = header.architecture
        moduleDigest = header.moduleDigest
        moduleByteCount = try header.count64("module byte count", Field.moduleByteCount, max: Int.max)

        featureBytes = try header.string("processor features", Field.processorFeatures)
        optionBytes = try header.string("options", Field.options)
        try header.endStrings()
        functions = try header.table("functions", Field.functions)
        thunks = try header.table("thunks", Field.thunks)
        ranges = try header.ranges("ranges", Field.ranges)
        positionIndex = try header.table("position index", Field.positionIndex)
        contentStart = header.tablesByteCount
        positions = try header.content("positions", Field.positionsOffset)
        text = try header.content("text", Field.textOffset, alignment: architecture.pageBytes)
        let textOffset = header.lastOffset
        readOnlyData = try header.content("read-only data", Field.readOnlyDataOffset, alignment: architecture.pageBytes)
        contentChecksum = header.number64(Field.contentChecksum)

        try checkText(at: textOffset, dataOffset: header.lastOffset)
        try check(functions, "function")
        try check(thunks, "thunk")
        try checkRanges()
        try checkPositionIndex()
    }

    /// The function that the instruction at `textOffset` belongs to.
    public func function(at textOffset: Int) -> Int? { rangeIndex(at: textOffset).map { Int(ranges[$0].function) } }

    /// Where in the module's file the instruction at `textOffset` comes from; nil where the image does not say.
    public func moduleOffset(at textOffset: Int) -> Int? {
        guard !positionIndex.isEmpty, let index = rangeIndex(at: textOffset) else { return nil }
        let run = Int(positionIndex[index])..<Int(positionIndex[index + 1])
        return PositionCoding.moduleOffset(
            of: UInt32(textOffset), in: UnsafeRawBufferPointer(rebasing: positions[run]), start: ranges[index].start
        ).map(Int.init)
    }

    /// Whether code, constants and positions are as they were written. Reads the whole file.
    public func checkContent() throws(NativeImageError) {
        let found = Checksum.of(UnsafeRawBufferPointer(rebasing: bytes[contentStart...]))
        guard found == contentChecksum else {
            throw NativeImageError("checksum of the content", expected: hex(contentChecksum), found: hex(found))
        }
    }

    private func rangeIndex(at textOffset: Int) -> Int? {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if Int(ranges[middle].end) <= textOffset { low = middle + 1 } else { high = middle }
        }
        guard low < ranges.count && Int(ranges[low].start) <= textOffset else { return nil }
        return low
    }

    private func checkText(at textOffset: Int, dataOffset: Int) throws(NativeImageError) {
        guard text.count < NativeImageFormat.textBytesMax else {
            throw NativeImageError(
                "text byte count", expected: "less than \(NativeImageFormat.textBytesMax)", found: "\(text.count)")
        }
        let expected = textOffset + NativeImageFormat.readOnlyDataDistance(textByteCount: text.count, architecture)
        guard dataOffset == expected else {
            throw NativeImageError("read-only data offset", expected: "\(expected)", found: "\(dataOffset)")
        }
    }

    private func check(_ table: UnsafeBufferPointer<UInt32>, _ name: String) throws(NativeImageError) {
        let mask = UInt32(architecture.instructionAlignment - 1)
        for index in 0..<table.count {
            let offset = table[index]
            guard offset != NativeImageFormat.absent else { continue }
            guard Int(offset) < text.count && offset & mask == 0 else {
                throw NativeImageError(
                    "text offset of \(name) \(index)", expected: "an instruction within \(text.count) bytes",
                    found: "\(offset)")
            }
        }
    }

    private func checkRanges() throws(NativeImageError) {
        var last: UInt32 = 0
        for index in 0..<ranges.count {
            let range = ranges[index]
            guard range.start >= last && range.start < range.end && Int(range.end) <= text.count else {
                throw NativeImageError(
                    "range \(index)", expected: "a piece of the text from \(last) to \(text.count)",
                    found: "\(range.start) to \(range.end)")
            }
            guard Int(range.function) < functions.count else {
                throw NativeImageError(
                    "function of range \(index)", expected: "less than \(functions.count)", found: "\(range.function)")
            }
            last = range.end
        }
    }

    private func checkPositionIndex() throws(NativeImageError) {
        guard !positionIndex.isEmpty else { return }
        guard positionIndex.count == ranges.count + 1 else {
            throw NativeImageError(
                "entries of the position index", expected: "\(ranges.count + 1), or none",
                found: "\(positionIndex.count)")
        }
        var last: UInt32 = 0
        for index in 0..<positionIndex.count {
            let offset = positionIndex[index]
            guard offset >= last && Int(offset) <= positions.count else {
                throw NativeImageError(
                    "position index \(index)", expected: "\(last) to \(positions.count)", found: "\(offset)")
            }
            last = offset
        }
    }
}

func hex(_ number: UInt64) -> String { "0x\(String(number, radix: 16))" }
