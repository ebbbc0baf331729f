// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code of a module, and giving it to an instance.

import CInterpreter
public import NativeImage
import Wasm

/// Native code of one module, ready to run.
///
/// It is trusted: whoever makes one from an image must know that the image was made here, from this module.
public final class NativeCode {
    public let image: NativeImage
    /// Keeps the image's memory.
    private let owner: AnyObject?

    /// - Parameters:
    ///   - image: its text must be executable where it stands.
    ///   - owner: kept as long as the code is in use.
    public init(_ image: NativeImage, owner: AnyObject? = nil) {
        self.image = image
        self.owner = owner
    }

    /// Address space that a memory needs for compiled code to leave out its checks: every 32-bit address with every
    /// 32-bit offset, and the longest access (16 bytes).
    static let memoryReservation: UInt64 = 8 << 30 + 65_536
}

/// Why native code cannot be used for an instance; the interpreter does its work.
public struct NativeCodeMismatch: Error, Sendable, CustomStringConvertible {
    public let description: String
}

extension NativeCode {
    /// Whether the code fits a module and this build of the engine; cheap, since it is asked at each start.
    func check(_ module: Module) throws(NativeCodeMismatch) {
        func expect(_ what: String, _ expected: Int, _ found: Int) throws(NativeCodeMismatch) {
            guard expected == found else {
                throw NativeCodeMismatch(description: "native code: \(what): expected \(expected), found \(found)")
            }
        }
        try expect("version of the interface", Int(sw_native_abi), Int(image.abiVersion))
        try expect("bytes of the module", module.bytes.count, image.moduleByteCount)
        try expect("functions", module.functionTypeIndices.count, image.functions.count)
        try expect("types", module.types.count, image.thunks.count)
    }

    func address(_ offset: UInt32) -> UnsafeRawPointer? {
        offset == NativeImageFormat.absent ? nil : image.text.baseAddress.map { $0 + Int(offset) }
    }
}

extension InstanceState {
    /// Points the instance's functions to their native code.
    func use(_ code: NativeCode) throws(NativeCodeMismatch) {
        try code.check(module)
        guard store.limits.fuel == nil else {
            throw NativeCodeMismatch(description: "native code: it does not count, and the store has fuel")
        }
        if let memory, !memory.pointer.pointee.is_64,
            memory.pointer.pointee.reserved_byte_count < NativeCode.memoryReservation
        {
            throw NativeCodeMismatch(description: "native code: memory 0 has no guard region")
        }
        try store.prepareNativeCode()
        guard let text = code.image.text.baseAddress else { return }
        guard sw_native_add_text(store.machine, text, UInt64(code.image.text.count)) else {
            throw NativeCodeMismatch(description: "native code: no memory for its place")
        }
        store.add(code, for: self)
        guard let entry = MemoryLayout<sw_function>.offset(of: \.entry) else { return }
        let handler = sw_handler_address(Int32(SW_native_entry))
        for (index, type) in module.functionTypeIndices.enumerated() {
            guard let body = code.address(code.image.functions[index]) else { continue }
            let definition = store.types.pointer(types[Int(type)])
            if definition.pointee.thunk == nil { definition.pointee.thunk = code.address(code.image.thunks[Int(type)]) }
            guard definition.pointee.thunk != nil else { continue }
            let function = functions[importedFunctionCount + index]
            function.pointee.native = body
            UnsafeMutableRawPointer(function).storeBytes(of: handler, toByteOffset: entry, as: UInt64.self)
        }
    }
}

extension Store {
    /// Must happen before a filter forbids the system calls; done by itself at the first use otherwise.
    public func prepareNativeCode() throws(NativeCodeMismatch) {
        guard machine.pointee.native == nil else { return }
        let error = sw_native_prepare(machine, UInt64(limits.nativeStackBytes))
        guard error == 0 else {
            throw NativeCodeMismatch(description: "native code: no stack for it (errno \(error))")
        }
    }
}
