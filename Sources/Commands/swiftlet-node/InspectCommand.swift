// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet inspect`.

import ArgumentParser
import Glibc
import Linux
import WASI
import Wasm
import WasmText

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a module imports, exports and needs.",
        discussion: """
            Examples:
              swiftlet inspect app.wasm
              swiftlet inspect app.wat
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
            module = try TextFormat.load(ModuleBytes(bytes), name: path)
        } catch let error as TextFormat.LoadError {
            throw CommandFailure(error.isText ? "\(error)" : "\(path): \(error)")
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
