// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the name that was probably meant.

/// Nearest names, for messages.
enum Suggestion {
    /// `, did you mean "replicas"?` when a candidate is near, otherwise empty.
    static func hint(for name: String, among candidates: [String]) -> String {
        guard let nearest = nearest(to: name, among: candidates) else { return "" }
        return ", did you mean \"\(nearest)\"?"
    }

    /// The candidate with the fewest changes, if at most a third of its letters (and at most 4) differ.
    static func nearest(to name: String, among candidates: [String]) -> String? {
        // LIMIT: longer names are never near a field's name.
        guard name.utf8.count <= 64 else { return nil }
        let lower = Array(name.lowercased().utf8)
        var best: (distance: Int, name: String)?
        for candidate in candidates {
            let distance = distance(lower, Array(candidate.lowercased().utf8))
            if distance <= min(4, max(1, candidate.utf8.count / 3)), distance < best?.distance ?? .max {
                best = (distance, candidate)
            }
        }
        return best?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replacement = last[column] + (left[row] == right[column] ? 0 : 1)
                var cost = min(replacement, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
