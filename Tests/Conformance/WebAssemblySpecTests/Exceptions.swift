// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what of the suites cannot hold for this engine, each with its reason.

enum Exceptions {
    /// Groups of proposals that are not part of WebAssembly 3.0: limits flag 8 is malformed in the core suites, and
    /// exact types, descriptors and 128-bit arithmetic have no encoding there.
    static let groups: [(prefix: String, reason: String)] = [
        ("proposals/custom-page-sizes/", "custom-page-sizes is not part of 3.0"),
        ("proposals/custom-descriptors/", "custom-descriptors is not part of 3.0"),
        ("proposals/wide-arithmetic/", "wide-arithmetic is not part of 3.0"),
    ]

    /// Commands by suite and line.
    static let lines: [String: [Int: String]] = [
        "proposals/threads/imports": all(
            [310, 314, 318], "many tables are valid since 2.0, which the threads proposal was forked before"
        ).merging([502: "needs a shared memory of the host (threads)"]) { first, _ in first },
        // These look at what a module changed that was skipped.
        "proposals/multi-memory/linking0": all([42], "follows a module that needs multi-memory"),
        "proposals/multi-memory/load1": all([25, 26, 27, 28, 29], "follows a module that needs multi-memory"),
    ]

    private static func all(_ lines: [Int], _ reason: String) -> [Int: String] {
        Dictionary(uniqueKeysWithValues: lines.map { ($0, reason) })
    }

    static func reason(for path: String) -> String? {
        groups.first { path.hasPrefix($0.prefix) }?.reason
    }
}
