// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet validate`.

import ArgumentParser
import KubernetesAPI
import Manifests

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check manifests as `up` and `apply` would, without running anything.",
        discussion: """
            Every error of every file comes at once, with its line and column. The exit code is 0 when all objects are
            valid and 1 otherwise.

            Examples:
              swiftlet validate -f deployment.yaml service.yaml
              swiftlet validate -f manifests/ -R -o json
              kustomize build . | swiftlet validate -f -
            """)

    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .upToNextOption,
        help: "Files, folders, or - for standard input.")
    var filenames: [String] = []

    @Flag(name: [.customShort("R"), .long], help: "Look into the folders below a folder as well.")
    var recursive = false

    @Option(name: .shortAndLong, help: "Namespace that all objects must be in.")
    var namespace: String?

    @Flag(inversion: .prefixedNo, help: "Take unknown fields and duplicate keys for errors, not warnings.")
    var strict = true

    @Option(name: .shortAndLong, help: "Output: text or json.")
    var output: OutputFormat = .text

    @Flag(help: "Print what becomes of every field of every kind, as Markdown, and end.")
    var fields = false

    enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

    func validate() throws {
        if filenames.isEmpty, !fields { throw ValidationError("expected -f with a file, a folder or -") }
    }

    func run() throws {
        if fields { return print(Manifests.fieldsDocument(), terminator: "") }
        let result = Manifests.load(
            paths: filenames, recursive: recursive, namespace: namespace, strictness: strict ? .strict : .warn)
        let report = ValidationReport(result)
        switch output {
        case .json: print(try KubernetesJSON.encodeString(report, pretty: true))
        case .text:
            for line in report.validLines { print(line) }
            for line in report.problemLines { writeError(line + "\n") }
        }
        if !report.valid { throw ExitCode(1) }
    }
}
