// SPDX-License-Identifier: Apache-2.0
// Swiftlet: places in the structures of Machine.h, Heap.h and Native.h that compiled code reads.

import CInterpreter

/// Bytes from the start of each structure.
enum MachineLayout {
    enum Context {
        static let memory = place(\sw_context.memory)
        static let calls = place(\sw_context.calls)
        static let memoryBase = place(\sw_context.memory_base)
        static let functions = place(\sw_context.functions)
    }

    enum Memory {
        static let base = place(\sw_memory.base)
        static let byteCount = place(\sw_memory.byte_count)
    }

    enum Table {
        static let elements = place(\sw_table.elements)
        static let count = place(\sw_table.count)
    }

    enum Function {
        static let byteCount = MemoryLayout<sw_function>.stride
        static let context = place(\sw_function.context)
        static let definition = place(\sw_function.definition)
        static let native = place(\sw_function.native)
    }

    enum Calls {
        static let trap = place(\sw_native_calls.trap)
        static let call = place(\sw_native_calls.call)
        static let operation = place(\sw_native_calls.operation)
        static let copy = place(\sw_native_calls.copy)
        static let fill = place(\sw_native_calls.fill)
        static let wait = place(\sw_native_calls.wait)
        static let throwNew = place(\sw_native_calls.throw_new)
        static let isSubtype = place(\sw_native_calls.is_subtype)
    }

    private static func place<Root, Value>(_ path: KeyPath<Root, Value>) -> Int {
        guard let offset = MemoryLayout<Root>.offset(of: path) else { preconditionFailure("a field of a C structure") }
        return offset
    }
}
