// SPDX-License-Identifier: Apache-2.0
// Swiftlet: sets of features as people write them.

/// A list that does not name a set of features this engine can have.
public struct FeatureListError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
}

extension FeatureSet {
    /// Reads a list as `swiftlet run --features` takes it: names as in ``names``, separated by commas, applied one after
    /// the other to everything the engine supports.
    ///
    /// `name` adds a feature and what it is built on, `-name` removes it and what is built on it. The names of versions,
    /// `mvp`, `wasm1`, `wasm2`, `wasm3`, and `all` replace what stands to their left. An empty list changes nothing.
    public init(list: String) throws(FeatureListError) {
        var features = FeatureSet.supported
        for item in list.split(separator: ",", omittingEmptySubsequences: true) {
            let word = String(item.drop { $0 == " " })
            if let version = Self.versions.first(where: { $0.name == word }) {
                features = version.features
                continue
            }
            let isRemoved = word.hasPrefix("-")
            let name = isRemoved || word.hasPrefix("+") ? String(word.dropFirst()) : word
            let feature = try Self.feature(named: name)
            if isRemoved { features.subtract(feature) } else { features.formUnion(feature) }
            // One step leads along each edge; the longest chain is shorter than the table.
            for _ in Self.foundations {
                for (upper, lower) in Self.foundations {
                    if isRemoved, !features.isSuperset(of: lower) { features.subtract(upper) }
                    if !isRemoved, features.isSuperset(of: upper) { features.formUnion(lower) }
                }
            }
        }
        self = features
    }

    private static func feature(named name: String) throws(FeatureListError) -> FeatureSet {
        guard let feature = named(name) else {
            if versions.contains(where: { $0.name == name }) {
                throw FeatureListError(
                    description: "features: \"\(name)\" names many features; it can begin a list only")
            }
            let known = supported.names + versions.map(\.name)
            let hint = Suggestion.nearest(to: name, in: known).map { "did you mean \"\($0)\"?" }
            throw FeatureListError(
                description:
                    "features: unknown name \"\(name)\"; \(hint ?? "expected \(known.joined(separator: ", "))")")
        }
        guard supported.isSuperset(of: feature) else {
            throw FeatureListError(description: "features: \"\(name)\" is not supported by this engine")
        }
        return feature
    }

    /// The core specification's versions, with what each added to the one before.
    private static let versions: [(name: String, features: FeatureSet)] = [
        ("mvp", []),
        ("wasm1", .mutableGlobals),
        ("wasm2", second),
        (
            "wasm3",
            second.union([
                .extendedConstantExpressions, .tailCalls, .multiMemory, .memory64, .exceptions, .functionReferences,
                .gc,
                .relaxedSIMD,
            ])
        ),
        ("all", .supported),
    ]

    private static let second: FeatureSet = [
        .mutableGlobals, .signExtension, .saturatingFloatToInt, .multiValue, .bulkMemory, .referenceTypes, .simd,
    ]

    /// Features whose instructions or types come from other features.
    private static let foundations: [(upper: FeatureSet, lower: FeatureSet)] = [
        (.relaxedSIMD, .simd), (.referenceTypes, .bulkMemory), (.functionReferences, .referenceTypes),
        (.gc, .functionReferences), (.exceptions, .referenceTypes),
    ]
}
