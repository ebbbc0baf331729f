// SPDX-License-Identifier: Apache-2.0
// Swiftlet: runs modules in one process and prints what they did, for hack/fuzz/differential.py.
//
// Reads paths from standard input, one a line. For each: instantiates the module without imports, calls every exported
// function that takes only numbers three times, prints a line per call, then the values of the exported globals and the
// checksums of the exported memories, then `end`. Exports go by their position. The script asks another engine the same
// and says it in the same words.

import Glibc
import Wasm
import WasmRuntime

/// Arguments, by position; the script has the same.
private let patterns: [UInt64] = [
    0, 1, UInt64.max, 0x8000_0000_8000_0000, 0x7FFF_FFFF_7FFF_FFFF, 0x3FF0_0000_3F80_0000, 0xC010_0000_C080_0000, 37,
]

private func slot(_ bits: UInt64, _ type: ValueType) -> UInt64 {
    type == .i32 || type == .f32 ? bits & 0xFFFF_FFFF : bits
}

/// The value in hexadecimal digits; all NaNs are one.
private func text(_ slot: UInt64, _ type: ValueType) -> String {
    var slot = slot
    if type == .f32, Float(bitPattern: UInt32(truncatingIfNeeded: slot)).isNaN { slot = 0x7FC0_0000 }
    if type == .f64, Double(bitPattern: slot).isNaN { slot = 0x7FF8_0000_0000_0000 }
    return "\(type):\(String(slot, radix: 16))"
}

private func isNumber(_ type: ValueType) -> Bool { [.i32, .i64, .f32, .f64].contains(type) }

/// Trap reasons in classes that engines agree on.
private func text(_ trap: Trap) -> String {
    switch trap.reason {
    case .undefinedElement, .outOfBoundsTableAccess: "trap table"
    default: "trap \(trap.reason)"
    }
}

private func checksum(_ memory: Memory) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    let bytes = UnsafeRawBufferPointer(start: memory.guest.base, count: memory.byteCount)
    for byte in bytes { crc = crcTable[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8 }
    return ~crc
}

/// CRC-32 as zlib has it (ISO 3309).
private let crcTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
}

private func call(_ instance: Instance, _ function: Function, position: Int, turn: Int) -> String? {
    let type = function.type
    guard type.parameters.allSatisfy(isNumber), type.results.allSatisfy(isNumber) else { return nil }
    let list = { (types: [ValueType]) in types.map(\.description).joined(separator: ",") }
    let name = "call \(position) \(turn) (\(list(type.parameters))) -> (\(list(type.results)))"
    let arguments = type.parameters.enumerated().map { slot(patterns[(position + 3 * turn + $0) % patterns.count], $1) }
    switch instance.store.invoke(function, arguments) {
    case .returned(let results):
        return (["\(name): returned"] + zip(results, type.results).map { text($0, $1) }).joined(separator: " ")
    case .exited: return "\(name): exited"
    case .trapped(let trap): return "\(name): \(text(trap))"
    }
}

private func check(_ path: String) throws {
    guard let file = fopen(path, "r") else {
        print("cannot open")
        return
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    let module: Module
    do { module = try Module.load(ModuleBytes(bytes)) } catch {
        print("refused: \(error)")
        return
    }
    let instance: Instance
    // An array of gigabytes is made in seconds, and a module may want many.
    var limits = StoreLimits()
    limits.memoryBytes = 256 << 20
    let store = try Store(limits: limits)
    do { instance = try Instance(module, in: store) } catch {
        if case .trapped(let trap) = error {
            print("instantiation: \(text(trap))")
        } else {
            print("instantiation: \(error)")
        }
        return
    }
    for (position, export) in module.exports.enumerated() {
        guard case .function(let function)? = instance.export(export.name) else { continue }
        for turn in 0..<3 {
            if let line = call(instance, function, position: position, turn: turn) { print(line) }
        }
    }
    for (position, export) in module.exports.enumerated() {
        switch instance.export(export.name) {
        case .global(let global) where isNumber(global.type.value):
            print("global \(position) (\(global.type.value)): \(text(global.value, global.type.value))")
        case .memory(let memory): print("memory \(position): \(memory.pageCount) \(checksum(memory))")
        default: continue
        }
    }
}

print("features: \(FeatureSet.supported)")
fflush(nil)
while let path = readLine() {
    try check(path)
    print("end")
    fflush(nil)
}
