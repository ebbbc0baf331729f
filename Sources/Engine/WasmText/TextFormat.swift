// SPDX-License-Identifier: Apache-2.0
// Swiftlet: WebAssembly text to binary, the module's front door.

public import Wasm

/// The text format of WebAssembly 3.0 (core specification §6) with the proposals for threads, relaxed SIMD, legacy
/// exceptions and custom annotations.
public enum TextFormat {
    // LIMIT: bytes of a text. The binary is smaller than the text by a factor of three and more.
    public static let byteCountMaximum = 256 << 20

    /// Whether bytes look like WebAssembly text and not like a binary: the first character is a parenthesis or begins
    /// a comment.
    public static func looksLikeText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let rest = bytes.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        guard let first = rest.first else { return false }
        return first == UInt8(ascii: "(") || rest.starts(with: ";;".utf8)
    }

    /// The binary of the module whose text this is, with a name section made from the identifiers. It is well-formed
    /// as far as the text goes; the decoder and the validator judge it like any other.
    ///
    /// - Parameter name: what to call the text in errors, a file's name.
    public static func assemble(
        _ text: UnsafeRawBufferPointer, name: String = "", limits: DecodingLimits = .standard
    ) throws(TextError) -> AssembledModule {
        let source = SourceText(text)
        do throws(TextError) {
            guard text.count <= byteCountMaximum else {
                throw TextError(
                    .limit, source, at: 0, "a text of \(text.count) bytes, at most \(byteCountMaximum) are allowed")
            }
            return try assemble(source, limits)
        } catch {
            var named = error
            named.source = name
            throw named
        }
    }

    private static func assemble(_ source: SourceText, _ limits: DecodingLimits) throws(TextError) -> AssembledModule {
        var reader = try TokenReader(source)
        let isModule = try reader.openForm("module")
        let identifier = isModule ? try reader.takeIdentifier() : nil
        var assembler = ModuleAssembler(reader, limits: limits)
        let module: AssembledModule
        if isModule, let binary = try assembler.reader.takeBinary() {
            module = AssembledModule(bytes: binary)
        } else {
            if isModule { try assembler.takeModuleName(identifier) }
            module = try assembler.assembleFields(from: 0)
            if isModule { try assembler.reader.close() }
        }
        guard assembler.reader.token.kind == .end else { throw assembler.reader.unexpected("the end of the text") }
        return module
    }

    // MARK: Files

    /// Decodes and validates a module, whether the file is a binary or text.
    ///
    /// - Parameter name: what to call a text in errors.
    public static func load(
        _ file: ModuleBytes, name: String, features: FeatureSet = .supported, limits: DecodingLimits = .standard
    ) throws(LoadError) -> Module {
        guard looksLikeText(file.buffer) else {
            do { return try Module.load(file, features: features, limits: limits) } catch {
                throw LoadError(description: error.description)
            }
        }
        let assembled: AssembledModule
        do { assembled = try assemble(file.buffer, name: name, limits: limits) } catch {
            throw LoadError(description: error.description, isText: true)
        }
        do { return try Module.load(ModuleBytes(assembled.bytes), features: features, limits: limits) } catch {
            guard let (line, column) = assembled.place(ofByte: error.offset, in: file.buffer) else {
                throw LoadError(description: "\(name): \(error)", isText: true)
            }
            throw LoadError(
                description: "\(name):\(line):\(column): \(error.kind.rawValue) module: \(error.message)", isText: true)
        }
    }

    /// A file that is no module: the error of the text or of the binary.
    public struct LoadError: Error, Sendable, CustomStringConvertible {
        /// Of a text it starts with `name:line:column`.
        public var description: String
        public var isText = false
    }
}

/// A binary made from text.
public struct AssembledModule: Sendable {
    public var bytes: [UInt8]
    /// Where each instruction of a function stands in the binary and where in the text, in ascending order.
    var places: [(binary: Int, text: Int)] = []

    /// Line and column, from 1, of the instruction of a function that holds a byte of the binary.
    public func place(ofByte offset: Int, in text: UnsafeRawBufferPointer) -> (line: Int, column: Int)? {
        guard let first = places.first, let last = places.last, offset >= first.binary, offset < bytes.count else {
            return nil
        }
        var low = 0
        var high = places.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if places[middle].binary <= offset { low = middle } else { high = middle }
        }
        // The last instruction is short: further on are other sections.
        guard offset <= last.binary + 16 else { return nil }
        return SourceText(text).place(of: places[low].text)
    }
}

extension TokenReader {
    /// The contents of `(module binary "…")`, when it is such a module; ends behind the parenthesis.
    mutating func takeBinary() throws(TextError) -> [UInt8]? {
        guard try takeKeyword("binary") else { return nil }
        var bytes: [UInt8] = []
        while try takeString(to: &bytes) {}
        try close()
        return bytes
    }
}

extension ModuleAssembler {
    /// The module's name: its identifier, or what an annotation says in its place.
    mutating func takeModuleName(_ identifier: Token?) throws(TextError) {
        if let identifier { moduleName = try reader.identifierName(identifier).string }
        if let name = try takeName() { moduleName = name }
    }
}
