// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the root command. One verb, one file.

import ArgumentParser

struct Swiftlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftlet",
        abstract: "Run WebAssembly workloads the Kubernetes way, each in a sandboxed process.",
        discussion: """
            Examples:
              swiftlet run --dir ./data:/data app.wasm
              swiftlet compile app.wasm
              swiftlet up -f manifests/wasm-api.yaml
              swiftlet get pods
            """,
        version: Version.number,
        subcommands: [
            UpCommand.self,
            NodeCommand.self,
            RunCommand.self,
            CompileCommand.self,
            InspectCommand.self,
            ValidateCommand.self,
            ApplyCommand.self,
            GetCommand.self,
            LogsCommand.self,
            DeleteCommand.self,
            ImageCommand.self,
            InstallCommand.self,
        ])
}
