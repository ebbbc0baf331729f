// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the value of a vector.

/// A value of type v128: 128 bits in little-endian order, lane 0 lowest. In a frame, a global or a host call it takes
/// two slots, ``low`` first.
public struct V128: Sendable, Hashable {
    public var low: UInt64
    public var high: UInt64

    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
}

extension BinaryReader {
    /// The immediate of `v128.const` (core specification §5.4.9).
    public mutating func readV128() throws(ReadFault) -> V128 {
        guard remaining >= 16 else { throw .unexpectedEnd }
        return V128(low: try readF64Bits(), high: try readF64Bits())
    }
}
