// SPDX-License-Identifier: Apache-2.0
// Swiftlet: types: their definitions, and the types that uses imply.

import Wasm

/// A defined type, as far as its uses need it.
struct TypeEntry {
    /// Of a function type: the encoded parameters and results, which make equal types equal.
    var key: [UInt8]?
    var parameterCount: UInt32 = 0
    /// Of a structure type.
    var fields = IndexSpace("field", "field")
}

/// A use of a function type (core specification §6.4.6).
struct TypeUse {
    var index: UInt32
    var parameterCount: UInt32
    /// By parameter; empty when none has an identifier.
    var identifiers: [Token?] = []
    /// What has to be said in a block type: nil when the use is a plain index.
    var isEmpty = false
    var singleResult: [UInt8]?
}

extension ModuleAssembler {
    // MARK: Definitions

    /// Encodes all type definitions of the module whose first field is at hand.
    mutating func encodeTypes() throws(TextError) {
        while reader.token.kind == .leftParenthesis {
            if try reader.openForm("type") {
                try encodeSubtype(isAlone: true)
                typeSection.count += 1
            } else if try reader.openForm("rec") {
                var group = SectionBuffer()
                let before = typeSection.bytes
                typeSection.bytes = []
                while try reader.openForm("type") {
                    try encodeSubtype(isAlone: false)
                    try reader.close()
                    group.count += 1
                }
                group.bytes = typeSection.bytes
                typeSection.bytes = before
                typeSection.bytes.append(0x4E)
                typeSection.bytes.appendIndex(group.count)
                typeSection.bytes += group.bytes
                typeSection.count += 1
            } else {
                try reader.advance()
                try skipForm()
            }
            try reader.close()
        }
    }

    /// What follows `(type`: identifier, name and the type itself.
    private mutating func encodeSubtype(isAlone: Bool) throws(TextError) {
        _ = try reader.takeIdentifier()
        guard try reader.openForm("sub") else {
            let entry = try encodeCompositeType()
            addType(entry, canBeImplied: isAlone)
            return
        }
        let isFinal = try reader.takeKeyword("final")
        var parents = SectionBuffer()
        while reader.isIndex {
            parents.bytes.appendIndex(try typeSpace.use(&reader))
            parents.count += 1
        }
        // A final type without parents has a shorter form.
        let isPlain = isFinal && parents.count == 0
        if !isPlain {
            typeSection.bytes.append(isFinal ? 0x4F : 0x50)
            typeSection.bytes.appendIndex(parents.count)
            typeSection.bytes += parents.bytes
        }
        let entry = try encodeCompositeType()
        addType(entry, canBeImplied: isAlone && isPlain)
        try reader.close()
    }

    private mutating func addType(_ entry: TypeEntry, canBeImplied: Bool) {
        if canBeImplied, let key = entry.key, functionTypes[key] == nil {
            functionTypes[key] = UInt32(types.count)
        }
        types.append(entry)
    }

    private mutating func encodeCompositeType() throws(TextError) -> TypeEntry {
        var entry = TypeEntry()
        if try reader.openForm("func") {
            let signature = try readSignature(allowsIdentifiers: true)
            entry.key = signature.key
            entry.parameterCount = signature.parameterCount
            typeSection.bytes.append(0x60)
            typeSection.bytes += signature.key
        } else if try reader.openForm("struct") {
            var bytes: [UInt8] = []
            while try reader.openForm("field") {
                if let identifier = try reader.takeIdentifier() {
                    try entry.fields.define(identifier, reader)
                    try readFieldType(to: &bytes)
                } else {
                    while reader.token.kind != .rightParenthesis {
                        try entry.fields.define(nil, reader)
                        try readFieldType(to: &bytes)
                    }
                }
                try reader.close()
            }
            typeSection.bytes.append(0x5F)
            typeSection.bytes.appendIndex(entry.fields.count)
            typeSection.bytes += bytes
        } else if try reader.openForm("array") {
            typeSection.bytes.append(0x5E)
            var bytes: [UInt8] = []
            try readFieldType(to: &bytes)
            typeSection.bytes += bytes
        } else {
            throw reader.unexpected("(func, (struct, (array or (sub")
        }
        try reader.close()
        return entry
    }

    private mutating func readFieldType(to bytes: inout [UInt8]) throws(TextError) {
        let isMutable = try reader.openForm("mut")
        if try reader.takeKeyword("i8") {
            bytes.append(0x78)
        } else if try reader.takeKeyword("i16") {
            bytes.append(0x77)
        } else {
            try readValueType(to: &bytes)
        }
        bytes.append(isMutable ? 1 : 0)
        if isMutable { try reader.close() }
    }

    // MARK: Value types

    private static let valueTypes: [(StaticString, UInt8)] = [
        ("i32", 0x7F), ("i64", 0x7E), ("f32", 0x7D), ("f64", 0x7C), ("v128", 0x7B),
    ]

    private static let referenceTypes: [(StaticString, UInt8)] = [
        ("funcref", 0x70), ("externref", 0x6F), ("anyref", 0x6E), ("eqref", 0x6D), ("i31ref", 0x6C),
        ("structref", 0x6B), ("arrayref", 0x6A), ("exnref", 0x69), ("nullref", 0x71), ("nullexternref", 0x72),
        ("nullfuncref", 0x73), ("nullexnref", 0x74),
    ]

    private static let heapTypes: [(StaticString, UInt8)] = [
        ("func", 0x70), ("extern", 0x6F), ("any", 0x6E), ("eq", 0x6D), ("i31", 0x6C), ("struct", 0x6B),
        ("array", 0x6A), ("exn", 0x69), ("none", 0x71), ("noextern", 0x72), ("nofunc", 0x73), ("noexn", 0x74),
    ]

    mutating func readValueType(to bytes: inout [UInt8]) throws(TextError) {
        for (word, byte) in Self.valueTypes where reader.isKeyword(word) {
            bytes.append(byte)
            return try reader.advance()
        }
        guard isReferenceType else { throw reader.unexpected("a value type") }
        try readReferenceType(to: &bytes)
    }

    var isReferenceType: Bool {
        reader.isForm("ref") || Self.referenceTypes.contains { reader.isKeyword($0.0) }
    }

    /// Returns whether the type admits null.
    @discardableResult
    mutating func readReferenceType(to bytes: inout [UInt8]) throws(TextError) -> Bool {
        for (word, byte) in Self.referenceTypes where reader.isKeyword(word) {
            bytes.append(byte)
            try reader.advance()
            return true
        }
        guard try reader.openForm("ref") else { throw reader.unexpected("a reference type") }
        let isNullable = try reader.takeKeyword("null")
        var heap: [UInt8] = []
        let isAbstract = try readHeapType(to: &heap)
        // (ref null func) and its like have the one byte of funcref.
        if !(isNullable && isAbstract) { bytes.append(isNullable ? 0x63 : 0x64) }
        bytes += heap
        try reader.close()
        return isNullable
    }

    /// Returns whether it is an abstract heap type and no index.
    @discardableResult
    mutating func readHeapType(to bytes: inout [UInt8]) throws(TextError) -> Bool {
        for (word, byte) in Self.heapTypes where reader.isKeyword(word) {
            bytes.append(byte)
            try reader.advance()
            return true
        }
        guard reader.isIndex else { throw reader.unexpected("a heap type: func, extern, any, … or a type's index") }
        bytes.appendSigned(Int64(try typeSpace.use(&reader)))
        return false
    }

    // MARK: Uses

    private struct Signature {
        var key: [UInt8] = []
        var parameterCount: UInt32 = 0
        var identifiers: [Token?] = []
        var isStated = false
        var singleResult: [UInt8]?
    }

    /// `(param …)* (result …)*`
    private mutating func readSignature(allowsIdentifiers: Bool) throws(TextError) -> Signature {
        var signature = Signature()
        var parameters: [UInt8] = []
        var hasIdentifiers = false
        while try reader.openForm("param") {
            signature.isStated = true
            if reader.token.kind == .identifier {
                guard allowsIdentifiers else {
                    throw reader.failure("unexpected token: parameters of this type cannot have identifiers")
                }
                hasIdentifiers = true
                signature.identifiers.append(try reader.takeIdentifier())
                try readValueType(to: &parameters)
                signature.parameterCount += 1
            } else {
                while reader.token.kind != .rightParenthesis {
                    signature.identifiers.append(nil)
                    try readValueType(to: &parameters)
                    signature.parameterCount += 1
                }
            }
            try reader.close()
        }
        var results = SectionBuffer()
        while try reader.openForm("result") {
            signature.isStated = true
            while reader.token.kind != .rightParenthesis {
                try readValueType(to: &results.bytes)
                results.count += 1
            }
            try reader.close()
        }
        if !hasIdentifiers { signature.identifiers = [] }
        signature.key.appendIndex(signature.parameterCount)
        signature.key += parameters
        signature.key.appendIndex(results.count)
        signature.key += results.bytes
        if signature.parameterCount == 0, results.count == 1 { signature.singleResult = results.bytes }
        return signature
    }

    /// `(type x)? (param …)* (result …)*`; a type that is only implied is added where it is missing.
    mutating func readTypeUse(allowsIdentifiers: Bool, isBlock: Bool = false) throws(TextError) -> TypeUse {
        let place = reader.token.start
        var explicit: UInt32?
        if try reader.openForm("type") {
            explicit = try typeSpace.use(&reader)
            try reader.close()
        }
        let signature = try readSignature(allowsIdentifiers: allowsIdentifiers)
        if let explicit {
            let entry = explicit < UInt32(types.count) ? types[Int(explicit)] : nil
            if signature.isStated {
                guard let entry else { throw reader.failure(at: place, "unknown type \(explicit)") }
                guard entry.key == signature.key else {
                    throw reader.failure(
                        at: place, "inline function type: the parameters and results are not those of the type")
                }
            }
            return TypeUse(
                index: explicit, parameterCount: entry?.parameterCount ?? 0, identifiers: signature.identifiers)
        }
        if isBlock {
            if !signature.isStated || signature.key == [0, 0] {
                return TypeUse(index: 0, parameterCount: 0, isEmpty: true)
            }
            if let result = signature.singleResult {
                return TypeUse(index: 0, parameterCount: 0, singleResult: result)
            }
        }
        return TypeUse(
            index: impliedType(signature.key, parameterCount: signature.parameterCount),
            parameterCount: signature.parameterCount, identifiers: signature.identifiers)
    }

    private mutating func impliedType(_ key: [UInt8], parameterCount: UInt32) -> UInt32 {
        if let index = functionTypes[key] { return index }
        let index = UInt32(types.count)
        types.append(TypeEntry(key: key, parameterCount: parameterCount))
        functionTypes[key] = index
        typeSection.count += 1
        typeSection.bytes.append(0x60)
        typeSection.bytes += key
        return index
    }
}
