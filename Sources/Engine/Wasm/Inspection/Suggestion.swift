// SPDX-License-Identifier: Apache-2.0
// Swiftlet: "did you mean …?"

/// Finds the known name that an unknown one was probably meant to be.
public enum Suggestion {
    // LIMIT: bytes of a name that are compared; the cost is quadratic in it.
    private static let longest = 200

    /// The candidate with the smallest edit distance, if it is near: at most a third of the letters differ.
    public static func nearest(to name: String, in candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.utf8.prefix(longest))
        var best: (distance: Int, name: String)?
        for candidate in candidates {
            let distance = editDistance(wanted, Array(candidate.utf8.prefix(longest)))
            if distance < best?.distance ?? Int.max { best = (distance, candidate) }
        }
        guard let best, best.distance <= max(1, wanted.count / 3) else { return nil }
        return best.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn `left` into `right`.
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            current.reserveCapacity(right.count + 1)
            for column in 1...right.count {
                let isSame = left[row - 1] == right[column - 1]
                var cost = min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    cost = min(cost, beforePrevious[column - 2] + 1)
                }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
