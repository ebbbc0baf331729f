// SPDX-License-Identifier: Apache-2.0
// Swiftlet: manifests in files, folders and on standard input.

import FoundationEssentials
import KubernetesAPI
import Manifests
import Testing

@Suite struct ManifestFileTests {
    private static func namespace(_ name: String) -> String {
        "{apiVersion: v1, kind: Namespace, metadata: {name: \(name)}}\n"
    }

    private func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let folder = TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, text) in files {
            let path = folder + "/" + name
            let parent = path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        try body(folder)
    }

    private enum TemporaryFolder {
        static func make() -> String {
            FileManager.default.temporaryDirectory.path + "/swiftlet-manifests-\(UInt64.random(in: 0...UInt64.max))"
        }
    }

    @Test func `a folder gives its manifests in sorted order, with those below it only when asked`() throws {
        let files = [
            "b.yaml": Self.namespace("b"), "a.yml": Self.namespace("a"),
            "c.json": #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"c"}}"#,
            "notes.txt": "no manifest", "sub/d.yaml": Self.namespace("d"),
        ]
        try withFolder(files) { folder in
            let flat = Manifests.load(paths: [folder])
            #expect(flat.errors == [])
            #expect(flat.objects.map(\.object.metadata.name) == ["a", "b", "c"])
            let deep = Manifests.load(paths: [folder + "/"], recursive: true)
            #expect(deep.objects.map(\.object.metadata.name) == ["a", "b", "c", "d"])
            #expect(deep.objects.last?.file == folder + "/sub/d.yaml")
        }
    }

    @Test func `module paths start from the file's own folder`() throws {
        let pod =
            "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: ../x/./app.wasm}]}}"
        try withFolder(["sub/pod.yaml": pod]) { folder in
            let result = Manifests.load(paths: [folder + "/sub/pod.yaml"])
            #expect((result.objects.first?.object as? Pod)?.spec.containers.first?.image == folder + "/x/app.wasm")
        }
    }

    @Test func `errors name their file, and all files are read`() throws {
        try withFolder(["a.yaml": "kind: X\n", "b.yaml": Self.namespace("B"), "c.yaml": Self.namespace("c")]) {
            folder in
            let result = Manifests.load(paths: [folder, folder + "/none.yaml"])
            #expect(result.errors.map(\.file) == [folder + "/a.yaml", folder + "/b.yaml", folder + "/none.yaml"])
            let report = ValidationReport(result)
            #expect(!report.valid)
            #expect(report.validLines == ["\(folder)/c.yaml: namespace/c valid"])
            #expect(report.problemLines.last == "\(folder)/none.yaml: no such file or folder")
        }
    }

    @Test func `the same object twice is refused with both places`() throws {
        try withFolder(["a.yaml": Self.namespace("x"), "b.yaml": "\n" + Self.namespace("x")]) { folder in
            let result = Manifests.load(paths: [folder])
            #expect(
                result.errors.map(\.description) == [
                    "\(folder)/b.yaml:2:1: namespace/x is already defined at \(folder)/a.yaml:1"
                ])
        }
    }

    @Test func `standard input is the file -`() {
        let result = Manifests.load(paths: ["-"], standardInput: { Array(Self.namespace("x").utf8) })
        #expect(ValidationReport(result).validLines == ["-: namespace/x valid"])
        #expect(Manifests.load(paths: ["-"], standardInput: { [] }).errors.count == 1)
    }

    @Test func `an empty folder is an error`() throws {
        try withFolder(["sub/a.yaml": Self.namespace("x")]) { folder in
            #expect(Manifests.load(paths: [folder]).errors.count == 1)
        }
    }

    @Test func `the report as JSON has places and reasons`() throws {
        let result = Manifests.load(
            paths: ["-"], standardInput: { Array("kind: Namespace\napiVersion: v1\nmetadata: {name: A}\n".utf8) })
        let json = try KubernetesJSON.decode(JSONValue.self, from: KubernetesJSON.encode(ValidationReport(result)))
        #expect(json["valid"] == .bool(false))
        let error = json["errors"]?.arrayValue?.first
        #expect(error?["line"] == .integer(3))
        #expect(error?["column"] == .integer(18))
        #expect(error?["path"] == .string("metadata.name"))
        #expect(error?["reason"] == .string("FieldValueInvalid"))
    }
}
