// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the export that is run.

import LaunchProtocol
import Wasm
import WasmRuntime

struct Entrypoint {
    private let instance: Instance
    private let function: Function

    /// Finds the export and calls `_initialize` where the module is a reactor (WASI application ABI).
    init(_ spec: LaunchSpec, in instance: Instance) throws(LaunchFailure) {
        self.instance = instance
        let named = instance.exportedFunction(spec.entrypoint)
        // A module without _start may export its main function with the empty name, as wasmtime's run takes it too.
        let unnamed = named == nil && spec.entrypoint == "_start" ? instance.exportedFunction("") : nil
        guard let function = named ?? unnamed else {
            throw LaunchFailure(stage: .instantiation, message: Self.missing(spec.entrypoint, instance.module))
        }
        guard function.type.parameters.isEmpty else {
            throw LaunchFailure(
                stage: .instantiation,
                message: "export \(spec.entrypoint) has type \(function.type), expected one without parameters")
        }
        self.function = function
        guard unnamed != nil || spec.entrypoint != "_start" && spec.entrypoint != "_initialize" else { return }
        switch instance.invoke("_initialize") {
        case nil, .returned: return
        case .exited(let code):
            throw LaunchFailure(stage: .instantiation, message: "_initialize called proc_exit(\(code))")
        case .trapped(let trap):
            throw LaunchFailure(stage: .instantiation, message: "_initialize trapped: \(trap)")
        }
    }

    func call() -> Invocation { instance.store.invoke(function, []) }

    private static func missing(_ name: String, _ module: Module) -> String {
        // LIMIT: a hostile module may export a million functions.
        let names = module.exports.prefix(1000).filter {
            if case .function = $0.description { true } else { false }
        }.prefix(20).map(\.name)
        let known = names.isEmpty ? "it exports no functions" : "it exports \(names.joined(separator: ", "))"
        return "the module exports no function \(name); \(known)"
    }
}
