// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what identifiers mean inside a function, and the forms that are open there.

import Wasm

/// Locals and labels of the function being encoded; empty for a constant expression.
struct BodyContext {
    var function: UInt32?
    var locals = IndexSpace("local", "local")
    /// Depths at which a label is bound, innermost last.
    private var labels: [ExactName: [Int]] = [:]
    private(set) var depth = 0
    /// Labels are numbered by their order in the function.
    private var labelCount: UInt32 = 0
    var labelNames: [UInt32: String] = [:]
    var branchHints: [BranchHint] = []

    mutating func pushLabel(_ name: ExactName?) {
        if let name {
            labels[name, default: []].append(depth)
            labelNames[labelCount] = name.string
        }
        labelCount += 1
        depth += 1
    }

    mutating func popLabel(_ name: ExactName?) {
        depth -= 1
        if let name { _ = labels[name]?.popLast() }
    }

    /// The relative depth of a label.
    func depth(of name: ExactName) -> UInt32? {
        labels[name]?.last.map { UInt32(depth - 1 - $0) }
    }

    var labelsInScope: [String] { labels.filter { !$0.value.isEmpty }.map(\.key.string) }
}

/// A hint for a branch (metadata.code.branch_hint): whether it is likely taken.
struct BranchHint {
    /// In bytes from the body's start, the locals included.
    var offset: Int
    var isLikely: UInt8
}

/// A form of the body that is open.
struct Frame {
    enum Kind {
        /// A folded instruction whose operands come now.
        case folded
        /// `(block`, `(loop`, `(try_table`: instructions, then `)`.
        case foldedBlock
        /// `(if` before `(then`, after it, after `(else`.
        case foldedIf, foldedIfThen, foldedIfElse
        /// `(try` before `(do`, after it, after a catch, after a delegate.
        case foldedTry, foldedTryDo, foldedTryDelegated
        /// `(then`, `(else`, `(do`, `(catch`: instructions, then `)`.
        case arm
        /// Between the keyword and `end`.
        case block, `if`, `else`, `try`, catchAll
    }

    var kind: Kind
    /// Start of the form, for messages.
    var start: Int
    /// Where the instruction's encoding starts in ``ModuleAssembler/pending``.
    var pendingStart = 0
    var label: ExactName?
    var hint: UInt8?

    /// Whether instructions without parentheses may stand here.
    var allowsPlain: Bool {
        switch kind {
        case .folded, .foldedIf, .foldedIfThen, .foldedIfElse, .foldedTry, .foldedTryDo, .foldedTryDelegated: false
        default: true
        }
    }
}
