// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how a guest's abort is reported.

public import Wasm

/// An abort of the guest (core specification §4.2.1 "trap") with the place where it happened.
public struct Trap: Error, Sendable {
    public struct Frame: Sendable, Hashable {
        /// Function index in its module.
        public var function: UInt32
        /// From the name section, or the name of an export.
        public var name: String?
        /// The instruction, in bytes from the module's start, as `wasm-objdump -d` counts.
        public var offset: Int?
        /// From `.debug_line`, where the module has it.
        public var source: SourceLine?
    }

    /// LIMIT: frames kept.
    public static let frameCountMaximum = 32

    public var reason: TrapReason
    /// Innermost first.
    public var frames: [Frame]
    /// Of an uncaught exception.
    public var exception: UncaughtException?

    public init(_ reason: TrapReason, frames: [Frame] = []) {
        self.reason = reason
        self.frames = frames
    }
}

extension Trap: CustomStringConvertible {
    /// The reason, then a line per frame.
    public var description: String {
        var text = "wasm trap: \(reason)"
        if let exception { text += ": \(exception)" }
        for (index, frame) in frames.enumerated() {
            text += "\n    \(index): \(frame.name ?? "function \(frame.function)")"
            if let offset = frame.offset { text += " at 0x\(String(offset, radix: 16))" }
            if let source = frame.source { text += " (\(source))" }
        }
        if frames.count == Self.frameCountMaximum { text += "\n    …" }
        return text
    }
}

extension Module {
    /// The name of a function: from the name section (core specification §7.4.1), else of an export or import.
    func functionName(_ index: UInt32) -> String? {
        if let name = NameSection(self).function(index) { return name }
        for export in exports where export.description == .function(index) { return export.name }
        var current: UInt32 = 0
        for entry in imports {
            guard case .function = entry.description else { continue }
            if current == index { return "\(entry.module).\(entry.name)" }
            current += 1
        }
        return nil
    }
}
