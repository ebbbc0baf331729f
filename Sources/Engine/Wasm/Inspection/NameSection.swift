// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the names that compilers leave for people, in the custom section "name".

/// The name section (core specification appendix A.7.4), read lazily and tolerantly.
///
/// Names are for backtraces and reports only, so a broken section yields fewer names and never an error. Nothing is
/// decoded at init but the subsections' places; each look-up scans the bytes it needs. Control characters in names are
/// escaped, since names end up in logs and on terminals.
public struct NameSection: Sendable {
    private let bytes: ModuleBytes
    private var moduleNameRange: ByteRange?
    private var functionsRange: ByteRange?
    private var localsRange: ByteRange?
    private var tagsRange: ByteRange?

    public init(_ module: Module) {
        bytes = module.bytes
        guard let section = module.customSections.first(where: { $0.name == "name" }) else { return }
        var reader = BinaryReader(bytes.buffer, in: section.payload)
        while let (identifier, range) = Self.subsection(&reader) {
            switch identifier {
            case 0: moduleNameRange = range
            case 1: functionsRange = range
            case 2: localsRange = range
            case 11: tagsRange = range
            default: break  // labels, types, fields, … of the extended name section
            }
        }
    }

    private static func subsection(_ reader: inout BinaryReader) -> (UInt8, ByteRange)? {
        guard let identifier = try? reader.readByte(), let size = try? reader.readU32(),
            let range = try? reader.skip(Int(size))
        else { return nil }
        return (identifier, range)
    }

    /// The module's own name.
    public var moduleName: String? {
        guard let moduleNameRange else { return nil }
        var reader = BinaryReader(bytes.buffer, in: moduleNameRange)
        return Self.name(&reader, bytes)?.printable
    }

    /// The name of a function by its index (imports count first).
    public func function(_ index: UInt32) -> String? {
        guard let functionsRange else { return nil }
        return find(index, in: functionsRange)
    }

    /// The name of a tag by its index (imports count first).
    public func tag(_ index: UInt32) -> String? {
        guard let tagsRange else { return nil }
        return find(index, in: tagsRange)
    }

    /// The name of a parameter or local of a function.
    public func local(_ local: UInt32, ofFunction function: UInt32) -> String? {
        guard let localsRange else { return nil }
        var reader = BinaryReader(bytes.buffer, in: localsRange)
        guard var left = try? reader.readU32() else { return nil }
        while left > 0, let owner = try? reader.readU32() {
            if owner == function {
                return find(local, in: reader.offset..<reader.endOffset)
            }
            guard let count = try? reader.readU32() else { return nil }
            for _ in 0..<count {
                guard Self.skipAssociation(&reader) != nil else { return nil }
            }
            left -= 1
        }
        return nil
    }

    /// All function names, for who asks often.
    public func functions() -> [UInt32: String] {
        guard let functionsRange else { return [:] }
        var names: [UInt32: String] = [:]
        var reader = BinaryReader(bytes.buffer, in: functionsRange)
        guard var left = try? reader.readU32() else { return [:] }
        while left > 0, let index = try? reader.readU32(), let name = Self.name(&reader, bytes) {
            names[index] = name.printable
            left -= 1
        }
        return names
    }

    /// Scans a name map: a count, then pairs of index and name.
    private func find(_ wanted: UInt32, in range: ByteRange) -> String? {
        var reader = BinaryReader(bytes.buffer, in: range)
        guard var left = try? reader.readU32() else { return nil }
        while left > 0 {
            guard let (index, name) = Self.skipAssociation(&reader) else { return nil }
            if index == wanted { return String(decoding: bytes.buffer[name], as: UTF8.self).printable }
            left -= 1
        }
        return nil
    }

    private static func skipAssociation(_ reader: inout BinaryReader) -> (UInt32, ByteRange)? {
        guard let index = try? reader.readU32(), let length = try? reader.readU32(),
            let range = try? reader.skip(Int(length))
        else { return nil }
        return (index, range)
    }

    static func name(_ reader: inout BinaryReader, _ bytes: ModuleBytes) -> String? {
        guard let length = try? reader.readU32(), let range = try? reader.skip(Int(length)) else { return nil }
        return String(decoding: bytes.buffer[range], as: UTF8.self)
    }
}
