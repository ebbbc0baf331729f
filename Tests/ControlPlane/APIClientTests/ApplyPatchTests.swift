// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of the three-way merge.

import APIClient
import KubernetesAPI
import Testing

@Suite struct ApplyPatchTests {
    private func json(_ text: String) throws -> JSONValue { try KubernetesJSON.decode(JSONValue.self, from: text) }

    @Test func `a manifest applied twice changes nothing`() throws {
        let manifest = try json(#"{"metadata":{"name":"a"},"spec":{"replicas":3,"list":[1,2]}}"#)
        let live = try json(#"{"metadata":{"name":"a","uid":"u"},"spec":{"replicas":3,"list":[1,2],"extra":true}}"#)
        #expect(ApplyPatch.make(desired: manifest, lastApplied: manifest, live: live) == nil)
    }

    @Test func `a changed field is set and what others set stays`() throws {
        let desired = try json(#"{"spec":{"replicas":5}}"#)
        let live = try json(#"{"spec":{"replicas":3,"clusterIP":"127.96.0.1"}}"#)
        let patch = ApplyPatch.make(desired: desired, lastApplied: nil, live: live)
        #expect(patch == (try json(#"{"spec":{"replicas":5}}"#)))
    }

    @Test func `a field that the manifest no longer has is removed`() throws {
        let last = try json(#"{"spec":{"paused":true,"gone":1}}"#)
        let live = try json(#"{"spec":{"paused":true,"other":2}}"#)
        let patch = ApplyPatch.make(desired: try json(#"{"spec":{}}"#), lastApplied: last, live: live)
        #expect(patch == (try json(#"{"spec":{"paused":null}}"#)))
    }

    @Test func `a list is replaced as a whole`() throws {
        let patch = ApplyPatch.make(
            desired: try json(#"{"a":[1]}"#), lastApplied: nil, live: try json(#"{"a":[1,2]}"#))
        #expect(patch == (try json(#"{"a":[1]}"#)))
    }

    @Test(arguments: [
        ("yes", "'yes'"), ("plain text", "plain text"), ("1.5", "'1.5'"), ("", "''"), ("a: b", "'a: b'"),
        ("it's", "it's"), ("- x", "'- x'"), ("null", "'null'"), ("2026-01-01", "'2026-01-01'"), ("1e3", "'1e3'"),
        ("a\u{7}b", "\"a\\U00000007b\""), ("10.1.2.3", "'10.1.2.3'"), ("8080/TCP", "8080/TCP"),
    ])
    func `a string is quoted where YAML would read something else`(text: String, yaml: String) {
        #expect(JSONValue.object(["k": .string(text)]).yaml() == "k: \(yaml)\n")
    }

    @Test func `nested mappings and sequences are laid out as kubectl does`() throws {
        let value = try json(#"{"a":{"b":[{"c":1,"d":[2,3]},"x"]},"e":{},"f":[],"g":"l1\nl2\n"}"#)
        let expected = "a:\n  b:\n  - c: 1\n    d:\n    - 2\n    - 3\n  - x\ne: {}\nf: []\ng: |\n  l1\n  l2\n"
        #expect(value.yaml() == expected)
    }
}
