// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the heap as the store and the embedder see it.

import CInterpreter
public import Wasm

/// How often the collector runs, for tests: more than any program needs.
public enum HeapStress: Sendable {
    case none
    /// A whole collection before every allocation.
    case everyAllocation
    /// A collection is always under way and advances by one object with every allocation.
    case incremental
}

/// What the collector has done so far.
public struct HeapStatistics: Sendable {
    public var collections = 0
    /// Bytes that survived the last collection.
    public var liveBytes = 0
    /// The most words that one step of marking has looked at.
    public var stepWordsMaximum = 0
    /// The deepest value stack that a collection began with, in slots.
    public var stackSlotsMaximum = 0
}

/// A reference that the embedder keeps: the object lives as long as this value.
public final class RootedReference {
    private let heap: Heap?
    private let index: Int
    /// As a slot, like an argument or a result.
    public let value: UInt64

    fileprivate init(_ value: UInt64, in heap: Heap?) {
        self.value = value
        self.heap = heap
        index = heap.map { $0.addRoot(value) } ?? 0
    }

    deinit { heap?.removeRoot(index) }
}

extension Store {
    /// Keeps what a reference refers to alive. A result of a call that is not kept may be collected in the next call.
    public func root(_ reference: UInt64) -> RootedReference { RootedReference(reference, in: heapIfAny) }

    /// Frees everything that is unreachable. References that only the host knows must be rooted.
    public func collectGarbage() { heapIfAny?.collectFully(stackTop: machine.pointee.stack_top) }

    public var heapStatistics: HeapStatistics { heapIfAny?.statistics ?? HeapStatistics() }

    /// Bytes that the heap takes from the memory limit.
    public var heapBytes: UInt64 {
        heapIfAny.map { UInt64($0.pages.top) << UInt64(PageAllocator.pageShift) } ?? 0
    }

    /// What a reference of the `any` hierarchy refers to: `.i31`, `.structure`, `.array`, or `.any` for a converted
    /// reference of the host; nil for null.
    public func heapType(ofReference reference: UInt64) -> HeapType? {
        guard reference != 0 else { return nil }
        guard reference & 1 == 0, let object = UnsafePointer<sw_object>(bitPattern: UInt(reference)) else {
            return .i31
        }
        switch Int(object.pointee.type.pointee.kind) {
        case Int(sw_kind_structure): return .structure
        case Int(sw_kind_array): return .array
        default: return .any
        }
    }

    /// - Throws: ``ResourceError`` when the kernel gives no address space for the heap.
    public func setHeapStress(_ stress: HeapStress) throws(ResourceError) {
        let heap = try makeHeap()
        heap.stress = stress
        // Takes the free cells away from the handlers, so that every allocation asks the collector.
        heap.collectFully(stackTop: machine.pointee.stack_top)
    }

    /// The heap, made at its first use.
    func makeHeap() throws(ResourceError) -> Heap {
        if let heapIfAny { return heapIfAny }
        let heap = try Heap(self)
        heapIfAny = heap
        return heap
    }

    /// What all linear memories hold now.
    var linearMemoryBytes: UInt64 { memories.reduce(0) { $0 + $1.pointee.byte_count } }

    /// Linear memories may grow by so much less.
    func heapGrew(to byteCount: UInt64) {
        guard byteCount > reportedHeapBytes else { return }
        reportedHeapBytes = byteCount
        let rest = limits.memoryBytes > byteCount ? limits.memoryBytes - byteCount : 0
        for memory in memories {
            let pages = max(rest, memory.pointee.byte_count) >> 16
            memory.pointee.page_limit = min(memory.pointee.page_limit, pages)
        }
    }

    /// A type for objects of the engine's own: values in 64-bit slots (a vector in two) from byte 16 on, those that are
    /// references followed by the collector. It lives as long as the store.
    func makeRecordType(_ slots: [ValueType]) -> UnsafePointer<sw_type> { types.makeRecordType(slots) }
}

extension Heap {
    func addRoot(_ value: UInt64) -> Int {
        guard let index = freeRoots.popLast() else {
            roots.append(value)
            return roots.count - 1
        }
        roots[index] = value
        return index
    }

    func removeRoot(_ index: Int) {
        // A snapshot that is being followed may not have seen it yet, but has it.
        roots[index] = 0
        freeRoots.append(index)
    }
}

/// Makes an object when no cell is free.
@c(sw_allocate)
func allocateObject(
    _ context: UnsafeMutablePointer<sw_context>?, _ type: UnsafePointer<sw_type>?, _ length: UInt32,
    _ top: UnsafeMutablePointer<UInt64>?
) -> UnsafeMutablePointer<sw_object>? {
    guard let context, let type, let heap = try? InstanceState.of(context).store.makeHeap() else { return nil }
    return heap.allocate(type, length: length, stackTop: top)
}
