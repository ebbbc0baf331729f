// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how upstream's JSON treats absent and zero values.

/// A type with a value that means "not set", as in Go.
public protocol HasZero {
    static var zero: Self { get }
}

extension String: HasZero { public static var zero: String { "" } }
extension Int32: HasZero { public static var zero: Int32 { 0 } }
extension Int64: HasZero { public static var zero: Int64 { 0 } }
extension Bool: HasZero { public static var zero: Bool { false } }
extension Array: HasZero { public static var zero: [Element] { [] } }
extension Dictionary: HasZero { public static var zero: [Key: Value] { [:] } }

/// A field that upstream marks `omitempty`: absent and `null` decode to zero, zero is not encoded.
@propertyWrapper
public struct OmitEmpty<Value: HasZero & Codable & Equatable & Sendable>: Codable, Sendable, Equatable {
    public var wrappedValue: Value

    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? Value.zero : try container.decode(Value.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

/// A field that upstream always writes: absent and `null` decode to zero.
@propertyWrapper
public struct ZeroIfMissing<Value: HasZero & Codable & Equatable & Sendable>: Codable, Sendable, Equatable {
    public var wrappedValue: Value

    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? Value.zero : try container.decode(Value.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

// The synthesised Codable code of the object types picks these overloads, because they are more specific.

extension KeyedDecodingContainer {
    func decode<Value>(_ type: OmitEmpty<Value>.Type, forKey key: Key) throws -> OmitEmpty<Value> {
        OmitEmpty(wrappedValue: try decodeIfPresent(Value.self, forKey: key) ?? Value.zero)
    }

    func decode<Value>(_ type: ZeroIfMissing<Value>.Type, forKey key: Key) throws -> ZeroIfMissing<Value> {
        ZeroIfMissing(wrappedValue: try decodeIfPresent(Value.self, forKey: key) ?? Value.zero)
    }
}

extension KeyedEncodingContainer {
    mutating func encode<Value>(_ value: OmitEmpty<Value>, forKey key: Key) throws {
        if value.wrappedValue != Value.zero {
            try encode(value.wrappedValue, forKey: key)
        }
    }
}
