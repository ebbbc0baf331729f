// SPDX-License-Identifier: Apache-2.0
// Swiftlet: marking: from the roots to every reachable object, in steps, without recursion.

import CInterpreter
import Wasm

extension Heap {
    /// Takes the snapshot: everything that the roots refer to now.
    func startMarking(stackTop: UnsafeMutablePointer<UInt64>?) {
        finishSweepingAtOnce()
        state = .marking
        shared.pointee.is_marking = 1
        shared.pointee.new_mark = 1
        shared.pointee.gray = 1
        pendingTable = 0
        pendingTableElement = 0
        scanStack(to: stackTop)
        for cell in store.tracedGlobals { shade(cell.pointer.pointee, cell.trace) }
        for value in roots { shadeAny(value) }
        for value in temporaries { shadeAny(value) }
        for instance in store.instances {
            for (index, segment) in instance.module.elements.enumerated() where index < instance.elements.count {
                let trace = TypeDescriptor.trace(segment.type)
                guard trace != Int(sw_traces_nothing) else { continue }
                for value in instance.elements[index] { shade(value, trace) }
            }
        }
    }

    /// Has marking look at a value that is about to be overwritten; `trace` is ``TypeDescriptor/trace(_:)`` of its type.
    @inline(__always)
    func shade(_ value: UInt64, _ trace: Int) {
        if trace == Int(sw_traces_internal) { sw_shade_internal(shared, value) }
        if trace == Int(sw_traces_external) { sw_shade_external(shared, value) }
    }

    /// A value of unknown type: whether it is a reference is a guess that errs on the safe side.
    func shadeAny(_ value: UInt64) {
        if let object = object(at: value & ~(1 << UInt64(sw_external_shift))) { sw_shade_object(shared, object) }
    }

    private func scanStack(to stackTop: UnsafeMutablePointer<UInt64>?) {
        guard let end = stackTop else { return }
        var slot = store.stackStart
        let base = UInt64(UInt(bitPattern: pages.base))
        let byteCount = UInt64(pages.top) << UInt64(PageAllocator.pageShift)
        statistics.stackSlotsMaximum = max(statistics.stackSlotsMaximum, end - slot)
        while slot < end {
            let value = slot.pointee & ~(1 << UInt64(sw_external_shift))
            if value &- base < byteCount { shadeAny(value) }
            slot += 1
        }
    }

    /// The object that begins at an address, if one does.
    private func object(at address: UInt64) -> UnsafeMutablePointer<sw_object>? {
        let base = UInt64(UInt(bitPattern: pages.base))
        let offset = address &- base
        guard offset & 15 == 0, offset < UInt64(pages.top) << UInt64(PageAllocator.pageShift) else { return nil }
        let index = Int(offset >> UInt64(PageAllocator.pageShift))
        let page = pages.pages[index]
        switch page.kind {
        case Page.Kind.cells:
            let inRun = Int(offset) - Int(page.start) << PageAllocator.pageShift
            let size = Heap.cellBytes[Int(page.sizeClass)]
            guard inRun % size == 0, inRun + size <= Heap.runBytes else { return nil }
        case Page.Kind.large:
            guard offset & ((1 << UInt64(PageAllocator.pageShift)) - 1) == 0 else { return nil }
        default: return nil
        }
        let object = (pages.base + Int(offset)).assumingMemoryBound(to: sw_object.self)
        return object.pointee.type == nil ? nil : object
    }

    /// Follows references for about `words` words; true when nothing is left.
    func drain(words: Int) -> Bool {
        var left = words
        defer { if words < .max { statistics.stepWordsMaximum = max(statistics.stepWordsMaximum, words - left) } }
        let base = UInt(bitPattern: pages.base)
        while left > 0 {
            if currentArray != nil {
                left -= scanElements(left)
                continue
            }
            let number = shared.pointee.gray
            if number == 1 {
                if scanTables(&left) { return true }
                continue
            }
            guard let object = UnsafeMutablePointer<sw_object>(bitPattern: base + UInt(number - 2) << 4) else { break }
            shared.pointee.gray = object.pointee.mark
            object.pointee.mark = 1
            left -= scan(object)
        }
        return false
    }

    /// Follows the fields of an object; its cost in words.
    @inline(__always)
    private func scan(_ object: UnsafeMutablePointer<sw_object>) -> Int {
        guard let type = object.pointee.type else { return 1 }
        switch Int(type.pointee.kind) {
        case Int(sw_kind_array):
            if type.pointee.element_trace != UInt8(sw_traces_nothing) {
                currentArray = object
                currentElement = 0
            }
            return 2
        case Int(sw_kind_box): return 2
        default:
            let raw = UnsafeRawPointer(object)
            let count = Int(type.pointee.reference_count)
            for index in 0..<count {
                let place = type.pointee.references[index]
                let value = raw.load(fromByteOffset: Int(place & 0x7FFF_FFFF), as: UInt64.self)
                if place >> 31 == 0 { sw_shade_internal(shared, value) } else { sw_shade_external(shared, value) }
            }
            return count + 2
        }
    }

    /// Follows elements of the current array, at most `limit`.
    private func scanElements(_ limit: Int) -> Int {
        guard let object = currentArray, let type = object.pointee.type else { return 1 }
        let length = Int(object.pointee.length)
        let end = limit < length - currentElement ? currentElement + limit : length
        let elements = (UnsafeRawPointer(object) + Int(sw_object_header)).assumingMemoryBound(to: UInt64.self)
        let trace = Int(type.pointee.element_trace)
        for index in currentElement..<end { shade(elements[index], trace) }
        let count = end - currentElement
        currentElement = end
        if end == length { currentArray = nil }
        return count + 1
    }

    /// Follows the elements of tables, as far as `left` goes; true when all have been seen.
    private func scanTables(_ left: inout Int) -> Bool {
        while pendingTable < store.tracedTables.count {
            let (table, trace) = store.tracedTables[pendingTable]
            let count = Int(table.pointee.count)
            while pendingTableElement < count, left > 0 {
                shade(table.pointee.elements[pendingTableElement], trace)
                pendingTableElement += 1
                left -= 1
            }
            // What the elements refer to comes first: it keeps the list short.
            if pendingTableElement < count || shared.pointee.gray != 1 { return false }
            pendingTable += 1
            pendingTableElement = 0
        }
        return shared.pointee.gray == 1
    }

    /// All that is reachable is marked: the rest can be swept.
    func finishMarking() {
        state = .sweeping
        shared.pointee.is_marking = 0
        shared.pointee.new_mark = 0
        sweptLiveBytes = 0
        pendingCount = 0
        for sizeClass in 0...Self.largeClass {
            if sizeClass < Self.largeClass { sw_set_free_cells(shared, UInt32(sizeClass), nil) }
            pending[sizeClass] = available[sizeClass] + full[sizeClass]
            pendingCount += pending[sizeClass].count
            available[sizeClass].removeAll()
            full[sizeClass].removeAll()
        }
    }
}
