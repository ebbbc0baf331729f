// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the frames of a run that trapped, through native and interpreted code.

import CInterpreter
import NativeImage
import Wasm

extension Store {
    /// The innermost frames of the run that just trapped.
    func backtrace() -> [Trap.Frame] {
        var frames: [(frame: Trap.Frame, instance: InstanceState)] = []
        if let state = machine.pointee.native {
            for index in 0..<state.pointee.kept_count {
                let kept = sw_native_kept(state, index)
                guard let place = kept.place else { continue }
                if kept.offset == .max {
                    if let frame = nativeFrame(place) { frames.append(frame) }
                } else {
                    let function = UnsafeMutablePointer(mutating: place.assumingMemoryBound(to: sw_function.self))
                    if let frame = frame(function, code: Int(kept.offset)) { frames.append(frame) }
                }
            }
            state.pointee.kept_count = 0
        }
        visitInterpreterFrames { function, offset in
            // LIMIT: enough to find one's way; an exhausted stack has a million frames.
            guard frames.count < Trap.frameCountMaximum, let frame = frame(function, code: offset) else { return false }
            frames.append(frame)
            return true
        }
        return withLines(Array(frames.prefix(Trap.frameCountMaximum)))
    }

    /// The frames with lines of source code, where their modules have them.
    private func withLines(_ frames: [(frame: Trap.Frame, instance: InstanceState)]) -> [Trap.Frame] {
        var result = frames.map(\.frame)
        var served: [ObjectIdentifier] = []
        for (_, instance) in frames where !served.contains(ObjectIdentifier(instance)) {
            served.append(ObjectIdentifier(instance))
            let own = frames.indices.filter { frames[$0].instance === instance && result[$0].offset != nil }
            let lines = SourceLines.locations(of: own.compactMap { result[$0].offset }, in: instance.module)
            for (index, line) in zip(own, lines) { result[index].source = line }
        }
        return result
    }

    private func frame(
        _ function: UnsafeMutablePointer<sw_function>, code offset: Int
    ) -> (frame: Trap.Frame, instance: InstanceState)? {
        guard let context = function.pointee.context else { return nil }
        let instance = InstanceState.of(context)
        let frame = Trap.Frame(
            function: function.pointee.index, name: instance.module.functionName(function.pointee.index),
            offset: instance.moduleOffset(of: function, code: offset))
        return (frame, instance)
    }

    /// Nil for the glue between the tiers.
    private func nativeFrame(_ pc: UnsafeRawPointer) -> (frame: Trap.Frame, instance: InstanceState)? {
        for (code, instance) in nativeCodes {
            guard let text = code.image.text.baseAddress, pc >= text, pc < text + code.image.text.count,
                let index = code.image.function(at: pc - text)
            else { continue }
            let function = UInt32(instance.importedFunctionCount + index)
            let frame = Trap.Frame(
                function: function, name: instance.module.functionName(function),
                offset: code.image.moduleOffset(at: pc - text))
            return (frame, instance)
        }
        return nil
    }

    /// Calls `visit` with function and code offset of the interpreter's frames, innermost first, until it says false.
    ///
    /// A run that native code ended begins with the call of it.
    func visitInterpreterFrames(_ visit: (UnsafeMutablePointer<sw_function>, Int) -> Bool) {
        guard var pc = UnsafeRawPointer(machine.pointee.trap_pc), var sp = machine.pointee.trap_sp else { return }
        let machineBase = UnsafeRawPointer(machine)
        let exitCode = MemoryLayout<sw_machine>.offset(of: \.exit_code).map { machineBase + $0 }
        let crossCode = MemoryLayout<sw_machine>.offset(of: \.cross_return_code).map { machineBase + $0 }
        var isFirst = true
        while pc != exitCode {
            let next: (pc: UInt64, sp: UInt64)
            if pc == crossCode {
                next = (sp[0], sp[1])
            } else {
                // A return address belongs to the instruction before it.
                guard let (function, offset) = codeArena.find(isFirst ? pc : pc - 1) else { return }
                if !visit(function, offset) { return }
                let header = Int(function.pointee.header)
                next = (sp[header], sp[header + 1])
            }
            isFirst = false
            guard let nextPc = UnsafeRawPointer(bitPattern: UInt(next.pc)),
                let nextSp = UnsafeMutablePointer<UInt64>(bitPattern: UInt(next.sp))
            else { return }
            (pc, sp) = (nextPc, nextSp)
        }
    }
}
