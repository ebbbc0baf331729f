// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what is written is read.
import NativeImage
import TestSupport
import Testing

@Suite struct `A native image` {
    @Test(arguments: NativeArchitecture.allCases)
    func `holds what the writer was given`(architecture: NativeArchitecture) throws {
        let writer = Fixture.writer(architecture)
        let bytes = try writer.encoded()
        try bytes.withUnsafeBytes { buffer in
            let image = try NativeImage(buffer)
            #expect(image.abiVersion == 5)
            #expect(image.architecture == architecture)
            #expect(image.moduleDigest.bytes == Fixture.digest)
            #expect(image.moduleByteCount == 1234)
            #expect(image.processorFeatures == "avx2,bmi2")
            #expect(image.options == "level=full")
            #expect(Array(image.text) == writer.text)
            #expect(Array(image.readOnlyData) == writer.readOnlyData)
            #expect(Array(image.functions) == writer.functions)
            #expect(Array(image.thunks) == writer.thunks)
            #expect(image.compiledFunctionCount == 2)
            #expect(Array(image.ranges) == writer.ranges)
            try image.checkContent()
        }
    }

    @Test(arguments: NativeArchitecture.allCases)
    func `has text and constants on page borders, at the distance that the linker was told`(
        architecture: NativeArchitecture
    ) throws {
        let bytes = try Fixture.writer(architecture).encoded()
        try bytes.withUnsafeBytes { buffer in
            let image = try NativeImage(buffer)
            let start = try #require(buffer.baseAddress)
            let text = try #require(image.text.baseAddress)
            let data = try #require(image.readOnlyData.baseAddress)
            #expect((text - start) % architecture.pageBytes == 0)
            #expect((data - start) % architecture.pageBytes == 0)
            #expect(
                data - text == NativeImageFormat.readOnlyDataDistance(textByteCount: image.text.count, architecture))
            #expect(
                buffer[(text - start + image.text.count)..<(data - start)].allSatisfy { $0 == architecture.fillByte })
        }
    }

    @Test(arguments: [
        (0, nil), (15, nil), (16, 0), (255, 0), (256, nil), (511, nil), (512, 2), (1023, 2), (1024, 0), (1099, 0),
        (1100, nil), (4999, nil), (Int.max, nil),
    ])
    func `knows the function at a place of the text`(offset: Int, function: Int?) throws {
        let bytes = try Fixture.writer().encoded()
        try withImage(bytes) { #expect($0.function(at: offset) == function) }
    }

    @Test(arguments: [
        (15, nil), (16, 100), (39, 100), (40, 90), (41, 4_000_000_000), (255, 4_000_000_000), (256, nil), (512, nil),
        (599, nil), (600, 300), (1023, 300), (1024, 0), (1099, 0), (1100, nil),
    ])
    func `knows the module's instruction at a place of the text`(offset: Int, moduleOffset: Int?) throws {
        let bytes = try Fixture.writer().encoded()
        try withImage(bytes) { #expect($0.moduleOffset(at: offset) == moduleOffset) }
    }

    @Test func `may have no positions`() throws {
        var writer = Fixture.writer()
        writer.positions = []
        let bytes = try writer.encoded()
        try withImage(bytes) { #expect($0.moduleOffset(at: 20) == nil) }
    }

    @Test func `may have no code at all`() throws {
        var writer = Fixture.writer()
        (writer.text, writer.ranges, writer.positions, writer.readOnlyData) = ([], [], [], [])
        writer.functions = [NativeImageFormat.absent]
        writer.thunks = []
        let bytes = try writer.encoded()
        try UnnamedFile.with(bytes) { descriptor in
            let mapping = try NativeImageMapping(descriptor: descriptor)
            #expect(Array(mapping.image.functions) == [NativeImageFormat.absent])
            #expect(mapping.image.function(at: 0) == nil)
        }
    }

    @Test func `keeps many positions in about three bytes each`() throws {
        var writer = Fixture.writer()
        var random = SeededGenerator(state: 7)
        writer.text = [UInt8](repeating: 0, count: 400_000)
        writer.functions = (0..<1000).map { UInt32($0 * 400) }
        writer.ranges = (0..<1000).map { NativeRange(start: $0 * 400, end: $0 * 400 + 400, function: $0) }
        writer.positions = []
        for range in writer.ranges {
            var place = range.start
            var moduleOffset = range.start / 2
            while place < range.end {
                writer.positions.append(NativePosition(textOffset: place, moduleOffset: moduleOffset))
                place += UInt32.random(in: 1...20, using: &random)
                moduleOffset = UInt32(max(0, Int(moduleOffset) + Int.random(in: -30...60, using: &random)))
            }
        }
        let bytes = try writer.encoded()
        try bytes.withUnsafeBytes { buffer in
            let image = try NativeImage(buffer)
            for (index, position) in writer.positions.enumerated() where index % 37 == 0 {
                #expect(image.moduleOffset(at: Int(position.textOffset)) == Int(position.moduleOffset))
            }
        }
        let positionsBytes = Fixture.number64(bytes, NativeImageFormat.Field.positionsByteCount)
        #expect(positionsBytes < UInt64(3 * writer.positions.count))
    }
}

@Suite struct `The writer refuses` {
    func refusal(positions: [NativePosition]? = nil, _ change: (inout NativeImageWriter) -> Void) throws -> String {
        var writer = Fixture.writer()
        writer.positions = positions ?? writer.positions
        change(&writer)
        let error = #expect(throws: NativeImageError.self) { try writer.encoded() }
        return error?.description ?? ""
    }

    @Test func `offsets outside the text`() throws {
        #expect(
            try refusal { $0.functions[2] = 5000 }
                == "native image: text offset of function 2: expected an instruction within 5000 bytes, found 5000")
        #expect(try refusal { $0.thunks[0] = 99999 }.contains("text offset of thunk 0"))
    }

    @Test func `ranges out of order, empty, beyond the text or of no function`() throws {
        #expect(try refusal(positions: []) { $0.ranges.swapAt(0, 1) }.contains("range 1"))
        #expect(try refusal(positions: []) { $0.ranges[2].end = $0.ranges[2].start }.contains("range 2"))
        #expect(try refusal(positions: []) { $0.ranges[2].end = 5001 }.contains("range 2"))
        #expect(
            try refusal(positions: []) { $0.ranges[1].function = 3 }
                == "native image: function of range 1: expected less than 3, found 3")
    }

    @Test func `positions out of order or outside all ranges`() throws {
        #expect(try refusal { $0.positions.swapAt(0, 1) }.contains("position 1"))
        #expect(try refusal { $0.positions[4].textOffset = 2000 }.contains("position 4"))
        #expect(try refusal { $0.positions[0].textOffset = 3 }.contains("position 0"))
    }

    @Test func `strings that are too long`() throws {
        #expect(
            try refusal { $0.options = String(repeating: "x", count: 4097) }
                == "native image: length of options: expected at most 4096, found 4097")
    }
}
