// SPDX-License-Identifier: Apache-2.0
// Swiftlet: sweeping: unmarked cells become free, empty runs go back to the page allocator.

import CInterpreter

extension Heap {
    /// Sweeps up to `runs` runs; true when none is left. Large objects count by their pages.
    func sweep(runs: Int) -> Bool {
        var left = runs
        var sizeClass = 0
        while left > 0, pendingCount > 0, sizeClass <= Self.largeClass {
            guard let run = pending[sizeClass].popLast() else {
                sizeClass += 1
                continue
            }
            pendingCount -= 1
            left -= 1
            if sizeClass == Self.largeClass { sweepLarge(Int(run)) } else { sweepCells(Int(run)) }
        }
        return pendingCount == 0
    }

    func sweepCells(_ run: Int) {
        let sizeClass = Int(pages.pages[run].sizeClass)
        let size = Self.cellBytes[sizeClass]
        let count = Self.runBytes / size
        let base = pages.address(run)
        var next: UnsafeMutableRawPointer?
        var live = 0
        var cell = count
        while cell > 0 {
            cell -= 1
            let place = base + cell * size
            let object = place.assumingMemoryBound(to: sw_object.self)
            if object.pointee.type != nil {
                if object.pointee.mark != 0 {
                    object.pointee.mark = 0
                    live += 1
                    continue
                }
                object.pointee.type = nil
            }
            place.storeBytes(of: next, toByteOffset: 8, as: UnsafeMutableRawPointer?.self)
            next = place
        }
        sweptLiveBytes += live * size
        if live == 0 { return pages.free(run) }
        if let next {
            pages.pages[run].freeCell = UInt32(next - base) + 1
            available[sizeClass].append(UInt32(run))
        } else {
            pages.pages[run].freeCell = 0
            full[sizeClass].append(UInt32(run))
        }
    }

    private func sweepLarge(_ run: Int) {
        let object = pages.address(run).assumingMemoryBound(to: sw_object.self)
        guard object.pointee.mark != 0 else {
            object.pointee.type = nil
            return pages.free(run)
        }
        object.pointee.mark = 0
        sweptLiveBytes += Int(pages.pages[run].count) << PageAllocator.pageShift
        full[Self.largeClass].append(UInt32(run))
    }

    func finishSweeping() {
        state = .idle
        liveBytes = sweptLiveBytes
        allocatedBytes = 0
        statistics.collections += 1
        statistics.liveBytes = liveBytes
        updateThreshold()
        if pages.pagesInUse < pages.top / 2 { pages.giveBack() }
    }
}
