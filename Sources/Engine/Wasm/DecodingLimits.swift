// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how large a module may be.

/// Bounds on what a module may declare, so that a hostile file costs bounded time and memory.
///
/// The defaults follow the implementation limits that the web engines agreed on (WebAssembly JavaScript Interface,
/// "Implementation-defined Limits"), so a module that runs in a browser is not refused here.
public struct DecodingLimits: Sendable {
    // LIMIT: each one counts items unless its name says bytes.
    public var moduleBytes = 1 << 30
    public var types = 1_000_000
    public var functions = 1_000_000
    public var imports = 1_000_000
    public var exports = 1_000_000
    public var globals = 1_000_000
    public var tables = 100_000
    public var memories = 100_000
    public var tags = 1_000_000
    public var elementSegments = 100_000
    /// Items of all element segments together.
    public var elementItems = 10_000_000
    public var dataSegments = 100_000
    public var customSections = 10_000
    public var parameters = 1_000
    public var results = 1_000
    public var structureFields = 10_000
    /// Operands of `array.new_fixed`.
    public var fixedArrayElements = 10_000
    /// Length of a chain of declared supertypes.
    public var subtypingDepth = 63
    /// Parameters and locals of one function; a vector counts twice.
    public var locals = 50_000
    public var functionBodyBytes = 7_654_321
    public var nameBytes = 100_000
    public var branchTableTargets = 65_520
    /// Nesting depth of blocks in a function; frames are 40 bytes each.
    public var blockDepth = 100_000
    /// Values on the operand stack of one function, which only calls with many results can drive this high. It is less
    /// beside many locals: a frame has 65,535 slots of 64 bits for both, of which a value on the stack counts as two.
    public var operandDepth = 1_000_000

    public init() {}

    public static let standard = DecodingLimits()
}
