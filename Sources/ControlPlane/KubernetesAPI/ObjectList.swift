// SPDX-License-Identifier: Apache-2.0
// Swiftlet: lists of objects.

/// A list as the API answers it: `PodList` and the like, or `List` for mixed kinds.
public struct ObjectList<Item: Codable & Sendable>: Codable, Sendable {
    public var apiVersion: String
    public var kind: String
    @ZeroIfMissing public var metadata: ListMeta
    public var items: [Item]

    public init(apiVersion: String, kind: String, items: [Item], resourceVersion: String = "") {
        self.apiVersion = apiVersion
        self.kind = kind
        self.metadata = ListMeta(resourceVersion: resourceVersion)
        self.items = items
    }
}

extension ObjectList where Item: KubernetesObject {
    /// The list kind of `Item`.
    public init(_ items: [Item], resourceVersion: String = "") {
        self.init(
            apiVersion: Item.apiVersion, kind: Item.kind + "List", items: items, resourceVersion: resourceVersion)
    }
}
