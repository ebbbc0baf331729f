// SPDX-License-Identifier: Apache-2.0
// Swiftlet: objects made by constant expressions (core specification 3.0 §3.4.18).

import CInterpreter
import Wasm

extension InstanceState {
    /// Executes an instruction of a constant expression that makes a reference. `stack` has its operands as slots.
    func makeConstant(
        _ opcode: Opcode, type: UInt32, count: UInt32, _ stack: inout [UInt64]
    ) throws(ResourceError) {
        switch opcode {
        case .refI31:
            guard let value = stack.popLast() else { return }
            stack.append((value & 0x7FFF_FFFF) << 1 | 1)
        case .externConvertAny:
            guard let value = stack.popLast() else { return }
            stack.append(store.external(value))
        case .anyConvertExtern:
            guard let value = stack.popLast() else { return }
            stack.append(try store.internalize(value, holding: stack))
        default: try makeAggregate(opcode, type, count, &stack)
        }
    }

    private func makeAggregate(
        _ opcode: Opcode, _ index: UInt32, _ count: UInt32, _ stack: inout [UInt64]
    ) throws(ResourceError) {
        let definition = module.types[Int(index)]
        let descriptor = UnsafePointer(store.types.pointer(types[Int(index)]))
        var length: UInt32 = 0
        var fields: [StorageType] = []
        switch opcode {
        case .structNew, .structNewDefault: fields = (definition.fields ?? []).map(\.storage)
        case .arrayNewFixed: length = count
        default: length = UInt32(truncatingIfNeeded: stack.popLast() ?? 0)
        }
        // What is on this stack is in use, but nowhere where the collector looks.
        let object = try store.allocate(descriptor, length: length, holding: stack)
        let contents = UnsafeMutableRawPointer(object) + Int(sw_object_header)
        let log2 = Int(descriptor.pointee.element_log2)
        switch opcode {
        case .structNew:
            var values = takeLast(fields.reduce(0) { $0 + $1.unpacked.slotCount }, of: &stack)[...]
            for (number, field) in fields.enumerated() {
                let place = UnsafeMutableRawPointer(object) + Int(descriptor.pointee.fields[number].offset)
                put(values, field.byteCount.trailingZeroBitCount, at: place)
                values = values.dropFirst(field.unpacked.slotCount)
            }
        case .structNewDefault:
            let byteCount = Int(descriptor.pointee.byte_count) - Int(sw_object_header)
            contents.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        case .arrayNewDefault:
            contents.initializeMemory(as: UInt8.self, repeating: 0, count: Int(length) << log2)
        case .arrayNewFixed:
            let slots = log2 == 4 ? 2 : 1
            let values = takeLast(Int(count) * slots, of: &stack)
            for element in 0..<Int(count) { put(values[(element * slots)...], log2, at: contents + element << log2) }
        default:
            let value = takeLast(log2 == 4 ? 2 : 1, of: &stack)
            repeated(value, count: Int(length), log2, at: contents)
        }
        stack.append(UInt64(UInt(bitPattern: object)))
    }

    private func takeLast(_ count: Int, of stack: inout [UInt64]) -> [UInt64] {
        let values = Array(stack.suffix(count))
        stack.removeLast(min(count, stack.count))
        return values
    }

    /// Fills an array: one element, then what is there already is copied behind it.
    private func repeated(_ slots: [UInt64], count: Int, _ log2: Int, at place: UnsafeMutableRawPointer) {
        guard count > 0 else { return }
        put(slots[...], log2, at: place)
        var filled = 1 << log2
        let byteCount = count << log2
        while filled < byteCount {
            // LIMIT: what stays in the processor's cache while it is copied.
            let next = min(filled, byteCount - filled, 16 << 10)
            (place + filled).copyMemory(from: place, byteCount: next)
            filled += next
        }
    }

    private func put(_ slots: ArraySlice<UInt64>, _ log2: Int, at place: UnsafeMutableRawPointer) {
        let value = slots.first ?? 0
        switch log2 {
        case 0: place.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
        case 1: place.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
        case 2: place.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
        case 3: place.storeBytes(of: value, as: UInt64.self)
        default:
            place.storeBytes(of: value, as: UInt64.self)
            place.storeBytes(of: slots.dropFirst().first ?? 0, toByteOffset: 8, as: UInt64.self)
        }
    }
}

extension Store {
    /// An object for the engine itself; `values` are kept alive meanwhile.
    func allocate(
        _ type: UnsafePointer<sw_type>, length: UInt32, holding values: [UInt64] = []
    ) throws(ResourceError) -> UnsafeMutablePointer<sw_object> {
        let heap = try makeHeap()
        heap.temporaries += values
        defer { heap.temporaries.removeLast(values.count) }
        guard let object = heap.allocate(type, length: length) else {
            throw ResourceError("out of memory: no room for an object within the limit of \(limits.memoryBytes) bytes")
        }
        return object
    }

    /// extern.convert_any (core specification 3.0 §4.6.8).
    public func external(_ reference: UInt64) -> UInt64 { sw_externalize(reference) }

    /// any.convert_extern: a reference of the host becomes an object that holds it.
    ///
    /// - Throws: ``ResourceError`` when the memory limit is reached.
    public func internalize(_ external: UInt64) throws(ResourceError) -> UInt64 {
        try internalize(external, holding: [])
    }

    func internalize(_ external: UInt64, holding values: [UInt64]) throws(ResourceError) -> UInt64 {
        guard external != 0 else { return 0 }
        let bit: UInt64 = 1 << UInt64(sw_external_shift)
        if external & bit != 0 { return external & ~bit }
        let object = try allocate(types.boxType, length: 0, holding: values)
        (object + 1).withMemoryRebound(to: UInt64.self, capacity: 1) { $0.pointee = external }
        return UInt64(UInt(bitPattern: object))
    }
}
