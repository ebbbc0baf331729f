// SPDX-License-Identifier: Apache-2.0
// Swiftlet: opcodes and what follows them.

import Wasm

extension ModuleAssembler {
    /// Encodes an instruction that is not a block: opcode and immediates in the binary's order.
    mutating func readOperands(_ entry: InstructionEntry) throws(TextError) {
        switch entry.operands {
        case .select: return try readSelect()
        case .callIndirect: return try readCallIndirect(entry)
        case .referenceType, .castBranch: return try readCast(entry)
        case .typeAndField: return try readField(entry)
        case .vector:
            body.appendOpcode(entry.code)
            return try readVector()
        default: break
        }
        body.appendOpcode(entry.code)
        switch entry.operands {
        case .label: try readLabel()
        case .labelTable: try readLabelTable()
        case .function: body.appendIndex(try functions.use(&reader))
        case .tag: body.appendIndex(try tags.use(&reader))
        case .local: body.appendIndex(try context.locals.use(&reader))
        case .global: body.appendIndex(try globals.use(&reader))
        case .table: body.appendIndex(reader.isIndex ? try tables.use(&reader) : 0)
        case .memory: body.appendIndex(reader.isIndex ? try memories.use(&reader) : 0)
        case .type: body.appendIndex(try typeSpace.use(&reader))
        case .heapType:
            var bytes: [UInt8] = []
            try readHeapType(to: &bytes)
            body += bytes
        case .dataDrop: try readDataIndex()
        case .elemDrop: body.appendIndex(try elements.use(&reader))
        case .i32: body.appendSigned(Int64(Int32(truncatingIfNeeded: try readInteger("i32", bits: 32))))
        case .i64: body.appendSigned(Int64(bitPattern: try readInteger("i64", bits: 64)))
        case .f32: body.appendLittleEndian(try readFloat("f32", bits: 32), byteCount: 4)
        case .f64: body.appendLittleEndian(try readFloat("f64", bits: 64), byteCount: 8)
        case .fence: body.append(0)
        default: try readMoreOperands(entry)
        }
    }

    private mutating func readMoreOperands(_ entry: InstructionEntry) throws(TextError) {
        switch entry.operands {
        case .memoryArgument: try readMemoryArgument(entry, hasLane: false)
        case .memoryArgumentAndLane: try readMemoryArgument(entry, hasLane: true)
        case .lane: try readLane()
        case .shuffle: for _ in 0..<16 { try readLane() }
        case .memoryInit:
            // The memory may be left out; in the binary it comes last.
            let memory = isIndex(reader.next) ? try memories.use(&reader) : 0
            try readDataIndex()
            body.appendIndex(memory)
        case .tableInit:
            let table = isIndex(reader.next) ? try tables.use(&reader) : 0
            body.appendIndex(try elements.use(&reader))
            body.appendIndex(table)
        case .memoryPair:
            let isStated = reader.isIndex
            body.appendIndex(isStated ? try memories.use(&reader) : 0)
            body.appendIndex(isStated ? try memories.use(&reader) : 0)
        case .tablePair:
            let isStated = reader.isIndex
            body.appendIndex(isStated ? try tables.use(&reader) : 0)
            body.appendIndex(isStated ? try tables.use(&reader) : 0)
        case .typeAndCount:
            body.appendIndex(try typeSpace.use(&reader))
            body.appendIndex(try reader.takeU32("a number of elements"))
        case .typeAndData:
            body.appendIndex(try typeSpace.use(&reader))
            try readDataIndex()
        case .typeAndElement:
            body.appendIndex(try typeSpace.use(&reader))
            body.appendIndex(try elements.use(&reader))
        case .typePair:
            body.appendIndex(try typeSpace.use(&reader))
            body.appendIndex(try typeSpace.use(&reader))
        default: break
        }
    }

    private func isIndex(_ token: Token) -> Bool { token.kind == .number || token.kind == .identifier }

    private mutating func readDataIndex() throws(TextError) {
        namesData = true
        body.appendIndex(try data.use(&reader))
    }

    mutating func readInteger(_ what: StaticString, bits: Int) throws(TextError) -> UInt64 {
        try reader.takeNumber(what) { Numbers.integer($0, $1, bits: bits) }
    }

    mutating func readFloat(_ what: StaticString, bits: Int) throws(TextError) -> UInt64 {
        try reader.takeNumber(what) { Numbers.float($0, $1, bits: bits) }
    }

    // MARK: Control

    private mutating func readLabelTable() throws(TextError) {
        let first = body.count
        var count = 0
        var last = first
        while reader.isIndex {
            last = body.count
            try readLabel()
            count += 1
        }
        guard count > 0 else { throw reader.unexpected("the index or identifier of a label") }
        // The last one is the default and is not counted.
        let labels = Array(body[first..<last])
        let fallback = Array(body[last...])
        body.removeSubrange(first...)
        body.appendUnsigned(UInt64(count - 1))
        body += labels
        body += fallback
    }

    private mutating func readCallIndirect(_ entry: InstructionEntry) throws(TextError) {
        let table = reader.isIndex ? try tables.use(&reader) : 0
        let use = try readTypeUse(allowsIdentifiers: false)
        body.appendOpcode(entry.code)
        body.appendIndex(use.index)
        body.appendIndex(table)
    }

    private mutating func readSelect() throws(TextError) {
        var types = SectionBuffer()
        var isTyped = false
        while try reader.openForm("result") {
            isTyped = true
            while reader.token.kind != .rightParenthesis {
                try readValueType(to: &types.bytes)
                types.count += 1
            }
            try reader.close()
        }
        guard isTyped else { return body.appendOpcode(Opcode.select.rawValue) }
        body.appendOpcode(Opcode.selectTyped.rawValue)
        body.appendIndex(types.count)
        body += types.bytes
    }

    // MARK: References

    private mutating func readField(_ entry: InstructionEntry) throws(TextError) {
        body.appendOpcode(entry.code)
        let type = try typeSpace.use(&reader)
        body.appendIndex(type)
        if type < UInt32(types.count) {
            body.appendIndex(try types[Int(type)].fields.use(&reader))
        } else {
            body.appendIndex(try reader.takeU32("the index of a field"))
        }
    }

    /// A heap type and whether the reference type around it admits null.
    private mutating func readCastType() throws(TextError) -> (isNullable: Bool, heap: [UInt8]) {
        var bytes: [UInt8] = []
        let isNullable = try readReferenceType(to: &bytes)
        if let first = bytes.first, first == 0x63 || first == 0x64 { bytes.removeFirst() }
        return (isNullable, bytes)
    }

    private mutating func readCast(_ entry: InstructionEntry) throws(TextError) {
        if entry.operands == .referenceType {
            let (isNullable, heap) = try readCastType()
            // ref.test null and ref.cast null have the next opcode.
            body.appendOpcode(isNullable ? entry.code + 1 : entry.code)
            body += heap
            return
        }
        let first = body.count
        try readLabel()
        let label = Array(body[first...])
        body.removeSubrange(first...)
        let source = try readCastType()
        let target = try readCastType()
        body.appendOpcode(entry.code)
        body.append((source.isNullable ? 1 : 0) | (target.isNullable ? 2 : 0))
        body += label
        body += source.heap
        body += target.heap
    }

    // MARK: Memory

    private mutating func readMemoryArgument(_ entry: InstructionEntry, hasLane: Bool) throws(TextError) {
        var memory: UInt32 = 0
        if reader.isIndex {
            // A lone number before the end of `v128.load8_lane 3` is the lane.
            let isLane = hasLane && reader.token.kind == .number && !isMemoryArgumentPart(reader.next)
            if !isLane { memory = try memories.use(&reader) }
        }
        let offset = try reader.takeSetting("offset=", bits: 64) ?? 0
        let place = reader.token.start
        var alignLog2 = UInt64(entry.alignLog2)
        if let align = try reader.takeSetting("align=", bits: 64) {
            guard align != 0, align & (align - 1) == 0 else {
                throw reader.failure(at: place, "alignment must be a power of two, found \(align)")
            }
            alignLog2 = UInt64(align.trailingZeroBitCount)
        }
        body.appendUnsigned(memory == 0 ? alignLog2 : alignLog2 | 0x40)
        if memory != 0 { body.appendIndex(memory) }
        body.appendUnsigned(offset)
        if hasLane { try readLane() }
    }

    private func isMemoryArgumentPart(_ token: Token) -> Bool {
        token.kind == .number
            || token.kind == .keyword
                && (reader.source.starts(token.range, with: "offset=")
                    || reader.source.starts(token.range, with: "align="))
    }

    // MARK: Vectors

    private mutating func readLane() throws(TextError) {
        guard reader.token.kind == .number else { throw reader.unexpected("a lane index") }
        guard case .value(let lane) = Numbers.unsigned(reader.source, reader.token.range, bits: 8) else {
            throw reader.failure("malformed lane index: \(reader.shown(reader.token))")
        }
        body.append(UInt8(lane))
        try reader.advance()
    }

    private mutating func readVector() throws(TextError) {
        let shape = try Vectors.takeShape(&reader)
        for _ in 0..<shape.lanes {
            body.appendLittleEndian(try Vectors.takeLane(shape, &reader), byteCount: shape.bits / 8)
        }
    }
}

/// The constants of vectors, here and in scripts.
enum Vectors {
    struct Shape {
        var name: StaticString
        var lanes: Int
        var bits: Int
        var isFloat: Bool
    }

    static let shapes = [
        Shape(name: "i8x16", lanes: 16, bits: 8, isFloat: false),
        Shape(name: "i16x8", lanes: 8, bits: 16, isFloat: false),
        Shape(name: "i32x4", lanes: 4, bits: 32, isFloat: false),
        Shape(name: "i64x2", lanes: 2, bits: 64, isFloat: false),
        Shape(name: "f32x4", lanes: 4, bits: 32, isFloat: true),
        Shape(name: "f64x2", lanes: 2, bits: 64, isFloat: true),
    ]

    static func takeShape(_ reader: inout TokenReader) throws(TextError) -> Shape {
        for shape in shapes where reader.isKeyword(shape.name) {
            try reader.advance()
            return shape
        }
        throw reader.unexpected("i8x16, i16x8, i32x4, i64x2, f32x4 or f64x2")
    }

    static func takeLane(_ shape: Shape, _ reader: inout TokenReader) throws(TextError) -> UInt64 {
        guard reader.token.kind == .number || reader.token.kind == .keyword else {
            throw reader.unexpected("a lane: wrong number of lane literals, \(shape.name) has \(shape.lanes)")
        }
        return try reader.takeNumber("a lane") {
            shape.isFloat
                ? Numbers.float($0, $1, bits: shape.bits) : Numbers.integer($0, $1, bits: shape.bits)
        }
    }
}
