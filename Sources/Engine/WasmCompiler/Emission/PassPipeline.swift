// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which of LLVM's passes full code gets, and in which order.

/// LLVM's O2 without what finds nothing in code that an optimiser has already made Wasm of: passes over globals,
/// attributes of functions, coroutines, profiles and libraries, tail calls (calls are never made jumps), idioms of the C
/// library, and most repetitions. What is here was kept because a program of hack/bench got slower without it, or because
/// what follows relies on it; see docs/performance.md.
enum PassPipeline {
    /// Callees first: inlining, then each function on its own.
    static let simplification =
        "cgscc(devirt<4>(inline,function<eager-inv;no-rerun>(\(scalar.joined(separator: ",")))))"

    private static let scalar = [
        "sroa<modify-cfg>", "early-cse<memssa>", "jump-threading", "correlated-propagation", branches, combine,
        branches, "reassociate",
        "loop-mssa(loop-instsimplify,loop-simplifycfg,licm<no-allowspeculation>,"
            + "loop-rotate<header-duplication;no-prepare-for-lto>,licm<allowspeculation>,"
            + "simple-loop-unswitch<no-nontrivial;trivial>)",
        branches, combine, "loop(indvars,loop-deletion,loop-unroll-full)", "gvn<>", "bdce", combine, "dse", hoisting,
        "simplifycfg<bonus-inst-threshold=1;switch-range-to-icmp;keep-loops;hoist-common-insts;sink-common-insts>",
        combine,
    ]

    /// Loops and neighbouring operations become vectors.
    static let vectorisation = function([
        "loop(loop-rotate<header-duplication;no-prepare-for-lto>,loop-deletion)",
        "loop-vectorize<no-interleave-forced-only;no-vectorize-forced-only;>",
        "simplifycfg<bonus-inst-threshold=1;forward-switch-cond;switch-range-to-icmp;switch-to-lookup;no-keep-loops;"
            + "hoist-common-insts;sink-common-insts>",
        "slp-vectorizer",
    ])

    static let lowering = function([
        "vector-combine", combine, "loop-unroll<O2>", hoisting, "loop-sink", "instsimplify", "div-rem-pairs",
        "simplifycfg<bonus-inst-threshold=1;switch-range-to-icmp;keep-loops;speculate-unpredictables>",
    ])

    private static let combine = "instcombine<no-verify-fixpoint>"
    private static let hoisting = "loop-mssa(licm<allowspeculation>)"
    private static let branches = "simplifycfg<bonus-inst-threshold=1;switch-range-to-icmp;keep-loops>"

    private static func function(_ passes: [String]) -> String {
        "function<eager-inv>(\(passes.joined(separator: ",")))"
    }
}
