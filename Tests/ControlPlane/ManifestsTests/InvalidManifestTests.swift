// SPDX-License-Identifier: Apache-2.0
// Swiftlet: wrong manifests are refused at the right place.

import KubernetesAPI
import Manifests
import TestSupport
import Testing

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data"))
struct InvalidManifestTests {
    static let container = "spec.template.spec.containers[0]"

    /// File, line of the mistake, path of the first error, and its cause as the API reports it.
    static let expected: [(file: String, line: Int, path: String, reason: FieldError.Reason)] = [
        ("missing-selector", 6, "spec.selector", .required),
        ("selector-mismatch", 13, "spec.template.metadata.labels", .invalid),
        ("negative-replicas", 6, "spec.replicas", .invalid),
        ("replicas-string", 6, "spec.replicas", .typeInvalid),
        ("unknown-field", 6, "spec.replicaz", .unknownField),
        ("duplicate-key", 7, "spec.replicas", .duplicateField),
        ("no-containers", 16, "spec.template.spec.containers", .required),
        ("dup-container-names", 21, "spec.template.spec.containers[1].name", .duplicate),
        ("no-image", 17, container + ".image", .required),
        ("bad-name-upper", 4, "metadata.name", .invalid),
        ("bad-name-long", 4, "metadata.name", .invalid),
        ("bad-label-value", 9, "spec.selector.matchLabels[app]", .invalid),
        ("bad-label-key", 9, "spec.selector.matchLabels[-bad/ key]", .invalid),
        ("bad-port", 20, container + ".ports[0].containerPort", .invalid),
        ("bad-quantity", 23, container + ".resources.limits[memory]", .invalid),
        ("request-over-limit", 23, container + ".resources.requests[cpu]", .invalid),
        ("restart-policy-never", 21, "spec.template.spec.restartPolicy", .notSupported),
        ("wrong-apiversion", 1, "apiVersion", .notSupported),
        ("removed-apiversion", 1, "apiVersion", .notSupported),
        ("missing-kind", 1, "kind", .required),
        ("missing-name", 3, "metadata.name", .required),
        ("tab-indent", 6, "", .typeInvalid),
        ("bad-indent", 7, "", .typeInvalid),
        ("list-instead-of-map", 9, "spec.selector.matchLabels", .typeInvalid),
        ("volume-mount-missing-volume", 22, container + ".volumeMounts[0].name", .notFound),
        ("dup-mountpath", 23, container + ".volumeMounts[1].mountPath", .invalid),
        ("env-value-and-valuefrom", 22, container + ".env[0].valueFrom", .invalid),
        ("bad-env-name", 22, container + ".env[0].name", .invalid),
        ("probe-two-handlers", 22, container + ".livenessProbe", .forbidden),
        ("maxsurge-both-zero", 10, "spec.strategy.rollingUpdate.maxUnavailable", .invalid),
        ("recreate-with-rolling", 10, "spec.strategy.rollingUpdate", .forbidden),
        ("bool-as-string-env", 22, container + ".env[0].value", .typeInvalid),
        ("int-as-string-env", 22, container + ".env[0].value", .typeInvalid),
        ("yes-unquoted-env", 22, container + ".env[0].value", .typeInvalid),
    ]

    @Test func `each wrong file of the collection is refused at the place of its mistake`() throws {
        for test in Self.expected {
            let file = "testdata/kubernetes/invalid/\(test.file).yaml"
            let result = Manifests.read(try SharedData.bytes(file), file: test.file)
            let first = try #require(result.errors.first, "\(test.file)")
            #expect(first.mark?.line == test.line, "\(first)")
            #expect(first.error.path.description == test.path, "\(first)")
            #expect(first.error.reason == test.reason, "\(first)")
            let others = result.errors.dropFirst().filter { $0.error.reason != first.error.reason }
            #expect(others == [], "follow-up errors")
        }
    }

    @Test func `the list above is the whole collection`() throws {
        let files = SharedData.files(under: "testdata/kubernetes/invalid", withSuffix: ".yaml")
        #expect(files.count == Self.expected.count)
        #expect(Set(Self.expected.map(\.file)).count == files.count)
    }

    @Test func `the API answers 400 for what it cannot read and 422 for wrong values`() throws {
        let table = String(
            decoding: try SharedData.bytes("testdata/kubernetes/invalid/EXPECTED.tsv"), as: UTF8.self)
        for row in table.split(separator: "\n").dropFirst() {
            let columns = row.split(separator: "\t").map(String.init)
            guard let code = Int32(columns[1]), code == 400 || code == 422 else { continue }
            let bytes = try SharedData.bytes("testdata/kubernetes/invalid/" + columns[0])
            let error = #expect(throws: ManifestError.self) { try Manifests.decode(json: bytes) }
            // A quantity is refused with its path here, where upstream's decoder just fails.
            let isQuantity = columns[0] == "bad-quantity.yaml"
            let isKind = columns[0] == "missing-kind.yaml"
            if !isQuantity, !isKind { #expect(error?.status.code == code, "\(columns[0])") }
        }
    }
}
