// SPDX-License-Identifier: Apache-2.0
// Swiftlet: small modules for tests, written as instructions.
import Wasm

/// Builds the binary of a module with one memory and some functions; imports come first in the index space.
struct ModuleBuilder {
    var imports: [(module: String, name: String, type: FunctionType)] = []
    var functions: [(name: String, type: FunctionType, locals: [ValueType], code: [UInt8])] = []
    /// Pages: minimum and maximum.
    var memory: (UInt32, UInt32)?

    mutating func add(
        _ name: String, _ parameters: [ValueType] = [], _ results: [ValueType] = [], locals: [ValueType] = [],
        code: [UInt8]
    ) {
        functions.append((name, FunctionType(parameters: parameters, results: results), locals, code))
    }

    /// Decoded and validated.
    func build() throws -> Module { try Module.load(ModuleBytes(bytes)) }

    var bytes: [UInt8] {
        let types = imports.map(\.type) + functions.map(\.type)
        var module: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
        func section(_ identifier: UInt8, _ items: [[UInt8]]) {
            let body = leb(items.count) + items.flatMap { $0 }
            if !items.isEmpty { module += [identifier] + leb(body.count) + body }
        }
        section(
            1, types.map { [0x60] + list($0.parameters) + list($0.results) })
        section(2, imports.enumerated().map { name($1.module) + name($1.name) + [0] + leb($0) })
        section(3, functions.indices.map { leb(imports.count + $0) })
        let limits: [UInt8]? = memory.map { [1] + leb(Int($0.0)) + leb(Int($0.1)) }
        section(5, limits.map { [$0] } ?? [])
        section(7, functions.enumerated().map { name($1.name) + [0] + leb(imports.count + $0) })
        section(
            10,
            functions.map { function in
                let locals: [UInt8] = function.locals.flatMap { [1] + $0.encoding }
                return vector(leb(function.locals.count) + locals + function.code + [0x0B])
            })
        let names =
            leb(functions.count)
            + functions.enumerated().flatMap { leb(imports.count + $0) + name("fn_" + $1.name) }
        let payload = name("name") + [1] + vector(names)
        return module + [0] + leb(payload.count) + payload
    }

    private func list(_ types: [ValueType]) -> [UInt8] { leb(types.count) + types.flatMap(\.encoding) }
    private func vector(_ bytes: [UInt8]) -> [UInt8] { leb(bytes.count) + bytes }
    private func name(_ text: String) -> [UInt8] { vector(Array(text.utf8)) }
}

/// Unsigned LEB128; for small non-negative constants below 64 also the signed form.
func leb(_ value: Int) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    repeat {
        let low = UInt8(rest & 0x7F)
        rest >>= 7
        bytes.append(rest == 0 ? low : low | 0x80)
    } while rest != 0
    return bytes
}
