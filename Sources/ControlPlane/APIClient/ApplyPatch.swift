// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what `apply` changes on an object that exists already.

public import KubernetesAPI

/// The three-way merge of `kubectl apply` as a JSON merge patch (RFC 7386).
///
/// What the manifest says is set, what the manifest of the last apply said and this one does not is removed, and what
/// others set (defaults, controllers, `kubectl scale` of a field the manifest leaves out) stays. Lists are replaced as a
/// whole: a manifest that names containers names all of them.
public enum ApplyPatch {
    /// Where the manifest of the last apply is kept, shared with kubectl.
    public static let lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"

    /// The patch from `live` to `desired`, or nil when nothing would change.
    public static func make(desired: JSONValue, lastApplied: JSONValue?, live: JSONValue) -> JSONValue? {
        let patch = difference(desired: desired, lastApplied: lastApplied, live: live)
        guard case .object(let fields)? = patch, !fields.isEmpty else { return nil }
        return patch
    }

    /// The manifest with itself as its last-applied annotation.
    public static func annotated(_ manifest: JSONValue) throws -> JSONValue {
        guard case .object(var object) = manifest else { return manifest }
        var metadata: [String: JSONValue] = [:]
        if case .object(let fields)? = object["metadata"] { metadata = fields }
        var annotations: [String: JSONValue] = [:]
        if case .object(let fields)? = metadata["annotations"] { annotations = fields }
        annotations[lastAppliedAnnotation] = .string(try KubernetesJSON.encodeString(manifest) + "\n")
        metadata["annotations"] = .object(annotations)
        object["metadata"] = .object(metadata)
        return .object(object)
    }

    /// The manifest of the last apply as the live object tells it.
    public static func lastApplied(of live: JSONValue) -> JSONValue? {
        guard let text = live["metadata"]?["annotations"]?[lastAppliedAnnotation]?.stringValue else { return nil }
        return try? KubernetesJSON.decode(JSONValue.self, from: text)
    }

    private static func difference(desired: JSONValue, lastApplied: JSONValue?, live: JSONValue?) -> JSONValue? {
        guard case .object(let wanted) = desired, case .object(let present)? = live else {
            return desired == live ? nil : desired
        }
        var previous: [String: JSONValue] = [:]
        if case .object(let fields)? = lastApplied { previous = fields }
        var patch: [String: JSONValue] = [:]
        for (key, value) in wanted {
            if let change = difference(desired: value, lastApplied: previous[key], live: present[key]) {
                patch[key] = change
            }
        }
        for key in previous.keys where wanted[key] == nil && present[key] != nil { patch[key] = .null }
        return patch.isEmpty ? nil : .object(patch)
    }
}
