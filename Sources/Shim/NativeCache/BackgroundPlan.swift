// SPDX-License-Identifier: Apache-2.0
// Swiftlet: in which steps a module is compiled while it runs.

/// What pays soonest is compiled first, and all of the module at last.
public enum BackgroundPlan {
    // LIMIT: bytes of a module; a smaller one is compiled whole in a second or two.
    static let wholeAtOnceBytes = 256 << 10
    // LIMIT: bytes of a module; of a larger one without a profile there is quick code first.
    static let quickFirstBytes = 1 << 20
    // LIMIT: samples of a profile; fewer say little.
    static let samplesMin = 16
    /// Samples with which there is no need to wait for more: a quarter of a second of processor time.
    public static let samplesWanted = 64
    /// How much of the time the functions take that are compiled first.
    public static let hotShare = 0.98
    // LIMIT: seconds of processor time for the hot functions.
    static let hotSeconds: UInt32 = 20

    /// The steps, each of which makes an entry of its own.
    ///
    /// - Parameters:
    ///   - base: what all of them have in common.
    ///   - hot: function indices, those that most of the time goes to first.
    ///   - sampleCount: what `hot` is known from.
    public static func requests(
        _ base: CompileRequest, moduleBytes: Int, hot: [UInt32], sampleCount: Int
    ) -> [CompileRequest] {
        var (first, whole) = (base, base)
        whole.level = .full
        whole.selection = nil
        if moduleBytes <= wholeAtOnceBytes { return [whole] }
        if sampleCount >= samplesMin {
            first.level = .hot
            first.selection = NativeCompiler.Selection(first: hot, rest: nil, processorSeconds: hotSeconds)
            return [first, whole]
        }
        guard moduleBytes > quickFirstBytes else { return [whole] }
        first.level = .quick
        return [first, whole]
    }
}
