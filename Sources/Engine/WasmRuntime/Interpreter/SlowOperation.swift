// SPDX-License-Identifier: Apache-2.0
// Swiftlet: memory, table and bulk instructions that have no handler of their own.

import CInterpreter
import Wasm

/// One execution of an instruction that has no handler of its own.
///
/// Addresses and counts are taken as 64-bit numbers, since slots hold 32-bit ones zero-extended.
struct SlowOperation {
    let instance: InstanceState
    let opcode: Opcode
    /// Immediates in the order of the binary.
    let first: UInt32
    let second: UInt32
    /// Operands, the deepest first.
    let a: UInt64
    let b: UInt64
    let c: UInt64
    var result: UInt64?

    mutating func run() -> TrapReason? {
        switch opcode {
        case .memorySize: result = instance.memories[Int(first)].pageCount
        case .memoryGrow:
            let memory = instance.memories[Int(first)]
            result = memory.grow(byPages: a) ?? (memory.pointer.pointee.is_64 ? .max : UInt64(UInt32.max))
        case .memoryInit: return instance.memoryInit(second, segment: Int(first), to: a, from: b, count: c)
        case .dataDrop: instance.isDataDropped[Int(first)] = true
        case .elemDrop: instance.elements[Int(first)] = []
        case .tableInit:
            let isInside = instance.tableInit(second, segment: Int(first), to: a, from: b, count: c)
            return isInside ? nil : .outOfBoundsTableAccess
        default: return table()
        }
        return nil
    }

    private mutating func table() -> TrapReason? {
        let table = instance.tables[Int(first)]
        switch opcode {
        case .tableSize: result = UInt64(table.count)
        case .tableGet:
            guard a < table.count else { return .outOfBoundsTableAccess }
            result = table.pointer.pointee.elements[Int(a)]
        case .tableSet:
            guard a < table.count else { return .outOfBoundsTableAccess }
            instance.store.willOverwrite(table, from: a, count: 1)
            table.pointer.pointee.elements[Int(a)] = b
        case .tableGrow:
            let old = UInt32(exactly: b).flatMap { table.grow(by: $0, initial: a) }
            result = old.map { UInt64($0) } ?? (table.pointer.pointee.is_64 ? .max : UInt64(UInt32.max))
        case .tableFill:
            guard table.contains(a, count: c) else { return .outOfBoundsTableAccess }
            instance.store.willOverwrite(table, from: a, count: c)
            if c > 0 { (table.pointer.pointee.elements + Int(a)).update(repeating: b, count: Int(c)) }
        case .tableCopy:
            let source = instance.tables[Int(second)]
            guard table.contains(a, count: c), source.contains(b, count: c) else { return .outOfBoundsTableAccess }
            instance.store.willOverwrite(table, from: a, count: c)
            if c > 0 {
                (table.pointer.pointee.elements + Int(a)).update(
                    from: source.pointer.pointee.elements + Int(b), count: Int(c))
            }
        default: break
        }
        return nil
    }
}

extension Memory {
    /// The bytes `offset ..< offset + count`, or nil when they are not all inside.
    func range(_ offset: UInt64, count: UInt64) -> UnsafeMutableRawBufferPointer? {
        let size = pointer.pointee.byte_count
        guard count <= size, offset <= size - count else { return nil }
        // Count is 0 where a memory without pages has no address.
        return UnsafeMutableRawBufferPointer(
            start: pointer.pointee.base.map { UnsafeMutableRawPointer($0) + Int(offset) }, count: Int(count))
    }
}

extension Table {
    func contains(_ offset: UInt64, count: UInt64) -> Bool {
        count <= UInt64(self.count) && offset <= UInt64(self.count) - count
    }
}

extension InstanceState {
    /// memory.init (core specification §4.4.8).
    func memoryInit(
        _ index: UInt32, segment: Int, to target: UInt64, from source: UInt64, count: UInt64
    ) -> TrapReason? {
        let range = isDataDropped[segment] ? 0..<0 : module.data[segment].bytes
        guard count <= UInt64(range.count), source <= UInt64(range.count) - count,
            let to = memories[Int(index)].range(target, count: count)
        else { return .outOfBoundsMemoryAccess }
        let start = range.lowerBound + Int(source)
        guard let target = to.baseAddress, let base = module.bytes.buffer.baseAddress else { return nil }
        let bytes = (base + start).assumingMemoryBound(to: UInt8.self)
        return TrapReason(
            rawValue: UInt8(sw_copy_bytes(store.machine, target.assumingMemoryBound(to: UInt8.self), bytes, count)))
    }

    /// table.init (core specification §4.4.7); false when out of bounds.
    func tableInit(_ index: UInt32, segment: Int, to target: UInt64, from source: UInt64, count: UInt64) -> Bool {
        let table = tables[Int(index)]
        let values = elements[segment]
        guard count <= UInt64(values.count), source <= UInt64(values.count) - count,
            table.contains(target, count: count)
        else { return false }
        store.willOverwrite(table, from: target, count: count)
        for offset in 0..<Int(count) {
            table.pointer.pointee.elements[Int(target) + offset] = values[Int(source) + offset]
        }
        return true
    }
}
