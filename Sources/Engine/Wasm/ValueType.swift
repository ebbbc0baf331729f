// SPDX-License-Identifier: Apache-2.0
// Swiftlet: types of the WebAssembly core specification.

/// A value type of the WebAssembly core specification (§2.3).
///
/// One 32-bit word, so that comparing two types is comparing two numbers. Inside a module concrete heap types are named
/// by their canonical index (``DefinedType/canonical``), which makes equal types equal words.
@frozen
public struct ValueType: Sendable, Hashable {
    /// The low byte is the binary encoding (§5.3) of a number, a vector or an abstract heap type; references have
    /// `referenceBit`, concrete ones their index from bit 11 on. Bit 31 is never set: tables may use it for a mark.
    public let rawValue: UInt32

    @inlinable init(bits: UInt32) { rawValue = bits }

    /// From a raw value that was kept.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    @usableFromInline static let referenceBit: UInt32 = 1 << 8
    @usableFromInline static let nullableBit: UInt32 = 1 << 9
    @usableFromInline static let concreteBit: UInt32 = 1 << 10
    @usableFromInline static let indexShift: UInt32 = 11
    /// LIMIT: 20 bits of index; ``DecodingLimits/types`` is below.
    public static let typeIndexMaximum: UInt32 = 0xF_FFFF

    @inlinable public static var i32: ValueType { ValueType(bits: 0x7F) }
    @inlinable public static var i64: ValueType { ValueType(bits: 0x7E) }
    @inlinable public static var f32: ValueType { ValueType(bits: 0x7D) }
    @inlinable public static var f64: ValueType { ValueType(bits: 0x7C) }
    @inlinable public static var v128: ValueType { ValueType(bits: 0x7B) }
    @inlinable public static var funcref: ValueType { ValueType(bits: 0x370) }
    @inlinable public static var externref: ValueType { ValueType(bits: 0x36F) }
    @inlinable public static var anyref: ValueType { ValueType(bits: 0x36E) }
    @inlinable public static var eqref: ValueType { ValueType(bits: 0x36D) }
    @inlinable public static var exnref: ValueType { ValueType(bits: 0x369) }

    /// The number or vector type with this binary encoding, or the nullable abstract reference type.
    @inlinable
    public init?(encoding byte: UInt8) {
        switch byte {
        case 0x7B...0x7F: self.init(bits: UInt32(byte))
        case 0x69...0x74: self.init(bits: UInt32(byte) | 0x300)
        default: return nil
        }
    }

    /// A reference type `(ref null? heap)`.
    public init(_ heap: HeapType, isNullable: Bool) {
        let bits = Self.referenceBit | (isNullable ? Self.nullableBit : 0)
        if case .concrete(let index) = heap {
            self.init(bits: bits | Self.concreteBit | index << Self.indexShift)
        } else {
            self.init(bits: bits | UInt32(heap.code))
        }
    }

    @inlinable public var isReference: Bool { rawValue & Self.referenceBit != 0 }
    @inlinable public var isNumber: Bool { rawValue >= 0x7C && rawValue <= 0x7F }
    @inlinable public var isNullable: Bool { rawValue & Self.nullableBit != 0 }
    /// How many 64-bit slots a value takes in a frame, in a host call and in ``FunctionType/headerSlots``.
    @inlinable public var slotCount: Int { rawValue == 0x7B ? 2 : 1 }
    /// Whether a local of the type has a value without being set.
    @inlinable public var isDefaultable: Bool { rawValue & 0x300 != 0x100 }

    /// The index of a concrete heap type.
    @inlinable public var typeIndex: UInt32? {
        rawValue & Self.concreteBit != 0 ? (rawValue & 0x7FFF_FFFF) >> Self.indexShift : nil
    }

    /// What a reference type refers to; nil for numbers and vectors.
    public var heap: HeapType? {
        guard isReference else { return nil }
        if let typeIndex { return .concrete(typeIndex) }
        return HeapType(code: UInt8(truncatingIfNeeded: rawValue))
    }

    /// The same type without null.
    @inlinable public var nonNull: ValueType { ValueType(bits: rawValue & ~Self.nullableBit) }

    /// The same type with another index in place of a concrete one.
    @inlinable func replacingIndex(_ index: UInt32) -> ValueType {
        ValueType(bits: rawValue & 0x7FF | index << Self.indexShift)
    }

    /// The bytes of the binary format (§5.3).
    public var encoding: [UInt8] {
        guard isReference else { return [UInt8(truncatingIfNeeded: rawValue)] }
        guard let typeIndex else {
            let code = UInt8(truncatingIfNeeded: rawValue)
            return isNullable ? [code] : [0x64, code]
        }
        var bytes: [UInt8] = [isNullable ? 0x63 : 0x64]
        var rest = typeIndex
        while rest > 0x3F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}

/// A heap type (core specification 3.0 §2.3.4): what a reference may refer to.
public enum HeapType: Sendable, Hashable {
    case any, eq, i31, structure, array, none
    case function, noFunction
    case external, noExternal
    case exception, noException
    /// Index of a type of the module.
    case concrete(UInt32)

    /// From the byte of the binary format (§5.3.4).
    public init?(code: UInt8) {
        switch code {
        case 0x69: self = .exception
        case 0x6A: self = .array
        case 0x6B: self = .structure
        case 0x6C: self = .i31
        case 0x6D: self = .eq
        case 0x6E: self = .any
        case 0x6F: self = .external
        case 0x70: self = .function
        case 0x71: self = .none
        case 0x72: self = .noExternal
        case 0x73: self = .noFunction
        case 0x74: self = .noException
        default: return nil
        }
    }

    /// The byte of the binary format; 0 for a concrete type.
    public var code: UInt8 {
        switch self {
        case .exception: 0x69
        case .array: 0x6A
        case .structure: 0x6B
        case .i31: 0x6C
        case .eq: 0x6D
        case .any: 0x6E
        case .external: 0x6F
        case .function: 0x70
        case .none: 0x71
        case .noExternal: 0x72
        case .noFunction: 0x73
        case .noException: 0x74
        case .concrete: 0
        }
    }
}

extension HeapType: CustomStringConvertible {
    /// The name in the text format.
    public var description: String {
        switch self {
        case .exception: "exn"
        case .array: "array"
        case .structure: "struct"
        case .i31: "i31"
        case .eq: "eq"
        case .any: "any"
        case .external: "extern"
        case .function: "func"
        case .none: "none"
        case .noExternal: "noextern"
        case .noFunction: "nofunc"
        case .noException: "noexn"
        case .concrete(let index): "\(index)"
        }
    }
}

extension ValueType: CustomStringConvertible {
    /// The name in the text format.
    public var description: String {
        switch self {
        case .i32: return "i32"
        case .i64: return "i64"
        case .f32: return "f32"
        case .f64: return "f64"
        case .v128: return "v128"
        default: break
        }
        guard let heap else { return isReference ? "(ref bot)" : "any" }
        if isNullable {
            switch heap {
            case .concrete: break
            case .none: return "nullref"
            case .noFunction: return "nullfuncref"
            case .noExternal: return "nullexternref"
            case .noException: return "nullexnref"
            default: return "\(heap)ref"
            }
        }
        return "(ref \(isNullable ? "null " : "")\(heap))"
    }
}

/// A function type (core specification §2.3.6): parameters to results.
public struct FunctionType: Sendable, Hashable {
    public var parameters: [ValueType]
    public var results: [ValueType]

    public init(parameters: [ValueType], results: [ValueType]) {
        self.parameters = parameters
        self.results = results
    }
}

extension [ValueType] {
    /// The 64-bit slots that values of these types take.
    public var slotCount: Int { reduce(0) { $0 + $1.slotCount } }
}

extension FunctionType {
    /// The slots that a call needs for the parameters, which the results replace.
    public var headerSlots: Int { Swift.max(parameters.slotCount, results.slotCount) }
}

extension FunctionType: CustomStringConvertible {
    /// `(i32, i32) -> (i64)`, as error messages show it.
    public var description: String {
        func list(_ types: [ValueType]) -> String { types.map(\.description).joined(separator: ", ") }
        return "(\(list(parameters))) -> (\(list(results)))"
    }
}

/// Size limits of a memory (unit: 64 KiB pages) or a table (unit: elements); core specification §2.3.7.
public struct Limits: Sendable, Hashable {
    public var minimum: UInt64
    public var maximum: UInt64?

    public init(minimum: UInt64, maximum: UInt64? = nil) {
        self.minimum = minimum
        self.maximum = maximum
    }
}

/// With what a memory or table is addressed (core specification 3.0 §2.3.14).
public enum AddressType: Sendable, Hashable {
    case i32, i64

    public var value: ValueType { self == .i32 ? .i32 : .i64 }
}

/// A memory type (core specification §2.3.8).
public struct MemoryType: Sendable, Hashable {
    /// In pages of 65,536 bytes.
    public var limits: Limits
    public var address: AddressType
    /// Several threads may have it (threads proposal); it has a maximum then.
    public var isShared: Bool

    public init(limits: Limits, address: AddressType = .i32, isShared: Bool = false) {
        self.limits = limits
        self.address = address
        self.isShared = isShared
    }
}

/// A table type (core specification §2.3.9).
public struct TableType: Sendable, Hashable {
    public var element: ValueType
    public var limits: Limits
    public var address: AddressType

    public init(element: ValueType, limits: Limits, address: AddressType = .i32) {
        self.element = element
        self.limits = limits
        self.address = address
    }
}

/// A global type (core specification §2.3.10).
public struct GlobalType: Sendable, Hashable {
    public var value: ValueType
    public var isMutable: Bool

    public init(value: ValueType, isMutable: Bool) {
        self.value = value
        self.isMutable = isMutable
    }
}
