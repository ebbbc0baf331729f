// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the objects of one kind in memory, and the rules of that kind.
import FoundationEssentials
import KubernetesAPI

/// Where an object is.
public struct ObjectKey: Hashable, Sendable {
    public var kind: String
    /// Empty for cluster-scoped kinds.
    public var namespace: String
    public var name: String
}

/// What distinguishes one kind from another in the store.
struct KindRules<T: KubernetesObject> {
    enum Deletion {
        /// The object goes when it has no finalizers.
        case immediate
        /// A bound pod gets a deletionTimestamp; the node removes it once its processes are gone.
        case pod
        /// A namespace stays, terminating, until the controller has emptied it.
        case namespace
    }

    var deletion = Deletion.immediate
    /// Sets what the system, not the author, decides about a new object.
    var prepareForCreate: (inout T) -> Void = { _ in }
    /// Called with the new and the stored object; keeps what an author may not change or may leave out.
    var prepareForUpdate: (inout T, T) -> Void = { _, _ in }
    /// Replaces the status of the first by that of the second; nil for kinds without status.
    var takeStatus: ((inout T, T) -> Void)?
    /// Whether the desired state differs; nil for kinds without generation.
    var specDiffers: ((T, T) -> Bool)?
}

/// A table whose kind is known only at run time.
class ObjectTable {
    let type: any KubernetesObject.Type

    init(type: any KubernetesObject.Type) {
        self.type = type
    }

    func load(_ bytes: [UInt8], version: UInt64, decoder: JSONDecoder) throws {}
    func encoded(_ key: ObjectKey, encoder: JSONEncoder) throws -> (bytes: [UInt8], version: UInt64)? { nil }
    func forEach(_ body: (any KubernetesObject) -> Void) {}
    /// Adds the objects that have `uid` among their owners.
    func collectDependents(of uid: String, into keys: inout [ObjectKey]) {}
    /// Removes `uid` from the owners of every object that has it.
    func disown(_ uid: String, in transaction: StoreTransaction) throws(StoreError) {}
}

/// All objects of kind `T`, by namespace and name.
final class TypedTable<T: KubernetesObject>: ObjectTable {
    let rules: KindRules<T>
    private(set) var objects: [String: [String: T]] = [:]

    init(_ rules: KindRules<T>) {
        self.rules = rules
        super.init(type: T.self)
    }

    subscript(namespace: String, name: String) -> T? {
        get { objects[namespace]?[name] }
        set {
            objects[namespace, default: [:]][name] = newValue
            if objects[namespace]?.isEmpty == true { objects[namespace] = nil }
        }
    }

    override func load(_ bytes: [UInt8], version: UInt64, decoder: JSONDecoder) throws {
        var object = try decoder.decode(T.self, from: Data(bytes))
        object.metadata.resourceVersion = String(version)
        self[object.metadata.namespace, object.metadata.name] = object
    }

    override func encoded(_ key: ObjectKey, encoder: JSONEncoder) throws -> (bytes: [UInt8], version: UInt64)? {
        guard let object = self[key.namespace, key.name] else { return nil }
        return (Array(try encoder.encode(object)), UInt64(object.metadata.resourceVersion) ?? 0)
    }

    override func forEach(_ body: (any KubernetesObject) -> Void) {
        for namespace in objects.values { namespace.values.forEach(body) }
    }

    override func collectDependents(of uid: String, into keys: inout [ObjectKey]) {
        for (namespace, group) in objects {
            for (name, object) in group where object.metadata.ownerReferences.contains(where: { $0.uid == uid }) {
                keys.append(ObjectKey(kind: T.kind, namespace: namespace, name: name))
            }
        }
    }

    override func disown(_ uid: String, in transaction: StoreTransaction) throws(StoreError) {
        for namespace in objects.values {
            for object in namespace.values where object.metadata.ownerReferences.contains(where: { $0.uid == uid }) {
                _ = try transaction.modify(T.self, namespace: object.metadata.namespace, name: object.metadata.name) {
                    $0.metadata.ownerReferences.removeAll { $0.uid == uid }
                }
            }
        }
    }
}
