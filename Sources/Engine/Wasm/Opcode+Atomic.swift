// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the shape of the atomic instructions (threads proposal).

/// How an atomic instruction takes its operands; all but the fence have a memory argument.
public enum AtomicShape: Sendable, Hashable {
    /// `(address, i32) -> (i32)`
    case notify
    /// `(address, value, i64) -> (i32)`
    case wait
    case fence
    /// `(address) -> (value)`
    case load
    /// `(address, value) -> ()`
    case store
    /// `(address, value) -> (value)`: read, modify, write.
    case update
    /// `(address, value, value) -> (value)`
    case compareExchange
}

extension Opcode {
    /// The number behind the prefix 0xFE; nil for other instructions.
    public var atomicIndex: Int? {
        rawValue >= Opcode.atomicNotify.rawValue && rawValue < 0x500 ? Int(rawValue) - 0x400 : nil
    }

    /// The shape of an instruction with prefix 0xFE; nil for others.
    public var atomicShape: AtomicShape? {
        guard let index = atomicIndex else { return nil }
        return switch index {
        case 0x00: .notify
        case 0x01, 0x02: .wait
        case 0x03: .fence
        case 0x10...0x16: .load
        case 0x17...0x1D: .store
        case 0x1E...0x47: .update
        default: .compareExchange
        }
    }

    /// The type of the values of an atomic instruction.
    public var atomicType: ValueType {
        switch atomicIndex ?? 0 {
        case 0x02: .i64
        // i32, i64, then i32 and i64 with narrower accesses: seven for each operation.
        case let index where index >= 0x10: [.i32, .i64, .i32, .i32, .i64, .i64, .i64][(index - 0x10) % 7]
        default: .i32
        }
    }

    /// Binary logarithm of the bytes that an atomic instruction touches; its alignment must be exactly that.
    public var atomicWidthLog2: UInt32 {
        switch atomicIndex ?? 0 {
        case 0x02: 3
        case let index where index >= 0x10: [2, 3, 0, 1, 0, 1, 2][(index - 0x10) % 7]
        default: 2
        }
    }

    /// The name of an instruction with prefix 0xFE.
    var atomicName: String {
        let index = atomicIndex ?? 0
        if index < 4 {
            return ["memory.atomic.notify", "memory.atomic.wait32", "memory.atomic.wait64", "atomic.fence"][index]
        }
        let column = (index - 0x10) % 7
        let type = atomicType == .i32 ? "i32" : "i64"
        let width = ["", "", "8", "16", "8", "16", "32"][column]
        switch index {
        case 0x10...0x16: return "\(type).atomic.load\(width)\(column < 2 ? "" : "_u")"
        case 0x17...0x1D: return "\(type).atomic.store\(width)"
        default:
            let operation = ["add", "sub", "and", "or", "xor", "xchg", "cmpxchg"][(index - 0x1E) / 7]
            return "\(type).atomic.rmw\(width).\(operation)\(column < 2 ? "" : "_u")"
        }
    }
}
