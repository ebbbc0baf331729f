// SPDX-License-Identifier: Apache-2.0
// Swiftlet: decoder and validator against the suites of fixed-width and relaxed SIMD.
import TestSupport
import Testing
import Wasm

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `Vector instructions` {
    static let features: FeatureSet = [.supported, .simd, .relaxedSIMD]
    static let suites = ["simd", "proposals/relaxed-simd"].flatMap { group in
        ((try? SpecSuite.suites(in: group)) ?? []).map(\.path)
    }

    @Test(arguments: suites)
    func `are accepted and refused as their suites say`(path: String) throws {
        let tally = try `The core specification's suites`.run(path, features: Self.features)
        #expect(tally.wrong == [])
        #expect(tally.otherMessages == [])
        #expect(tally.skipped == [])
    }

    @Test func `are 236 and 20, each with a name of its own`() {
        let vectors = Opcode.allCases.filter { $0.vectorIndex != nil }
        #expect(vectors.count { $0.feature == .simd } == 236)
        #expect(vectors.count { $0.feature == .relaxedSIMD } == 20)
        #expect(Set(vectors.map(\.name)).count == 256)
        #expect(vectors.allSatisfy { $0.name.contains(".") })
        #expect(Opcode.i32x4ExtaddPairwiseI16x8U.name == "i32x4.extadd_pairwise_i16x8_u")
        #expect(Opcode.f64x2ConvertLowI32x4U.name == "f64x2.convert_low_i32x4_u")
        #expect(Opcode.i32x4RelaxedDotI8x16I7x16AddS.name == "i32x4.relaxed_dot_i8x16_i7x16_add_s")
    }

    /// A module that uses one instruction which the feature set leaves out.
    @Test(arguments: [(Opcode.i8x16Add, FeatureSet.simd), (.i8x16RelaxedSwizzle, .relaxedSIMD)])
    func `are refused by the feature's name`(opcode: Opcode, feature: FeatureSet) throws {
        // The number behind the prefix as LEB128 of two bytes; no locals, unreachable before, drop and end behind.
        let index = opcode.rawValue - 0x200
        let code: [UInt8] = [0x00, 0x00, 0xFD, UInt8(index & 0x7F) | 0x80, UInt8(index >> 7), 0x1A, 0x0B]
        let bytes: [UInt8] =
            [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 2 + UInt8(code.count), 1]
            + [UInt8(code.count)] + code
        let error = #expect(throws: WasmError.self) {
            try Module.load(ModuleBytes(bytes), features: Self.features.subtracting(feature))
        }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.contains("\(feature)") == true, "\(error?.message ?? "")")
    }
}
