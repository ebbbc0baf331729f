// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the types that a module defines: functions, structures and arrays, with their recursion and subtyping.

/// A packed or full field of an aggregate (core specification 3.0 §2.3.7 "storagetype").
public enum StorageType: Sendable, Hashable {
    case i8
    case i16
    case value(ValueType)

    public var isPacked: Bool { if case .value = self { false } else { true } }

    /// The type that the field has on the operand stack.
    public var unpacked: ValueType { if case .value(let type) = self { type } else { .i32 } }

    /// Bytes that the field takes in an object.
    public var byteCount: Int {
        switch self {
        case .i8: 1
        case .i16: 2
        case .value(.i32), .value(.f32): 4
        case .value(.v128): 16
        case .value: 8
        }
    }
}

extension StorageType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .i8: "i8"
        case .i16: "i16"
        case .value(let type): type.description
        }
    }
}

/// A field of a structure, or the element of an array.
public struct FieldType: Sendable, Hashable {
    public var storage: StorageType
    public var isMutable: Bool

    public init(storage: StorageType, isMutable: Bool) {
        self.storage = storage
        self.isMutable = isMutable
    }
}

extension FieldType: CustomStringConvertible {
    public var description: String { isMutable ? "(mut \(storage))" : storage.description }
}

/// A type of a module's type section (core specification 3.0 §2.3.8 "subtype").
///
/// All indices inside are canonical, in ``composite`` too: two types of a module are the same (iso-recursively, §3.1.3)
/// exactly when their ``canonical`` indices are equal.
public struct DefinedType: Sendable, Hashable {
    public enum Composite: Sendable, Hashable {
        case function(FunctionType)
        case structure([FieldType])
        case array(FieldType)
    }

    public var composite: Composite
    /// Canonical index of the declared supertype.
    public var supertype: UInt32?
    public var isFinal: Bool
    /// The first index of the module that stands for the same type.
    public var canonical: UInt32
    /// The recursive group that the type is part of: first index and number of types.
    public var groupStart: UInt32
    public var groupCount: UInt32

    public init(
        _ composite: Composite, supertype: UInt32? = nil, isFinal: Bool = true, canonical: UInt32 = 0,
        groupStart: UInt32 = 0, groupCount: UInt32 = 1
    ) {
        self.composite = composite
        self.supertype = supertype
        self.isFinal = isFinal
        self.canonical = canonical
        self.groupStart = groupStart
        self.groupCount = groupCount
    }

    /// The function type; nil for structures and arrays.
    public var function: FunctionType? { if case .function(let type) = composite { type } else { nil } }
    public var fields: [FieldType]? { if case .structure(let fields) = composite { fields } else { nil } }
    public var element: FieldType? { if case .array(let element) = composite { element } else { nil } }
}

extension DefinedType: CustomStringConvertible {
    /// `(i32) -> (i32)`, `struct (i32, (mut i8))`, `array (mut i32)`.
    public var description: String {
        switch composite {
        case .function(let type): type.description
        case .structure(let fields): "struct (\(fields.map(\.description).joined(separator: ", ")))"
        case .array(let element): "array \(element)"
        }
    }
}

extension Module {
    /// The function type at a type index; one without parameters and results where there is none.
    public func functionType(_ index: UInt32) -> FunctionType {
        Int(index) < types.count
            ? types[Int(index)].function ?? FunctionType(parameters: [], results: [])
            : FunctionType(parameters: [], results: [])
    }

    /// The type with canonical indices; one whose index is unknown stays as it is.
    func canonical(_ type: ValueType) -> ValueType {
        guard let index = type.typeIndex, Int(index) < types.count else { return type }
        return type.replacingIndex(types[Int(index)].canonical)
    }
}
