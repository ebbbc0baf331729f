// SPDX-License-Identifier: Apache-2.0
// Swiftlet: who catches what in a function: searched when something is thrown, of no cost until then.

/// The regions of a function's code whose exceptions are caught in it, inner ones first.
struct CatchTable {
    struct Clause {
        /// Address of the tag; 0 catches everything.
        var tag: UInt64
        /// First slot of the values; they are written when a tag is given.
        var valueSlot: Int32
        /// Slot of the exception itself; -1 = not wanted.
        var referenceSlot: Int32
        /// Where it goes on, in bytes from the code's start.
        var landing: Int32 = 0
    }

    private struct Region {
        var start: Int32
        var end: Int32
        /// How many constructs are open around it.
        var nesting: Int32
        /// Exceptions go on to the regions with at most this nesting; -1 = they do not.
        var delegate: Int32 = -1
        var clauses: [Clause] = []
    }

    /// Names a clause while its landing is not known.
    struct Place {
        var region: Int
        var clause: Int
    }

    private var regions: [Region] = []

    var isEmpty: Bool { regions.isEmpty }

    mutating func addRegion(_ code: Range<Int>, nesting: Int) -> Int {
        regions.append(
            Region(start: Int32(code.lowerBound), end: Int32(code.upperBound), nesting: Int32(nesting)))
        return regions.count - 1
    }

    mutating func add(_ clause: Clause, to region: Int) -> Place {
        regions[region].clauses.append(clause)
        return Place(region: region, clause: regions[region].clauses.count - 1)
    }

    mutating func land(_ place: Place, at offset: Int) {
        regions[place.region].clauses[place.clause].landing = Int32(offset)
    }

    mutating func delegate(_ region: Int, to nesting: Int) { regions[region].delegate = Int32(nesting) }

    /// The clause for an exception with the tag at address `tag` that is thrown at `offset` of the code.
    func clause(for tag: UInt64, at offset: Int) -> Clause? {
        var nesting = Int32.max
        for region in regions where offset >= Int(region.start) && offset < Int(region.end) {
            guard region.nesting <= nesting else { continue }
            if region.delegate >= 0 { nesting = region.delegate }
            for clause in region.clauses where clause.tag == 0 || clause.tag == tag { return clause }
        }
        return nil
    }
}
