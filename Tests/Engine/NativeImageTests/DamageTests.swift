// SPDX-License-Identifier: Apache-2.0
// Swiftlet: damaged and hostile images are refused, or read without harm.
import Glibc
import NativeImage
import TestSupport
import Testing

@Suite struct `Damaged images` {
    typealias Field = NativeImageFormat.Field

    func refusal(_ bytes: [UInt8]) -> String {
        let error = #expect(throws: NativeImageError.self) {
            try bytes.withUnsafeBytes { _ = try NativeImage($0) }
        }
        return error?.description ?? ""
    }

    @Test func `are refused when any byte of header or tables changed`() throws {
        let original = try Fixture.writer().encoded()
        let count = Int(Fixture.number64(original, Field.tablesByteCount))
        for index in 0..<count {
            var bytes = original
            bytes[index] ^= 0x40
            #expect(!refusal(bytes).isEmpty, "byte \(index)")
        }
    }

    @Test func `are refused wherever they end`() throws {
        let original = try Fixture.writer().encoded()
        for count in stride(from: 0, to: original.count, by: 13) {
            #expect(!refusal(Array(original[..<count])).isEmpty, "\(count) bytes")
        }
        #expect(refusal(original + [0]).contains("byte count of the file"))
    }

    @Test func `are found by the content's checksum`() throws {
        let original = try Fixture.writer().encoded()
        let start = Int(Fixture.number64(original, Field.tablesByteCount))
        for index in stride(from: start, to: original.count, by: 41) {
            var bytes = original
            bytes[index] ^= 1
            try bytes.withUnsafeBytes { buffer in
                let image = try NativeImage(buffer)
                #expect(throws: NativeImageError.self, "byte \(index)") { try image.checkContent() }
            }
        }
    }

    static let faults: [(field: Int, value: UInt64, words: String)] = [
        (Field.magic, 0, "first 8 bytes: expected SWNIMAGE, found 0x0"),
        (Field.wholeByteCount, 17, "byte count of the file: expected 17"),
        (Field.tablesByteCount, 1 << 40, "byte count of header and tables"),
        (Field.tablesByteCount, 8, "byte count of header and tables"),
        (Field.moduleByteCount, .max, "module byte count"),
        (Field.textOffset, 4097, "text offset: expected a multiple of"),
        (Field.textOffset, 0, "text: expected to lie within"),
        (Field.textOffset, .max, "text offset: expected at most"),
        (Field.textByteCount, .max, "text byte count: expected at most"),
        (Field.textByteCount, 1 << 20, "text byte count: expected at most"),
        (Field.textByteCount, 4100, "text offset of thunk 1"),
        (Field.textByteCount, 100, "read-only data offset: expected"),
        (Field.readOnlyDataOffset, 0, "read-only data: expected to lie within"),
        (Field.readOnlyDataByteCount, 6, "read-only data: expected to lie within"),
        (Field.positionsOffset, 100, "positions: expected to lie within"),
        (Field.positionsByteCount, 3, "position index 1"),
    ]

    @Test(arguments: faults)
    func `are refused for a wrong field, by its name`(field: Int, value: UInt64, words: String) throws {
        var bytes = try Fixture.writer().encoded()
        Fixture.set(value, at: field, in: &bytes)
        Fixture.seal(&bytes)
        let message = refusal(bytes)
        #expect(message.contains(words), "\(message)")
    }

    @Test(arguments: [
        (Field.formatVersion, UInt32(1), "format version: expected 2, found 1"),
        (Field.architecture, 3, "architecture: expected 62 (x86-64) or 183 (arm64), found 3"),
        (Field.headerByteCount, 7, "header byte count"), (Field.processorFeatures, 5, "processor features"),
        (Field.options + 4, .max, "length of options"), (Field.functions, 201, "functions"),
        (Field.functions, 3, "functions"), (Field.functions + 4, .max, "functions"), (Field.thunks, 0, "thunks"),
        (Field.thunks + 4, 0x4000_0000, "thunks"), (Field.ranges, 1, "ranges"),
        (Field.ranges + 4, .max, "ranges"), (Field.positionIndex + 4, 2, "entries of the position index"),
    ])
    func `are refused for a wrong short field, by its name`(field: Int, value: UInt32, words: String) throws {
        var bytes = try Fixture.writer().encoded()
        Fixture.set(value, at: field, in: &bytes)
        Fixture.seal(&bytes)
        let message = refusal(bytes)
        #expect(message.contains(words), "\(message)")
    }

    @Test func `are refused at an address that is not aligned`() throws {
        let bytes = [0] + (try Fixture.writer().encoded())
        bytes.withUnsafeBytes { buffer in
            let error = #expect(throws: NativeImageError.self) {
                try NativeImage(UnsafeRawBufferPointer(rebasing: buffer[1...]))
            }
            #expect(error?.place == "address in memory")
        }
    }

    /// Reads everything that a loader and a backtrace would.
    func exercise(_ bytes: [UInt8], _ accepted: inout Int) {
        bytes.withUnsafeBytes { buffer in
            guard let image = try? NativeImage(buffer) else { return }
            accepted += 1
            for table in [image.functions, image.thunks] {
                for offset in table where offset != NativeImageFormat.absent { _ = image.text[Int(offset)] }
            }
            for range in image.ranges {
                _ = image.text[Int(range.start)..<Int(range.end)]
                _ = image.functions[Int(range.function)]
            }
            for offset in stride(from: 0, to: image.text.count + 100, by: 97) {
                _ = image.function(at: offset)
                _ = image.moduleOffset(at: offset)
            }
            _ = image.readOnlyData.last
            _ = image.processorFeatures.count + image.options.count
            _ = try? image.checkContent()
        }
    }

    @Test func `with a right checksum do no harm`() throws {
        let original = try Fixture.writer().encoded()
        let tables = Int(Fixture.number64(original, Field.tablesByteCount))
        let positions = tables + Int(Fixture.number64(original, Field.positionsByteCount))
        var random = SeededGenerator(state: 42)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 8..<positions, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
                case 2: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                default:
                    Fixture.set(UInt32.random(in: 0...10_000, using: &random), at: place & ~3, in: &bytes)
                }
            }
            if Int.random(in: 0...9, using: &random) == 0 {
                bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
                if bytes.count > Field.end { Fixture.set(UInt64(bytes.count), at: Field.wholeByteCount, in: &bytes) }
            }
            Fixture.seal(&bytes)
            exercise(bytes, &accepted)
        }
        // Otherwise the test would look at refusals only.
        #expect(accepted > 500)
    }
}

@Suite struct `The mapping` {
    @Test func `has executable text that is not writable, and nothing else executable`() throws {
        try UnnamedFile.with(try Fixture.writer().encoded()) { descriptor in
            let mapping = try NativeImageMapping(descriptor: descriptor)
            let text = try #require(mapping.image.text.baseAddress)
            let data = try #require(mapping.image.readOnlyData.baseAddress)
            #expect(try rights(at: text) == "r-xp")
            #expect(try rights(at: data) == "r--p")
            #expect(try rights(at: try #require(mapping.image.bytes.baseAddress)) == "r--p")
        }
    }

    @Test func `is gone when nobody needs it`() throws {
        try UnnamedFile.with(try Fixture.writer().encoded()) { descriptor in
            var address: UnsafeRawPointer?
            do {
                let mapping = try NativeImageMapping(descriptor: descriptor)
                address = mapping.image.bytes.baseAddress
            }
            #expect(try rights(at: try #require(address)) != "r--p")
        }
    }

    @Test func `runs the code`() throws {
        var writer = Fixture.writer()
        // Returns 42: x86-64 `mov eax, 42; ret`, arm64 `mov w0, #42; ret`.
        writer.text.replaceSubrange(
            16..<24,
            with: NativeArchitecture.current == .x86_64
                ? [0xB8, 42, 0, 0, 0, 0xC3, 0xCC, 0xCC] : [0x40, 0x05, 0x80, 0x52, 0xC0, 0x03, 0x5F, 0xD6])
        try UnnamedFile.with(try writer.encoded()) { descriptor in
            let mapping = try NativeImageMapping(descriptor: descriptor)
            let entry = try #require(mapping.image.text.baseAddress) + Int(mapping.image.functions[0])
            typealias Body = @convention(c) () -> Int32
            #expect(unsafeBitCast(entry, to: Body.self)() == 42)
        }
    }

    @Test func `refuses what is not an image's file`() throws {
        func refusal(_ descriptor: Int32) -> String {
            let error = #expect(throws: NativeImageError.self) { try NativeImageMapping(descriptor: descriptor) }
            return error?.description ?? ""
        }
        #expect(
            try UnnamedFile.with([]) { refusal($0) }.contains("file: expected 1 to 1073741824 bytes, found 0 bytes"))
        #expect(try UnnamedFile.with([1, 2, 3]) { refusal($0) }.contains("at least 192 bytes, found 3 bytes"))
        try UnnamedFile.with([]) { descriptor in
            ftruncate(descriptor, 2 << 30)
            #expect(refusal(descriptor).contains("found 2147483648 bytes"))
        }
        let directory = open("/", O_RDONLY)
        #expect(refusal(directory).contains("file type: expected a regular file"))
        close(directory)
        #expect(refusal(-1).contains("fstat: expected success, found"))
        var damaged = try Fixture.writer().encoded()
        damaged[182] ^= 1
        let before = try mappingCount()
        #expect(try UnnamedFile.with(damaged) { refusal($0) }.contains("byte count of header and tables"))
        #expect(try mappingCount() == before)
    }

    /// The column of /proc/self/maps for the mapping at `address`; empty without one.
    func rights(at address: UnsafeRawPointer) throws -> String {
        let number = UInt(bitPattern: address)
        for line in try maps() {
            let bounds = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            if bounds.count == 2 && bounds[0] <= number && number < bounds[1] {
                return String(line.drop { $0 != " " }.dropFirst().prefix(4))
            }
        }
        return ""
    }

    func mappingCount() throws -> Int { try maps().count { $0.contains(UnnamedFile.prefix) } }

    func maps() throws -> [Substring] {
        let file = try #require(fopen("/proc/self/maps", "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }
}
