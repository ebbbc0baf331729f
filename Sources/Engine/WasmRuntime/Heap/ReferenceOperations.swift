// SPDX-License-Identifier: Apache-2.0
// Swiftlet: instructions on references that have no handler of their own: bulk ones, and the boxing of host references.

import CInterpreter
import Wasm

/// Operands: opcode at 8; at 10 the slot of the first operand, where the result goes; end of the values in use at 14; two
/// indices at 16 and 20.
@c(sw_reference_operation)
func referenceOperation(
    _ context: UnsafeMutablePointer<sw_context>?, _ frame: UnsafeMutablePointer<UInt64>?,
    _ instruction: UnsafePointer<UInt8>?
) -> UInt32 {
    guard let context, let frame, let instruction else { return 0 }
    let raw = UnsafeRawPointer(instruction)
    guard let opcode = Opcode(rawValue: raw.load(fromByteOffset: 8, as: UInt16.self)) else { return 0 }
    let operation = ReferenceOperation(
        instance: InstanceState.of(context), first: raw.load(fromByteOffset: 16, as: UInt32.self),
        second: raw.load(fromByteOffset: 20, as: UInt32.self),
        slots: frame + Int(raw.load(fromByteOffset: 10, as: UInt16.self)),
        stackTop: frame + Int(raw.load(fromByteOffset: 14, as: UInt16.self)))
    return UInt32(operation.run(opcode)?.rawValue ?? 0)
}

private struct ReferenceOperation {
    let instance: InstanceState
    /// Indices in the order of the binary.
    let first: UInt32
    let second: UInt32
    /// Operands, the deepest first; the result replaces the first.
    let slots: UnsafeMutablePointer<UInt64>
    let stackTop: UnsafeMutablePointer<UInt64>

    func run(_ opcode: Opcode) -> TrapReason? {
        switch opcode {
        case .anyConvertExtern: return box()
        case .arrayNewData: return newArrayOfData()
        case .arrayNewElem: return newArrayOfElements()
        case .arrayFill: return fill()
        case .arrayCopy: return copy()
        case .arrayInitData: return initialize(.outOfBoundsMemoryAccess) { data($0, from: $1, count: $2) }
        case .arrayInitElem: return initialize(.outOfBoundsTableAccess) { elements($0, from: $1, count: $2) }
        default: return .unreachable
        }
    }

    private func integer(_ index: Int) -> UInt32 { UInt32(truncatingIfNeeded: slots[index]) }

    private func object(_ index: Int) -> UnsafeMutablePointer<sw_object>? {
        UnsafeMutablePointer(bitPattern: UInt(slots[index]))
    }

    private func allocate(_ type: UnsafePointer<sw_type>, length: UInt32) -> UnsafeMutablePointer<sw_object>? {
        (try? instance.store.makeHeap())?.allocate(type, length: length, stackTop: stackTop)
    }

    /// any.convert_extern of a host reference: its number in an object.
    private func box() -> TrapReason? {
        let value = slots[0]
        guard value != 0 else { return nil }
        if value >> UInt64(sw_external_shift) != 0 {
            slots[0] = value & ~(1 << UInt64(sw_external_shift))
            return nil
        }
        guard let object = allocate(instance.store.types.boxType, length: 0) else { return .outOfMemory }
        (object + 1).withMemoryRebound(to: UInt64.self, capacity: 1) { $0.pointee = value }
        slots[0] = UInt64(UInt(bitPattern: object))
        return nil
    }

    // MARK: Arrays

    private var descriptor: UnsafePointer<sw_type> {
        UnsafePointer(instance.store.types.pointer(instance.types[Int(first)]))
    }

    private func newArrayOfData() -> TrapReason? {
        let (start, count) = (integer(0), integer(1))
        let bytes = UInt64(count) << UInt64(descriptor.pointee.element_log2)
        guard UInt64(start) + bytes <= UInt64(instance.dataRange(second).count) else { return .outOfBoundsMemoryAccess }
        guard let object = allocate(descriptor, length: count) else { return .outOfMemory }
        data(ArrayPlace(object, 0), from: start, count: count)
        slots[0] = UInt64(UInt(bitPattern: object))
        return nil
    }

    private func newArrayOfElements() -> TrapReason? {
        let (start, count) = (integer(0), integer(1))
        guard UInt64(start) + UInt64(count) <= UInt64(instance.elements[Int(second)].count) else {
            return .outOfBoundsTableAccess
        }
        guard let object = allocate(descriptor, length: count) else { return .outOfMemory }
        elements(ArrayPlace(object, 0), from: start, count: count)
        slots[0] = UInt64(UInt(bitPattern: object))
        return nil
    }

    /// array.init_data and array.init_elem: array, index, start in the segment, count.
    private func initialize(
        _ outside: TrapReason, _ copy: (ArrayPlace, UInt32, UInt32) -> Void
    ) -> TrapReason? {
        guard let object = object(0) else { return .nullArrayReference }
        let (index, start, count) = (integer(1), integer(2), integer(3))
        guard UInt64(index) + UInt64(count) <= UInt64(object.pointee.length) else { return .outOfBoundsArrayAccess }
        let isData = outside == .outOfBoundsMemoryAccess
        let needed = isData ? UInt64(count) << UInt64(descriptor.pointee.element_log2) : UInt64(count)
        let available = isData ? instance.dataRange(second).count : instance.elements[Int(second)].count
        guard UInt64(start) + needed <= UInt64(available) else { return outside }
        let place = ArrayPlace(object, index)
        instance.store.willOverwrite(place, count: count)
        copy(place, start, count)
        return nil
    }

    private func data(_ place: ArrayPlace, from start: UInt32, count: UInt32) {
        let range = instance.dataRange(second)
        let lower = range.lowerBound + Int(start)
        let bytes = instance.module.bytes.buffer[lower..<lower + Int(count) << place.log2]
        UnsafeMutableRawBufferPointer(start: place.address, count: bytes.count)
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes))
    }

    private func elements(_ place: ArrayPlace, from start: UInt32, count: UInt32) {
        let values = place.address.assumingMemoryBound(to: UInt64.self)
        instance.elements[Int(second)].withUnsafeBufferPointer { source in
            for offset in 0..<Int(count) { values[offset] = source[Int(start) + offset] }
        }
    }

    /// Array, index, value, count.
    private func fill() -> TrapReason? {
        guard let object = object(0) else { return .nullArrayReference }
        let index = integer(1)
        let place = ArrayPlace(object, index)
        let count = integer(place.log2 == 4 ? 4 : 3)
        guard UInt64(index) + UInt64(count) <= UInt64(object.pointee.length) else { return .outOfBoundsArrayAccess }
        instance.store.willOverwrite(place, count: count)
        let (value, address, number) = (slots[2], place.address, Int(count))
        switch place.log2 {
        case 0: address.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: value), count: number)
        case 1: address.initializeMemory(as: UInt16.self, repeating: UInt16(truncatingIfNeeded: value), count: number)
        case 2: address.initializeMemory(as: UInt32.self, repeating: UInt32(truncatingIfNeeded: value), count: number)
        case 3: address.initializeMemory(as: UInt64.self, repeating: value, count: number)
        default:
            for offset in 0..<number {
                address.storeBytes(of: value, toByteOffset: offset * 16, as: UInt64.self)
                address.storeBytes(of: slots[3], toByteOffset: offset * 16 + 8, as: UInt64.self)
            }
        }
        return nil
    }

    /// Target array, index, source array, index, count.
    private func copy() -> TrapReason? {
        guard let target = object(0), let source = object(2) else { return .nullArrayReference }
        let (to, from, count) = (integer(1), integer(3), integer(4))
        guard UInt64(to) + UInt64(count) <= UInt64(target.pointee.length),
            UInt64(from) + UInt64(count) <= UInt64(source.pointee.length)
        else { return .outOfBoundsArrayAccess }
        let place = ArrayPlace(target, to)
        instance.store.willOverwrite(place, count: count)
        place.address.copyMemory(from: ArrayPlace(source, from).address, byteCount: Int(count) << place.log2)
        return nil
    }
}

/// An element of an array that exists, or the one after the last.
struct ArrayPlace {
    let address: UnsafeMutableRawPointer
    let log2: Int
    let trace: Int

    init(_ object: UnsafeMutablePointer<sw_object>, _ index: UInt32) {
        // SAFETY: who accesses elements has compared index and count with the length.
        let type = object.pointee.type
        log2 = Int(type?.pointee.element_log2 ?? 0)
        trace = Int(type?.pointee.element_trace ?? 0)
        address = UnsafeMutableRawPointer(object) + Int(sw_object_header) + Int(index) << log2
    }
}

extension Store {
    /// Before references in an array are overwritten.
    func willOverwrite(_ place: ArrayPlace, count: UInt32) {
        guard place.trace != Int(sw_traces_nothing) else { return }
        willOverwrite(place.address.assumingMemoryBound(to: UInt64.self), count: UInt64(count), trace: place.trace)
    }

    /// Before elements of a table are overwritten.
    func willOverwrite(_ table: Table, from index: UInt64, count: UInt64) {
        guard count > 0 else { return }
        let trace = TypeDescriptor.trace(ValueType(rawValue: table.pointer.pointee.element_type))
        guard trace != Int(sw_traces_nothing) else { return }
        willOverwrite(table.pointer.pointee.elements + Int(index), count: count, trace: trace)
    }

    /// Before a global is overwritten.
    func willOverwrite(_ global: GlobalVariable) {
        let trace = TypeDescriptor.trace(global.type.value)
        guard trace != Int(sw_traces_nothing) else { return }
        willOverwrite(global.pointer, count: 1, trace: trace)
    }

    private func willOverwrite(_ values: UnsafeMutablePointer<UInt64>, count: UInt64, trace: Int) {
        guard machine.pointee.heap.pointee.is_marking != 0, let heap = heapIfAny else { return }
        for offset in 0..<Int(count) { heap.shade(values[offset], trace) }
    }
}

extension InstanceState {
    /// The bytes of a data segment; a dropped one has none.
    func dataRange(_ index: UInt32) -> ByteRange {
        isDataDropped[Int(index)] ? 0..<0 : module.data[Int(index)].bytes
    }
}
