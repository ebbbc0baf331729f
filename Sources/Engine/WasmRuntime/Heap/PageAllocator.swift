// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the address space of the garbage-collected heap, in runs of pages.

import Glibc

/// One page of 4 KiB as the allocator sees it. The first page of a run speaks for the run.
struct Page: BitwiseCopyable {
    enum Kind {
        static let free: UInt8 = 0
        static let cells: UInt8 = 1
        static let large: UInt8 = 2
        /// Behind the first page of a large object.
        static let inner: UInt8 = 3
    }

    /// First page of the run.
    var start: UInt32 = 0
    /// Pages in the run.
    var count: UInt32 = 0
    /// Neighbours in the list of free runs, plus 1; 0 = none.
    var next: UInt32 = 0
    var previous: UInt32 = 0
    /// Of a run of cells: the first free cell in bytes from the run's start plus 1; 0 = none.
    var freeCell: UInt32 = 0
    var kind: UInt8 = Kind.free
    var sizeClass: UInt8 = 0
}

/// Hands out runs of pages of one reserved range, best fit for short runs; neighbouring free runs are joined.
struct PageAllocator: ~Copyable {
    static let pageShift = 12
    /// LIMIT: free runs of fewer pages have a list each, longer ones share one.
    private static let listCount = 64
    /// Pages made accessible at once.
    private static let growthPages = 256

    let base: UnsafeMutableRawPointer
    let pageMaximum: Int
    let pages: UnsafeMutablePointer<Page>
    /// Pages that were ever in use.
    private(set) var top = 0
    private var accessible = 0
    private(set) var pagesInUse = 0
    private var lists = [UInt32](repeating: 0, count: listCount + 1)

    /// - Throws: ``ResourceError`` when the kernel gives no address space.
    init(byteMaximum: UInt64) throws(ResourceError) {
        let count = max(Int(byteMaximum >> UInt64(Self.pageShift)), 1)
        let tableBytes = count * MemoryLayout<Page>.stride
        let table = try Mapping.map(tableBytes, protection: PROT_READ | PROT_WRITE, what: "the heap")
        let range: UnsafeMutableRawPointer
        do {
            range = try Mapping.map(count << Self.pageShift, protection: PROT_NONE, what: "the heap")
        } catch {
            munmap(table, tableBytes)
            throw error
        }
        self.init(pageMaximum: count, base: range, pages: table.assumingMemoryBound(to: Page.self))
    }

    private init(pageMaximum: Int, base: UnsafeMutableRawPointer, pages: UnsafeMutablePointer<Page>) {
        self.pageMaximum = pageMaximum
        self.base = base
        self.pages = pages
    }

    deinit {
        munmap(base, pageMaximum << Self.pageShift)
        munmap(pages, pageMaximum * MemoryLayout<Page>.stride)
    }

    func address(_ page: Int) -> UnsafeMutableRawPointer { base + page << Self.pageShift }

    /// A run of `count` pages, nil when the range or `byteLimit` ends. Contents are undefined.
    mutating func allocate(_ count: Int, byteLimit: UInt64) -> Int? {
        guard let page = reuse(count) ?? extend(count, byteLimit: byteLimit) else { return nil }
        pages[page].start = UInt32(page)
        pages[page].count = UInt32(count)
        pagesInUse += count
        return page
    }

    private mutating func reuse(_ count: Int) -> Int? {
        var length = min(count, Self.listCount)
        while length < Self.listCount {
            if lists[length] != 0 { return split(Int(lists[length]) - 1, count) }
            length += 1
        }
        var next = lists[Self.listCount]
        while next != 0 {
            let page = Int(next) - 1
            if pages[page].count >= count { return split(page, count) }
            next = pages[page].next
        }
        return nil
    }

    private mutating func split(_ page: Int, _ count: Int) -> Int {
        let length = Int(pages[page].count)
        unlink(page)
        if length > count { link(page + count, length - count) }
        return page
    }

    private mutating func extend(_ count: Int, byteLimit: UInt64) -> Int? {
        guard count <= pageMaximum - top, UInt64(top + count) << UInt64(Self.pageShift) <= byteLimit else { return nil }
        if top + count > accessible {
            let target = min(max(top + count, accessible + Self.growthPages), pageMaximum)
            let start = address(accessible)
            guard mprotect(start, (target - accessible) << Self.pageShift, PROT_READ | PROT_WRITE) == 0 else {
                return nil
            }
            accessible = target
        }
        let page = top
        top += count
        return page
    }

    /// Gives a run back.
    mutating func free(_ page: Int) {
        var (first, length) = (page, Int(pages[page].count))
        pagesInUse -= length
        for index in page..<page + length { pages[index].kind = Page.Kind.free }
        let after = page + length
        if after < top, pages[after].kind == Page.Kind.free, pages[after].count > 0 {
            length += Int(pages[after].count)
            unlink(after)
        }
        if page > 0, pages[page - 1].kind == Page.Kind.free {
            first = Int(pages[page - 1].start)
            length += Int(pages[first].count)
            unlink(first)
        }
        link(first, length)
    }

    /// Lets the kernel have the memory of long free runs.
    mutating func giveBack() {
        var next = lists[Self.listCount]
        while next != 0 {
            let page = Int(next) - 1
            madvise(address(page), Int(pages[page].count) << Self.pageShift, MADV_DONTNEED)
            next = pages[page].next
        }
    }

    // MARK: Free runs

    private func list(_ length: Int) -> Int { min(length, Self.listCount) }

    private mutating func link(_ page: Int, _ length: Int) {
        let list = list(length)
        pages[page].start = UInt32(page)
        pages[page].count = UInt32(length)
        pages[page].kind = Page.Kind.free
        pages[page + length - 1].start = UInt32(page)
        pages[page].previous = 0
        pages[page].next = lists[list]
        if lists[list] != 0 { pages[Int(lists[list]) - 1].previous = UInt32(page) + 1 }
        lists[list] = UInt32(page) + 1
    }

    private mutating func unlink(_ page: Int) {
        let list = list(Int(pages[page].count))
        let (next, previous) = (pages[page].next, pages[page].previous)
        if next != 0 { pages[Int(next) - 1].previous = previous }
        if previous != 0 { pages[Int(previous) - 1].next = next } else { lists[list] = next }
    }
}
