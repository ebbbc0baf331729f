// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from the text of a module to its binary.

import Wasm

/// Assembles one module. The text is read twice: the outline gives every identifier its index, then the fields are
/// encoded in order. Nothing recurses, so no nesting can exhaust the stack.
struct ModuleAssembler {
    var reader: TokenReader
    let limits: DecodingLimits

    // Index spaces
    var typeSpace = IndexSpace("type", "type")
    var functions = IndexSpace("function", "func")
    var tables = IndexSpace("table", "table")
    var memories = IndexSpace("memory", "memory")
    var globals = IndexSpace("global", "global")
    var tags = IndexSpace("tag", "tag")
    var elements = IndexSpace("elem segment", "elem")
    var data = IndexSpace("data segment", "data")

    // Types: the explicit ones first, then those that uses imply.
    var types: [TypeEntry] = []
    var functionTypes: [[UInt8]: UInt32] = [:]

    // The next index that a field defines while the fields are encoded.
    var functionIndex: UInt32 = 0
    var tableIndex: UInt32 = 0
    var memoryIndex: UInt32 = 0
    var globalIndex: UInt32 = 0
    var tagIndex: UInt32 = 0
    var elementIndex: UInt32 = 0
    var dataIndex: UInt32 = 0

    // Sections
    var typeSection = SectionBuffer()
    var importSection = SectionBuffer()
    var functionSection = SectionBuffer()
    var tableSection = SectionBuffer()
    var memorySection = SectionBuffer()
    var tagSection = SectionBuffer()
    var globalSection = SectionBuffer()
    var exportSection = SectionBuffer()
    var start: UInt32?
    var elementSection = SectionBuffer()
    var codeSection = SectionBuffer()
    var dataSection = SectionBuffer()
    /// Whether an instruction names a data segment, which wants the data count section.
    var namesData = false

    // What annotations and identifiers add
    var moduleName: String?
    var localNames: [UInt32: [UInt32: String]] = [:]
    var labelNames: [UInt32: [UInt32: String]] = [:]
    var customSections: [CustomAnnotation] = []
    var branchHints: [(function: UInt32, hints: [BranchHint])] = []

    // The body or expression being encoded
    var body: [UInt8] = []
    /// Encoded instructions that wait for their folded operands.
    var pending: [UInt8] = []
    var context = BodyContext()
    /// Where the instructions of the body, later of the code section, come from.
    var bodyPlaces: [(binary: Int, text: Int)] = []
    var places: [(binary: Int, text: Int)] = []

    init(_ reader: TokenReader, limits: DecodingLimits) {
        self.reader = reader
        self.limits = limits
    }

    /// Reads the fields from the current token to the closing parenthesis or the end of the text.
    ///
    /// - Parameter moduleStart: where the module begins, for annotations before its first field.
    mutating func assembleFields(from moduleStart: Int) throws(TextError) -> AssembledModule {
        let start = reader.token.start
        reader.collectsAnnotations = false
        try outline()
        try reader.seek(to: start)
        try encodeTypes()
        reader.annotations = reader.annotations.filter { $0.start < start }
        reader.collectsAnnotations = true
        try reader.seek(to: start)
        while reader.token.kind == .leftParenthesis {
            try takeCustomAnnotations()
            try encodeField()
        }
        try takeCustomAnnotations()
        try refuseMisplaced(from: moduleStart)
        return binary()
    }

    /// Known annotations that nobody took stand where they mean nothing.
    private func refuseMisplaced(from moduleStart: Int) throws(TextError) {
        let end = reader.token.start
        let misplaced = reader.annotations.first { $0.start >= moduleStart && $0.following <= end }
        guard let misplaced else { return }
        throw reader.failure(at: misplaced.start, "misplaced \(misplaced.kind.text) annotation")
    }

    // MARK: Sections

    private func binary() -> AssembledModule {
        var places: [(binary: Int, text: Int)] = []
        var out: [UInt8] = [0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00]
        out.reserveCapacity(codeSection.bytes.count + dataSection.bytes.count + 1024)
        let sections: [(identifier: UInt8, place: CustomAnnotation.Place, buffer: SectionBuffer)] = [
            (1, .type, typeSection), (2, .import, importSection), (3, .function, functionSection),
            (4, .table, tableSection), (5, .memory, memorySection), (13, .tag, tagSection),
            (6, .global, globalSection), (7, .export, exportSection), (8, .start, startSection),
            (9, .element, elementSection), (12, .dataCount, dataCountSection), (10, .code, codeSection),
            (11, .data, dataSection),
        ]
        appendCustom(.first, to: &out)
        for section in sections {
            appendCustom(.before(section.place), to: &out)
            if section.identifier == 10 { appendBranchHints(to: &out) }
            if section.buffer.count > 0 { Self.append(section.identifier, section.buffer, to: &out) }
            if section.identifier == 10 {
                let contents = out.count - codeSection.bytes.count
                places = self.places.map { (contents + $0.binary, $0.text) }
            }
            appendCustom(.after(section.place), to: &out)
        }
        appendCustom(.last, to: &out)
        appendNameSection(to: &out)
        return AssembledModule(bytes: out, places: places)
    }

    private static func append(_ identifier: UInt8, _ buffer: SectionBuffer, to out: inout [UInt8]) {
        out.append(identifier)
        // The start and data count sections are not vectors: their bytes are all there is.
        var count: [UInt8] = []
        if identifier != 8 && identifier != 12 { count.appendIndex(buffer.count) }
        out.appendUnsigned(UInt64(count.count + buffer.bytes.count))
        out += count
        out += buffer.bytes
    }

    private var startSection: SectionBuffer { Self.single(start) }

    private var dataCountSection: SectionBuffer { Self.single(namesData ? dataSection.count : nil) }

    private static func single(_ value: UInt32?) -> SectionBuffer {
        guard let value else { return SectionBuffer() }
        var buffer = SectionBuffer(count: 1)
        buffer.bytes.appendIndex(value)
        return buffer
    }

    // MARK: Fields

    private mutating func encodeField() throws(TextError) {
        try reader.advance()
        let field = reader.token
        guard field.kind == .keyword else { throw reader.unexpected("a field of a module") }
        try reader.advance()
        let source = reader.source
        if source.matches(field.range, "func") {
            try encodeFunction()
        } else if source.matches(field.range, "type") || source.matches(field.range, "rec") {
            // Done before all other fields; the outline has seen the closing parenthesis.
            try skipForm()
        } else if source.matches(field.range, "import") {
            try encodeImport()
        } else if source.matches(field.range, "export") {
            try encodeExport()
        } else if source.matches(field.range, "global") {
            try encodeGlobal()
        } else if source.matches(field.range, "memory") {
            try encodeMemory()
        } else if source.matches(field.range, "table") {
            try encodeTable()
        } else if source.matches(field.range, "data") {
            try encodeData()
        } else if source.matches(field.range, "elem") {
            try encodeElement()
        } else if source.matches(field.range, "tag") {
            try encodeTag()
        } else {
            try encodeStart(field)
        }
        try reader.close()
    }

    private mutating func encodeStart(_ field: Token) throws(TextError) {
        guard start == nil else { throw reader.failure(at: field.start, "multiple start sections") }
        start = try functions.use(&reader)
    }

    /// Moves to the closing parenthesis of the form whose inside this is.
    mutating func skipForm() throws(TextError) {
        var depth = 0
        while true {
            switch reader.token.kind {
            case .leftParenthesis: depth += 1
            case .rightParenthesis:
                if depth == 0 { return }
                depth -= 1
            case .end: throw reader.unexpected(")")
            default: break
            }
            try reader.advance()
        }
    }
}
