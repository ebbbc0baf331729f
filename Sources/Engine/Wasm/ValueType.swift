// SPDX-License-Identifier: Apache-2.0
// Swiftlet: types of the WebAssembly core specification.

/// A value type of the WebAssembly core specification (§2.3).
///
/// The raw value is the binary encoding (§5.3), so decoding and printing need no table.
public enum ValueType: UInt8, Sendable, Hashable {
    case i32 = 0x7F
    case i64 = 0x7E
    case f32 = 0x7D
    case f64 = 0x7C
    case v128 = 0x7B
    case funcref = 0x70
    case externref = 0x6F

    public var isReference: Bool { self == .funcref || self == .externref }
    public var isNumber: Bool { rawValue >= ValueType.f64.rawValue }

    /// How many 64-bit slots a value takes in a frame, in a host call and in ``FunctionType/headerSlots``.
    public var slotCount: Int { self == .v128 ? 2 : 1 }
}

extension ValueType: CustomStringConvertible {
    /// The name in the text format.
    public var description: String {
        switch self {
        case .i32: "i32"
        case .i64: "i64"
        case .f32: "f32"
        case .f64: "f64"
        case .v128: "v128"
        case .funcref: "funcref"
        case .externref: "externref"
        }
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

/// A memory type (core specification §2.3.8).
public struct MemoryType: Sendable, Hashable {
    /// In pages of 65,536 bytes.
    public var limits: Limits

    public init(limits: Limits) { self.limits = limits }
}

/// A table type (core specification §2.3.9).
public struct TableType: Sendable, Hashable {
    public var element: ValueType
    public var limits: Limits

    public init(element: ValueType, limits: Limits) {
        self.element = element
        self.limits = limits
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
