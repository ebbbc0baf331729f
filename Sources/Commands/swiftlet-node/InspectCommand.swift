// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet inspect`.

import ArgumentParser
import Glibc
import Linux
import WASI
import Wasm

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a module imports, exports and needs.",
        discussion: """
            Examples:
              swiftlet inspect app.wasm
              swiftlet inspect app.wasm -o json

            Exits with 1 when the file is not a valid module.
            """)

    enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(name: .shortAndLong, help: "Output: table (default) or json.")
    var output: OutputFormat = .table

    @Argument(help: ArgumentHelp("The module.", valueName: "APP.wasm"))
    var path: String

    func run() throws {
        let module: Module
        do {
            let bytes = try Files.read(path, limit: DecodingLimits.standard.moduleBytes)
            module = try Module.load(ModuleBytes(bytes))
        } catch let error as WasmError {
            throw CommandFailure("\(path): \(error)")
        } catch let error as SystemError {
            throw CommandFailure("\(error)")
        }
        let host = WASIContext(WASIConfiguration())
        let report = ModuleReport(module) { module, name, type in
            guard let type, host.function(module: module, name: name, type: type) != nil else { return nil }
            return "WASI preview 1"
        }
        try Descriptors.writeAll(STDOUT_FILENO, output == .json ? report.json() : report.text())
    }
}
