// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the custom sections in which tools describe themselves (WebAssembly tool conventions).

/// The `producers` section: who made the module. Read tolerantly; a broken section yields what precedes the damage.
public struct Producers: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        /// `language`, `processed-by` or `sdk`.
        public var field: String
        public var name: String
        public var version: String
    }

    public var entries: [Entry] = []

    public init(_ module: Module) {
        guard let section = module.customSections.first(where: { $0.name == "producers" }) else { return }
        var reader = BinaryReader(module.bytes.buffer, in: section.payload)
        guard let fieldCount = try? reader.readU32() else { return }
        for _ in 0..<fieldCount {
            guard let field = NameSection.name(&reader, module.bytes), let count = try? reader.readU32() else { return }
            for _ in 0..<count {
                guard let name = NameSection.name(&reader, module.bytes),
                    let version = NameSection.name(&reader, module.bytes)
                else { return }
                entries.append(Entry(field: field, name: name, version: version))
            }
        }
    }
}

/// The `target_features` section: what the compiler was allowed to use, which may be more than the code needs.
public struct TargetFeatures: Sendable, Hashable {
    /// Names without their prefix, of the features used.
    public var used: [String] = []

    public init(_ module: Module) {
        guard let section = module.customSections.first(where: { $0.name == "target_features" }) else { return }
        var reader = BinaryReader(module.bytes.buffer, in: section.payload)
        guard let count = try? reader.readU32() else { return }
        for _ in 0..<count {
            guard let prefix = try? reader.readByte(), let name = NameSection.name(&reader, module.bytes) else {
                return
            }
            if prefix == UInt8(ascii: "+") || prefix == UInt8(ascii: "=") { used.append(name) }
        }
    }
}
