// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where in an object a field is.

/// The path of a field, printed as upstream does: `spec.containers[0].env[2].name`, `metadata.labels[a/b]`.
public struct FieldPath: Sendable, Hashable, CustomStringConvertible {
    public enum Component: Sendable, Hashable {
        case field(String)
        case index(Int)
        /// A key of a map whose keys the user chooses.
        case key(String)
    }

    public var components: [Component]

    public init(_ components: [Component] = []) {
        self.components = components
    }

    /// `FieldPath("spec", "replicas")`
    public init(_ fields: String...) {
        components = fields.map(Component.field)
    }

    public func field(_ name: String) -> FieldPath { FieldPath(components + [.field(name)]) }
    public func index(_ index: Int) -> FieldPath { FieldPath(components + [.index(index)]) }
    public func key(_ key: String) -> FieldPath { FieldPath(components + [.key(key)]) }

    /// True when `other` is this path or lies below it.
    public func contains(_ other: FieldPath) -> Bool { other.components.starts(with: components) }

    public var description: String {
        var text = ""
        for component in components {
            switch component {
            case .field(let name): text += text.isEmpty ? name : "." + name
            case .index(let index): text += "[\(index)]"
            case .key(let key): text += "[\(key)]"
            }
        }
        return text
    }
}

extension Node {
    /// The place of the value at `path`, or of the nearest thing above it that was written. A key's own place is
    /// meant when `atKey` is set.
    func mark(at path: FieldPath, atKey: Bool = false) -> Mark {
        var node = self
        var mark = self.mark
        for component in path.components {
            switch (component, node.value) {
            case (.field(let name), .mapping(let entries)), (.key(let name), .mapping(let entries)):
                guard let entry = entries.first(where: { $0.key == name }) else { return mark }
                node = entry.value
                mark = atKey ? entry.keyMark : node.mark
            case (.index(let index), .sequence(let items)):
                guard items.indices.contains(index) else { return mark }
                node = items[index]
                mark = node.mark
            default: return mark
            }
        }
        return mark
    }
}
