// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the garbage-collected heap of a store: allocation, pacing, and what the engine may ask of it.

import CInterpreter
import Wasm

/// Objects of a store's instances: structures, arrays, boxed host references, and the engine's own records.
///
/// Incremental mark and sweep; objects never move. Each allocation of a run of cells (32 KiB) or of a large object is
/// followed by a step of collection whose work is proportional to the bytes allocated, so a pause is bounded by the
/// allocation that causes it. Marking follows a snapshot: what was reachable when it began survives, therefore whoever
/// overwrites a reference in an object or a table shades the old value first while marking goes on (``shade(_:_:)``).
/// The value stack is scanned conservatively, once, when marking begins: that pause grows with the stack in use.
///
/// For who adds kinds of objects: make a descriptor with ``Store/makeRecordType(_:)``, objects with ``allocate(_:length:stackTop:)``,
/// fill the object before the next allocation, and keep the reference where the collector looks: in the value stack
/// below the top, in an object's traced slot, a table, a global, ``temporaries``, or a ``RootedReference``.
final class Heap {
    enum State { case idle, marking, sweeping }

    unowned let store: Store
    let shared: UnsafeMutablePointer<sw_heap>
    var pages: PageAllocator
    var state = State.idle
    var stress = HeapStress.none

    /// Runs of cells by size class, and large objects as the last class: with free cells, without, not yet swept.
    var available: [[UInt32]]
    var full: [[UInt32]]
    var pending: [[UInt32]]
    /// Runs that are still to be swept.
    var pendingCount = 0

    /// Values that only the engine holds, in the middle of something.
    var temporaries: [UInt64] = []
    /// What the embedder holds; 0 = free.
    var roots: [UInt64] = []
    var freeRoots: [Int] = []

    /// The array that is being looked at, and its next element.
    var currentArray: UnsafeMutablePointer<sw_object>?
    var currentElement = 0
    /// Tables that marking has yet to look at: index into the store's tables, next element.
    var pendingTable = 0
    var pendingTableElement = 0

    var statistics = HeapStatistics()
    /// Bytes handed out since the last collection ended.
    var allocatedBytes = 0
    /// Bytes that survived the last one.
    var liveBytes = 0
    /// A collection begins at this sum of both.
    var threshold = 0
    /// Bytes counted by the sweep in progress.
    var sweptLiveBytes = 0
    var isGivingBack = false

    // LIMIT: no collection below this many bytes.
    private static let thresholdMinimum = 4 << 20
    /// Pages in a run of cells.
    static let runPages = 8
    static let runBytes = runPages << PageAllocator.pageShift
    static let largeClass = Int(sw_size_class_count)

    init(_ store: Store) throws(ResourceError) {
        self.store = store
        shared = store.machine.pointee.heap
        // LIMIT: objects have numbers of 32 bits, in units of 16 bytes.
        pages = try PageAllocator(byteMaximum: min(store.limits.memoryBytes, 32 << 30))
        available = Array(repeating: [], count: Self.largeClass + 1)
        full = available
        pending = available
        shared.pointee.base = pages.base.assumingMemoryBound(to: UInt8.self)
        updateThreshold()
    }

    /// What the heap and the linear memories may use together.
    private var byteLimit: UInt64 {
        let others = store.linearMemoryBytes
        return store.limits.memoryBytes > others ? store.limits.memoryBytes - others : 0
    }

    func updateThreshold() {
        let limit = Int(clamping: byteLimit)
        let room = max(limit - liveBytes, 0)
        threshold = liveBytes + min(max(liveBytes, Self.thresholdMinimum), room / 2)
    }

    // MARK: Allocation

    /// A new object with type, length and mark set and undefined contents; nil when the memory limit is reached even
    /// after a collection.
    ///
    /// - Parameter stackTop: where the values in use on the value stack end; nil = those of the host's callers.
    func allocate(
        _ type: UnsafePointer<sw_type>, length: UInt32, stackTop: UnsafeMutablePointer<UInt64>? = nil
    ) -> UnsafeMutablePointer<sw_object>? {
        let isArray = type.pointee.kind == UInt8(sw_kind_array)
        let bytes =
            isArray
            ? Int(sw_object_header) + Int(length) << Int(type.pointee.element_log2) : Int(type.pointee.byte_count)
        let top = stackTop ?? store.machine.pointee.stack_top
        prepare(stackTop: top)
        let object = bytes <= Int(sw_small_bytes) ? allocateCell(bytes, top) : allocateLarge(bytes, top)
        guard let object else { return nil }
        object.pointee.type = type
        object.pointee.length = length
        object.pointee.mark = shared.pointee.new_mark
        return object
    }

    private func prepare(stackTop: UnsafeMutablePointer<UInt64>?) {
        switch stress {
        case .none: break
        case .everyAllocation: collectFully(stackTop: stackTop)
        case .incremental:
            if state == .idle { startMarking(stackTop: stackTop) }
            step(words: 1, runs: 1)
        }
    }

    private func allocateCell(_ bytes: Int, _ top: UnsafeMutablePointer<UInt64>?) -> UnsafeMutablePointer<sw_object>? {
        let sizeClass = Int(sw_size_class_of(shared, UInt64(bytes)))
        if let cell = pop(sizeClass) { return cell }
        // Under stress the collector has had its turn.
        if stress == .none { advance(bytes: Self.runBytes, stackTop: top) }
        if !refill(sizeClass) {
            collectFully(stackTop: top)
            guard refill(sizeClass) else { return nil }
        }
        let cell = pop(sizeClass)
        // Under stress every allocation shall come here.
        if stress != .none { putBack(sizeClass) }
        return cell
    }

    private func pop(_ sizeClass: Int) -> UnsafeMutablePointer<sw_object>? { sw_pop_cell(shared, UInt32(sizeClass)) }

    /// Gives the size class a list of free cells.
    private func refill(_ sizeClass: Int) -> Bool {
        while available[sizeClass].isEmpty, let run = pending[sizeClass].popLast() {
            pendingCount -= 1
            sweepCells(Int(run))
        }
        if let run = available[sizeClass].popLast() {
            take(Int(run), sizeClass)
            return true
        }
        guard let run = pages.allocate(Self.runPages, byteLimit: byteLimit) else { return false }
        makeCells(run, sizeClass)
        take(run, sizeClass)
        store.heapGrew(to: UInt64(pages.top) << UInt64(PageAllocator.pageShift))
        shared.pointee.byte_count = UInt64(pages.top) << UInt64(PageAllocator.pageShift)
        return true
    }

    /// The run's free cells become the ones that handlers take.
    private func take(_ run: Int, _ sizeClass: Int) {
        let first = pages.pages[run].freeCell
        pages.pages[run].freeCell = 0
        full[sizeClass].append(UInt32(run))
        let cell = first == 0 ? nil : (pages.address(run) + Int(first) - 1).assumingMemoryBound(to: sw_object.self)
        sw_set_free_cells(shared, UInt32(sizeClass), cell)
    }

    /// Undoes ``take(_:_:)`` for the cells that are left.
    private func putBack(_ sizeClass: Int) {
        guard let cell = sw_take_free_cells(shared, UInt32(sizeClass)), let run = full[sizeClass].popLast() else {
            return
        }
        pages.pages[Int(run)].freeCell = UInt32(UnsafeRawPointer(cell) - UnsafeRawPointer(pages.address(Int(run)))) + 1
        available[sizeClass].append(run)
    }

    private func makeCells(_ run: Int, _ sizeClass: Int) {
        for index in run..<run + Self.runPages {
            pages.pages[index].kind = Page.Kind.cells
            pages.pages[index].start = UInt32(run)
            pages.pages[index].sizeClass = UInt8(sizeClass)
        }
        let size = Self.cellBytes[sizeClass]
        let base = pages.address(run)
        var next: UnsafeMutableRawPointer?
        for cell in (0..<Self.runBytes / size).reversed() {
            let place = base + cell * size
            place.storeBytes(of: 0, as: UInt.self)
            place.storeBytes(of: next, toByteOffset: 8, as: UnsafeMutableRawPointer?.self)
            next = place
        }
        pages.pages[run].freeCell = 1
    }

    private func allocateLarge(_ bytes: Int, _ top: UnsafeMutablePointer<UInt64>?) -> UnsafeMutablePointer<sw_object>? {
        let count = (bytes + (1 << PageAllocator.pageShift) - 1) >> PageAllocator.pageShift
        // What can never fit is not worth a collection.
        guard count <= pages.pageMaximum, UInt64(bytes) <= byteLimit else { return nil }
        advance(bytes: bytes, stackTop: top)
        var run = pages.allocate(count, byteLimit: byteLimit)
        if run == nil {
            collectFully(stackTop: top)
            run = pages.allocate(count, byteLimit: byteLimit)
        }
        guard let run else { return nil }
        for index in run..<run + count { pages.pages[index].kind = Page.Kind.inner }
        pages.pages[run].kind = Page.Kind.large
        full[Self.largeClass].append(UInt32(run))
        store.heapGrew(to: UInt64(pages.top) << UInt64(PageAllocator.pageShift))
        shared.pointee.byte_count = UInt64(pages.top) << UInt64(PageAllocator.pageShift)
        return pages.address(run).assumingMemoryBound(to: sw_object.self)
    }

    // MARK: Pacing

    /// Collects in proportion to what is allocated: four times as many bytes are looked at, and four runs swept for each
    /// one taken, so that a collection ends before the heap has grown by a third.
    private func advance(bytes: Int, stackTop: UnsafeMutablePointer<UInt64>?) {
        allocatedBytes += bytes
        if state == .idle {
            if liveBytes + allocatedBytes >= threshold { startMarking(stackTop: stackTop) }
        } else {
            step(words: bytes / 2, runs: 4 * max(bytes / Self.runBytes, 1))
        }
    }

    private func step(words: Int, runs: Int) {
        switch state {
        case .idle: break
        case .marking: if drain(words: words) { finishMarking() }
        case .sweeping: if sweep(runs: runs) { finishSweeping() }
        }
    }

    /// Everything that is unreachable now is free afterwards.
    func collectFully(stackTop: UnsafeMutablePointer<UInt64>?) {
        if state == .marking {
            _ = drain(words: .max)
            finishMarking()
        }
        finishSweepingAtOnce()
        startMarking(stackTop: stackTop)
        _ = drain(words: .max)
        finishMarking()
        finishSweepingAtOnce()
    }

    func finishSweepingAtOnce() {
        guard state == .sweeping else { return }
        _ = sweep(runs: .max)
        finishSweeping()
    }

    // MARK: Sizes

    /// Bytes of the cells of each size class, in multiples of 16.
    static let cellBytes = [
        32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792,
        2048,
    ]

    /// For objects of up to ``sw_small_bytes``.
    static func sizeClass(_ byteCount: Int) -> UInt8 {
        UInt8(cellBytes.firstIndex { $0 >= byteCount } ?? Int(sw_size_class_large))
    }

    static func fillSizeClasses(_ heap: UnsafeMutablePointer<sw_heap>) {
        var sizeClass = 0
        for unit in 0...Int(sw_small_bytes) / 16 {
            if unit * 16 > cellBytes[sizeClass] { sizeClass += 1 }
            sw_set_size_class(heap, UInt32(unit), UInt8(sizeClass))
        }
    }
}
