// SPDX-License-Identifier: Apache-2.0
// Swiftlet: sets of features as people write them.

import Testing
import Wasm

@Suite struct `A list of features` {
    private static let all = FeatureSet.supported

    private static let lists: [(String, FeatureSet)] = [
        ("", all), ("all", all), ("mvp", []), ("wasm1", .mutableGlobals), ("mvp,all", all), ("simd", all),
        ("-gc", all.subtracting(.gc)), ("mvp,simd", .simd), ("mvp, simd", .simd),
        ("mvp,+simd,threads", [.simd, .threads]), ("mvp,relaxed-simd", [.relaxedSIMD, .simd]),
        ("mvp,gc", [.gc, .functionReferences, .referenceTypes, .bulkMemory]),
        ("-simd", all.subtracting([.simd, .relaxedSIMD])),
        ("-bulk-memory", all.subtracting([.bulkMemory, .referenceTypes, .functionReferences, .gc, .exceptions])),
        ("-gc,all", all),
        (
            "wasm2,-simd",
            [.mutableGlobals, .signExtension, .saturatingFloatToInt, .multiValue, .bulkMemory, .referenceTypes]
        ),
        ("wasm3", all.subtracting([.threads, .legacyExceptions])),
    ]

    @Test(arguments: lists)
    func `is applied from left to right, with what features are built on`(_ list: String, _ expected: FeatureSet) throws
    {
        #expect(try FeatureSet(list: list) == expected)
    }

    @Test(arguments: [
        ("simdd", "features: unknown name \"simdd\"; did you mean \"simd\"?"),
        ("wasm2,-tail-cal", "features: unknown name \"tail-cal\"; did you mean \"tail-call\"?"),
        ("-mvp", "features: \"mvp\" names many features; it can begin a list only"),
        ("wide-arithmetic", "features: \"wide-arithmetic\" is not supported by this engine"),
    ])
    func `with another name is refused`(_ list: String, _ message: String) {
        let error = #expect(throws: FeatureListError.self) { try FeatureSet(list: list) }
        #expect(error?.description == message)
    }

    @Test func `names what can be named where nothing is similar`() {
        let error = #expect(throws: FeatureListError.self) { try FeatureSet(list: "fast") }
        #expect(error?.description.contains("expected mutable-globals, ") == true)
        #expect(error?.description.hasSuffix("mvp, wasm1, wasm2, wasm3, all") == true)
    }
}
