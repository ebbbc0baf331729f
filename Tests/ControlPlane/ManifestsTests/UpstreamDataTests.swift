// SPDX-License-Identifier: Apache-2.0
// Swiftlet: objects and manifests of others are taken whole or refused for a stated reason.

import FoundationEssentials
import KubernetesAPI
import Manifests
import TestSupport
import Testing

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data"))
struct UpstreamDataTests {
    // MARK: - Objects with every field set

    static let kinds = [
        "apps.v1.Deployment", "apps.v1.ReplicaSet", "core.v1.Pod", "core.v1.Service", "core.v1.ConfigMap",
        "core.v1.Secret", "core.v1.Namespace",
    ]

    /// Upstream's samples hold one value for every field there is. Each field must come back the same from our types,
    /// or must be refused by name when a manifest has it. Values such as `typeValue` are no valid ones, so only what
    /// the schema says counts here.
    @Test(arguments: kinds)
    func `every field of a kind comes back the same or is refused by name`(kind: String) throws {
        let bytes = try SharedData.bytes("testdata/kubernetes/objects/\(kind).json")
        let original = try KubernetesJSON.decode(JSONValue.self, from: bytes)
        let copy = try roundTrip(bytes)
        var lost: Set<String> = []
        compare(original, copy, path: "", lost: &lost)
        let reasons = Manifests.read(bytes, file: kind).errors
        let refused = reasons.filter { $0.error.reason == .unsupported }.map(\.error.path.description)
        #expect(!reasons.contains { $0.error.reason == .unknownField }, "\(reasons)")
        let dropped = lost.filter { path in !refused.contains { path == $0 || path.hasPrefix($0 + ".") } }
        // Dropped by design: the schema says so, and the reference of fields with it.
        let expected = dropped.filter {
            $0.hasSuffix("metadata.managedFields") || $0.hasSuffix("metadata.selfLink") || $0.hasPrefix("status")
        }
        #expect(dropped.subtracting(expected).sorted() == [])
    }

    @Test(arguments: [
        "core.v1.Event", "core.v1.Endpoints", "core.v1.Node", "core.v1.Status", "discovery.k8s.io.v1.EndpointSlice",
    ])
    func `fields of the other kinds come back the same but for the listed ones`(kind: String) throws {
        let bytes = try SharedData.bytes("testdata/kubernetes/objects/\(kind).json")
        let original = try KubernetesJSON.decode(JSONValue.self, from: bytes)
        var lost: Set<String> = []
        compare(original, try roundTrip(bytes), path: "", lost: &lost)
        let known: Set<String> = [
            "metadata.managedFields", "metadata.selfLink", "spec.configSource", "status.config", "status.features",
            "spec.podPreemptionPolicy", "metadata.shardInfo", "status.runtimeHandlers", "status.volumesAttached",
            "status.declaredFeatures", "status.nodeInfo.swap",
        ]
        #expect(lost.subtracting(known).sorted() == [])
    }

    private func roundTrip(_ bytes: [UInt8]) throws -> JSONValue {
        let head = try KubernetesJSON.decode(JSONValue.self, from: bytes)
        let version = try #require(head["apiVersion"]?.stringValue)
        let kind = try #require(head["kind"]?.stringValue)
        if kind == "Status" { return try roundTrip(bytes, as: Status.self) }
        let type = try #require(KubernetesKinds.type(apiVersion: version, kind: kind))
        return try roundTrip(bytes, as: type)
    }

    private func roundTrip<Value: Codable>(_ bytes: [UInt8], as type: Value.Type) throws -> JSONValue {
        let value = try KubernetesJSON.decode(type, from: bytes)
        return try KubernetesJSON.decode(JSONValue.self, from: KubernetesJSON.encode(value))
    }

    private func compare(_ left: JSONValue, _ right: JSONValue?, path: String, lost: inout Set<String>) {
        switch (left, right) {
        case (.object(let fields), .object(let others)):
            for (name, value) in fields {
                compare(value, others[name], path: path.isEmpty ? name : path + "." + name, lost: &lost)
            }
        case (.array(let items), .array(let others)) where items.count == others.count:
            for (index, item) in items.enumerated() {
                compare(item, others[index], path: "\(path)[\(index)]", lost: &lost)
            }
        case (.null, nil): return
        default: if left != right { lost.insert(path) }
        }
    }

    // MARK: - Manifests

    /// Mistakes of the manifests' authors, and patches and templates that are no whole objects.
    static let broken: [String: String] = [
        "generic/kubernetes-client_java/util/src/test/resources/expected.yaml": "no selector; requests over limits",
        "generic/kubernetes-client_python/kubernetes/e2e_test/test_yaml/apps-deployment-2.yaml": "removed apiVersion",
        "generic/kubernetes_examples/_archived/openshift-origin/etcd-controller.yaml": "duplicate key",
        "generic/kubernetes_examples/_archived/openshift-origin/etcd-discovery-controller.yaml": "duplicate key",
        "generic/kubernetes_examples/_archived/persistent-volume-provisioning/quobyte/quobyte-admin-secret.yaml":
            "duplicate key",
        "generic/kubernetes_examples/_archived/storage/vitess/vttablet-pod-template.yaml": "template",
        "generic/kubernetes_examples/_archived/volumes/cinder/cinder-web.yaml": "protocol in lower case",
        "generic/kubernetes_examples/_archived/volumes/scaleio/sc-pvc.yaml": "duplicate key",
        "wasm-docs/WasmEdge_docs/docs__develop__deploy__kubernetes__knative.2.yaml": "a Service of another group",
        "wasm/spinkube_spin-operator/config/default/manager_config_patch.yaml": "patch",
        "wasm/spinkube_spin-operator/config/default/manager_webhook_patch.yaml": "patch",
    ]

    @Test func `real manifests are accepted, or refused for a kind or field that the reference names`() throws {
        let root = "testdata/kubernetes/manifests"
        var accepted = 0
        var surprising: [String: [String]] = [:]
        for suffix in [".yaml", ".yml", ".json"] {
            for file in SharedData.files(under: root, withSuffix: suffix) {
                let options = Manifests.Options(directory: "/manifests")
                let result = Manifests.read(try SharedData.bytes(file), file: file, options: options)
                if result.errors.isEmpty { accepted += 1 }
                let surprises = result.errors.filter { !Self.isStated($0.error) }
                if !surprises.isEmpty {
                    surprising[String(file.dropFirst(root.count + 1))] = surprises.map(\.description)
                }
            }
        }
        #expect(accepted >= 85)
        for (file, errors) in surprising where Self.broken[file] == nil { Issue.record("\(file): \(errors)") }
        #expect(surprising.keys.sorted() == Self.broken.keys.sorted())
    }

    /// A kind we do not have, or a field that the schema refuses.
    static func isStated(_ error: FieldError) -> Bool {
        error.reason == .unsupported || error.path.description == "kind" && error.reason == .notSupported
    }
}

@Suite struct FieldsDocumentTests {
    @Test func `the reference of fields is current`() throws {
        let url = URL(filePath: SharedData.packageRoot + "/docs/reference/fields.md")
        let written = String(decoding: try Data(contentsOf: url), as: UTF8.self)
        #expect(written == Manifests.fieldsDocument(), "run swiftlet validate --fields > docs/reference/fields.md")
    }
}
