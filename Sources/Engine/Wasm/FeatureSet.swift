// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the WebAssembly proposals beyond version 1.0, by the names that tools use.

/// A set of WebAssembly features. A decoder accepts what its set names and refuses the rest by the feature's name.
public struct FeatureSet: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    // Version 2.0
    public static let mutableGlobals = FeatureSet(rawValue: 1 << 0)
    public static let signExtension = FeatureSet(rawValue: 1 << 1)
    public static let saturatingFloatToInt = FeatureSet(rawValue: 1 << 2)
    public static let multiValue = FeatureSet(rawValue: 1 << 3)
    public static let bulkMemory = FeatureSet(rawValue: 1 << 4)
    public static let referenceTypes = FeatureSet(rawValue: 1 << 5)
    public static let simd = FeatureSet(rawValue: 1 << 6)
    // Version 3.0
    public static let extendedConstantExpressions = FeatureSet(rawValue: 1 << 7)
    public static let tailCalls = FeatureSet(rawValue: 1 << 8)
    public static let multiMemory = FeatureSet(rawValue: 1 << 9)
    public static let memory64 = FeatureSet(rawValue: 1 << 10)
    public static let exceptions = FeatureSet(rawValue: 1 << 11)
    public static let functionReferences = FeatureSet(rawValue: 1 << 12)
    public static let gc = FeatureSet(rawValue: 1 << 13)
    public static let relaxedSIMD = FeatureSet(rawValue: 1 << 14)
    // Proposals
    public static let threads = FeatureSet(rawValue: 1 << 15)
    public static let wideArithmetic = FeatureSet(rawValue: 1 << 16)
    public static let customPageSizes = FeatureSet(rawValue: 1 << 17)
    public static let legacyExceptions = FeatureSet(rawValue: 1 << 18)
    public static let customDescriptors = FeatureSet(rawValue: 1 << 19)
    public static let compactImports = FeatureSet(rawValue: 1 << 20)

    /// What this engine decodes, validates and runs.
    public static let supported: FeatureSet = [
        .mutableGlobals, .signExtension, .saturatingFloatToInt, .multiValue, .bulkMemory, .referenceTypes,
        .simd, .relaxedSIMD, .extendedConstantExpressions, .tailCalls, .multiMemory, .memory64, .exceptions,
        .functionReferences, .gc, .threads, .legacyExceptions,
    ]

    /// The names, in the spelling of the tool conventions (`target_features` section) where one exists.
    public var names: [String] {
        Self.named.filter { contains($0.feature) }.map(\.name)
    }

    /// The feature of that name.
    static func named(_ name: String) -> FeatureSet? { named.first { $0.name == name }?.feature }

    private static let named: [(feature: FeatureSet, name: String)] = [
        (.mutableGlobals, "mutable-globals"), (.signExtension, "sign-ext"),
        (.saturatingFloatToInt, "nontrapping-fptoint"), (.multiValue, "multivalue"), (.bulkMemory, "bulk-memory"),
        (.referenceTypes, "reference-types"), (.simd, "simd"), (.extendedConstantExpressions, "extended-const"),
        (.tailCalls, "tail-call"), (.multiMemory, "multi-memory"), (.memory64, "memory64"),
        (.exceptions, "exception-handling"), (.functionReferences, "function-references"), (.gc, "gc"),
        (.relaxedSIMD, "relaxed-simd"), (.threads, "threads"), (.wideArithmetic, "wide-arithmetic"),
        (.customPageSizes, "custom-page-sizes"), (.legacyExceptions, "legacy-exceptions"),
        (.customDescriptors, "custom-descriptors"), (.compactImports, "compact-imports"),
    ]
}

extension FeatureSet: CustomStringConvertible {
    public var description: String { names.joined(separator: ", ") }
}
