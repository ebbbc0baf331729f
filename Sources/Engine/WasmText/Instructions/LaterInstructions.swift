// SPDX-License-Identifier: Apache-2.0
// Swiftlet: instructions that the text format knows and the engine's own table may not.

/// Names by opcode, in order from a first opcode on (core specification §A.7 and the proposals for legacy exceptions and
/// wide arithmetic). Numbers as in ``Wasm/Opcode``.
enum LaterInstructions {
    static var all: [(name: String, code: UInt16)] {
        groups.flatMap { first, names in
            names.split(separator: " ").enumerated().map { (String($1), first + UInt16($0)) }
        }
    }

    private static let groups: [(first: UInt16, names: String)] = [
        (0x06, "try catch throw rethrow throw_ref"), (0x18, "delegate catch_all"), (0x1F, "try_table"),
        (0x113, "i64.add128 i64.sub128 i64.mul_wide_s i64.mul_wide_u"),
    ]
}
