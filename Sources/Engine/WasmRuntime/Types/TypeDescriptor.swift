// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how objects of a type are laid out, for handlers and the collector.

import CInterpreter
import Wasm

/// A type's `sw_type`; it lives as long as the arena.
struct TypeDescriptor {
    let pointer: UnsafeMutablePointer<sw_type>

    /// How the collector treats a value of a type: functions live as long as the store.
    static func trace(_ type: ValueType) -> Int {
        guard let heap = type.heap else { return Int(sw_traces_nothing) }
        switch heap {
        case .external, .noExternal: return Int(sw_traces_external)
        case .function, .noFunction: return Int(sw_traces_nothing)
        // A reference to a function type is traced in vain: it is outside of the heap.
        default: return Int(sw_traces_internal)
        }
    }
}

/// Makes descriptors and frees them all at its end.
struct DescriptorArena: ~Copyable {
    private var allocations: [UnsafeMutableRawPointer] = []

    deinit {
        for allocation in allocations { allocation.deallocate() }
    }

    private mutating func copy<T: BitwiseCopyable>(_ values: [T]) -> UnsafeMutablePointer<T> {
        let memory = UnsafeMutablePointer<T>.allocate(capacity: max(values.count, 1))
        for (index, value) in values.enumerated() { (memory + index).initialize(to: value) }
        allocations.append(UnsafeMutableRawPointer(memory))
        return memory
    }

    /// `definition` has the store's numbers; its supertype's descriptor exists already.
    mutating func make(
        _ definition: DefinedType, number: UInt32, supertype: UnsafePointer<sw_type>?
    ) -> TypeDescriptor {
        let pointer = copy([sw_type()])
        pointer.pointee.number = number
        var display: [UnsafePointer<sw_type>?] = []
        if let supertype {
            pointer.pointee.depth = supertype.pointee.depth + 1
            for depth in 0...Int(supertype.pointee.depth) { display.append(supertype.pointee.display[depth]) }
        }
        display.append(UnsafePointer(pointer))
        pointer.pointee.display = UnsafePointer(copy(display))
        switch definition.composite {
        case .function: pointer.pointee.kind = UInt8(sw_kind_function)
        case .structure(let fields): layOut(fields, pointer)
        case .array(let element):
            pointer.pointee.kind = UInt8(sw_kind_array)
            pointer.pointee.element_log2 = UInt8(element.storage.byteCount.trailingZeroBitCount)
            pointer.pointee.element_trace = UInt8(TypeDescriptor.trace(element.storage.unpacked))
        }
        return TypeDescriptor(pointer: pointer)
    }

    /// The type of objects that hold 64 bits of the host.
    mutating func makeBox() -> UnsafeMutablePointer<sw_type> {
        makePlain(kind: sw_kind_box, byteCount: Int(sw_object_header) + 8)
    }

    /// Values in slots of 64 bits, a vector in two.
    mutating func makeRecord(_ slots: [ValueType]) -> UnsafeMutablePointer<sw_type> {
        let pointer = makePlain(kind: sw_kind_record, byteCount: Int(sw_object_header) + slots.slotCount * 8)
        var offset = Int(sw_object_header)
        var references: [UInt32] = []
        for type in slots {
            if let place = Self.tracedPlace(type, at: offset) { references.append(place) }
            offset += type.slotCount * 8
        }
        pointer.pointee.reference_count = UInt32(references.count)
        pointer.pointee.references = UnsafePointer(copy(references))
        return pointer
    }

    private mutating func makePlain(kind: Int, byteCount: Int) -> UnsafeMutablePointer<sw_type> {
        let pointer = copy([sw_type()])
        pointer.pointee.number = .max
        pointer.pointee.kind = UInt8(kind)
        pointer.pointee.size_class = Heap.sizeClass(byteCount)
        pointer.pointee.byte_count = UInt32(byteCount)
        pointer.pointee.display = UnsafePointer(copy([UnsafePointer<sw_type>?(UnsafePointer(pointer))]))
        return pointer
    }

    /// What the collector reads of a value at a byte offset; nil = nothing.
    private static func tracedPlace(_ type: ValueType, at offset: Int) -> UInt32? {
        switch TypeDescriptor.trace(type) {
        case Int(sw_traces_internal): UInt32(offset)
        case Int(sw_traces_external): UInt32(offset) | 1 << 31
        default: nil
        }
    }

    /// Fields stand in their order, each at its natural alignment, so that a subtype's objects begin like its
    /// supertype's.
    private mutating func layOut(_ fields: [FieldType], _ pointer: UnsafeMutablePointer<sw_type>) {
        var offset = Int(sw_object_header)
        var places: [sw_field] = []
        var references: [UInt32] = []
        for field in fields {
            let size = field.storage.byteCount
            offset = (offset + size - 1) & ~(size - 1)
            let trace = TypeDescriptor.trace(field.storage.unpacked)
            places.append(
                sw_field(
                    offset: UInt32(offset), log2: UInt8(size.trailingZeroBitCount),
                    is_reference: trace != Int(sw_traces_nothing)))
            if let place = Self.tracedPlace(field.storage.unpacked, at: offset) { references.append(place) }
            offset += size
        }
        pointer.pointee.kind = UInt8(sw_kind_structure)
        pointer.pointee.byte_count = UInt32(offset)
        pointer.pointee.size_class = Heap.sizeClass(offset)
        pointer.pointee.field_count = UInt32(places.count)
        pointer.pointee.fields = UnsafePointer(copy(places))
        pointer.pointee.reference_count = UInt32(references.count)
        pointer.pointee.references = UnsafePointer(copy(references))
    }
}
