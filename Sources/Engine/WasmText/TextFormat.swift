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
        _ bytes: UnsafeRawBufferPointer, name: String = "", limits: DecodingLimits = .standard
    ) throws(TextError) -> [UInt8] {
        let source = SourceText(
            base: bytes.bindMemory(to: UInt8.self).baseAddress ?? UnsafePointer(CharacterClass.pointer),
            count: bytes.count)
        do throws(TextError) {
            guard bytes.count <= byteCountMaximum else {
                throw TextError(
                    .limit, source, at: 0, "a text of \(bytes.count) bytes, at most \(byteCountMaximum) are allowed")
            }
            return try assemble(source, limits)
        } catch {
            var named = error
            named.source = name
            throw named
        }
    }

    private static func assemble(_ source: SourceText, _ limits: DecodingLimits) throws(TextError) -> [UInt8] {
        var reader = try TokenReader(source)
        let isModule = try reader.openForm("module")
        let identifier = isModule ? try reader.takeIdentifier() : nil
        var assembler = ModuleAssembler(reader, limits: limits)
        if isModule {
            if let binary = try assembler.reader.takeBinary() { return binary }
            try assembler.takeModuleName(identifier)
        }
        let binary = try assembler.assembleFields(from: 0)
        if isModule { try assembler.reader.close() }
        guard assembler.reader.token.kind == .end else { throw assembler.reader.unexpected("the end of the text") }
        return binary
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
