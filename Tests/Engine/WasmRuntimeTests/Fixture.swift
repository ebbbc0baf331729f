// SPDX-License-Identifier: Apache-2.0
// Swiftlet: modules that are written in the text format.
import FoundationEssentials
import Wasm

/// A module as people read it and as the engine does: the base64 of what `wasm-tools parse` makes of the text
/// (`wat2wasm` where it holds exceptions of before version 3.0).
struct Fixture {
    var text: String
    var bytes: [UInt8]

    init(_ text: String, binary: String) {
        self.text = text
        bytes = Data(base64Encoded: binary).map { [UInt8]($0) } ?? []
    }

    /// Decoded and validated.
    func module(features: FeatureSet = .supported) throws -> Module {
        try Module.load(ModuleBytes(bytes), features: features)
    }
}
