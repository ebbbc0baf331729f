// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how objects of a type are laid out, for handlers and the collector.

import CInterpreter
import Wasm

/// A type's `sw_type`; it lives as long as the arena.
struct TypeDescriptor {
    let pointer: UnsafeMutablePointer<sw_type>
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
            pointer.pointee.element_trace = UInt8(Self.trace(element.storage.unpacked))
        }
        return TypeDescriptor(pointer: pointer)
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
            let trace = Self.trace(field.storage.unpacked)
            places.append(
                sw_field(
                    offset: UInt32(offset), log2: UInt8(size.trailingZeroBitCount),
                    is_reference: trace != Int(sw_traces_nothing)))
            if trace != Int(sw_traces_nothing) {
                references.append(UInt32(offset) | (trace == Int(sw_traces_external) ? 1 << 31 : 0))
            }
            offset += size
        }
        pointer.pointee.kind = UInt8(sw_kind_structure)
        pointer.pointee.byte_count = UInt32(offset)
        pointer.pointee.field_count = UInt32(places.count)
        pointer.pointee.fields = UnsafePointer(copy(places))
        pointer.pointee.reference_count = UInt32(references.count)
        pointer.pointee.references = UnsafePointer(copy(references))
    }

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
