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
        // The threads proposal was forked before these.
        "proposals/threads/imports": all([309, 313, 317], "many tables are valid since 2.0")
            .merging(all([404, 408, 412], "many memories are valid since 3.0")) { first, _ in first },
        "proposals/threads/memory": all([14, 15], "many memories are valid since 3.0"),
    ]

    private static func all(_ lines: [Int], _ reason: String) -> [Int: String] {
        Dictionary(uniqueKeysWithValues: lines.map { ($0, reason) })
    }

    static func reason(for path: String) -> String? {
        groups.first { path.hasPrefix($0.prefix) }?.reason
    }
}
