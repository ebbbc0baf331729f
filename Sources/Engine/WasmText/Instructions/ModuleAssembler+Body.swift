// SPDX-License-Identifier: Apache-2.0
// Swiftlet: function bodies and expressions: flat and folded instructions, without recursion.

import Wasm

extension ModuleAssembler {
    /// Encodes locals and instructions of a function up to its closing parenthesis.
    mutating func encodeBody(_ use: TypeUse) throws(TextError) {
        context = BodyContext()
        context.function = functionIndex
        for index in 0..<use.parameterCount {
            try context.locals.define(use.identifiers.isEmpty ? nil : use.identifiers[Int(index)], reader)
        }
        body.removeAll(keepingCapacity: true)
        try encodeLocals()
        try readInstructions(isSingle: false)
        body.append(0x0B)
        codeSection.bytes.appendSized(body)
        let first = codeSection.bytes.count - body.count
        for place in bodyPlaces { places.append((first + place.binary, place.text)) }
        codeSection.count += 1
        if !context.locals.names.isEmpty { localNames[functionIndex] = context.locals.names }
        if !context.labelNames.isEmpty { labelNames[functionIndex] = context.labelNames }
        if !context.branchHints.isEmpty { branchHints.append((functionIndex, context.branchHints)) }
    }

    private mutating func encodeLocals() throws(TextError) {
        var runs: [(count: UInt32, type: [UInt8])] = []
        while try reader.openForm("local") {
            let identifier = try reader.takeIdentifier()
            while identifier != nil || reader.token.kind != .rightParenthesis {
                guard context.locals.count <= UInt32(limits.locals) else {
                    throw reader.limit("too many locals: more than \(limits.locals)")
                }
                try context.locals.define(identifier, reader)
                var type: [UInt8] = []
                try readValueType(to: &type)
                if let last = runs.last, last.type == type {
                    runs[runs.count - 1].count += 1
                } else {
                    runs.append((1, type))
                }
                if identifier != nil { break }
            }
            try reader.close()
        }
        body.appendUnsigned(UInt64(runs.count))
        for run in runs {
            body.appendIndex(run.count)
            body += run.type
        }
    }

    /// A constant expression with its `end`.
    mutating func readExpression() throws(TextError) -> [UInt8] { try readConstant(isSingle: false) }

    /// One folded instruction as a constant expression.
    mutating func readFoldedExpression() throws(TextError) -> [UInt8] { try readConstant(isSingle: true) }

    private mutating func readConstant(isSingle: Bool) throws(TextError) -> [UInt8] {
        context = BodyContext()
        body.removeAll(keepingCapacity: true)
        try readInstructions(isSingle: isSingle)
        body.append(0x0B)
        return body
    }

    /// Reads instructions up to a `)` that is not theirs, or one folded instruction.
    private mutating func readInstructions(isSingle: Bool) throws(TextError) {
        var frames: [Frame] = []
        pending.removeAll(keepingCapacity: true)
        bodyPlaces.removeAll(keepingCapacity: true)
        repeat {
            switch reader.token.kind {
            case .rightParenthesis:
                guard let frame = frames.last else { return }
                try close(frame, &frames)
            case .leftParenthesis: try open(&frames)
            case .keyword:
                if let frame = frames.last, !frame.allowsPlain {
                    throw reader.unexpected("( of an operand, or )")
                }
                try readPlain(&frames)
            default: throw reader.unexpected("an instruction")
            }
        } while !(isSingle && frames.isEmpty)
    }

    // MARK: Folded

    /// At `(`: an instruction or an arm of one.
    private mutating func open(_ frames: inout [Frame]) throws(TextError) {
        // LIMIT: forms inside each other, as for blocks in the binary.
        guard frames.count < limits.blockDepth else {
            throw reader.limit("too deep: more than \(limits.blockDepth) forms inside each other")
        }
        let start = reader.token.start
        let hint = try takeBranchHint()
        try reader.advance()
        guard reader.token.kind == .keyword else { throw reader.unexpected("an instruction") }
        if let top = frames.last, try openArm(of: top, &frames) { return }
        let word = reader.token
        let entry = try instruction()
        try checkHint(hint, entry, word)
        let first = body.count
        switch entry.operands {
        case .block, .if, .tryTable, .try:
            let label = try readBlockHead(entry)
            switch entry.operands {
            case .if:
                frames.append(
                    Frame(kind: .foldedIf, start: start, pendingStart: suspend(from: first), label: label, hint: hint))
            case .try:
                context.pushLabel(label)
                frames.append(Frame(kind: .foldedTry, start: start, label: label))
            default:
                bodyPlaces.append((first, start))
                context.pushLabel(label)
                frames.append(Frame(kind: .foldedBlock, start: start, label: label))
            }
        case .else, .end, .catch, .catchAll, .delegate:
            throw reader.failure(at: start, "unexpected token: \(reader.shown(word)) does not begin an instruction")
        default:
            try readOperands(entry)
            if reader.token.kind == .rightParenthesis {
                // Without operands there is nothing to wait for.
                bodyPlaces.append((first, start))
                if let hint { context.branchHints.append(BranchHint(offset: first, isLikely: hint)) }
                return try reader.advance()
            }
            frames.append(
                Frame(
                    kind: .folded, start: start, pendingStart: suspend(from: first), hint: hint))
        }
    }

    private func checkHint(_ hint: UInt8?, _ entry: InstructionEntry, _ word: Token) throws(TextError) {
        guard hint != nil, entry.operands != .if, entry.code != Opcode.brIf.rawValue else { return }
        throw reader.failure(
            at: word.start,
            "@metadata.code.branch_hint annotation: invalid target \(reader.shown(word)), expected if or br_if")
    }

    /// Moves the encoding from `first` on to where it waits for the operands.
    private mutating func suspend(from first: Int) -> Int {
        let start = pending.count
        pending += body[first...]
        body.removeSubrange(first...)
        return start
    }

    private mutating func resume(_ frame: Frame) {
        bodyPlaces.append((body.count, frame.start))
        if let hint = frame.hint { context.branchHints.append(BranchHint(offset: body.count, isLikely: hint)) }
        body += pending[frame.pendingStart...]
        pending.removeSubrange(frame.pendingStart...)
    }

    /// Handles `(then`, `(else`, `(do`, `(catch`, `(catch_all` and `(delegate` where they belong.
    private mutating func openArm(of top: Frame, _ frames: inout [Frame]) throws(TextError) -> Bool {
        let start = reader.token.start
        let index = frames.count - 1
        switch top.kind {
        case .foldedIf:
            guard try reader.takeKeyword("then") else { return false }
            resume(top)
            context.pushLabel(top.label)
            frames[index].kind = .foldedIfThen
        case .foldedIfThen:
            guard try reader.takeKeyword("else") else { throw reader.unexpected("(else or )") }
            body.append(0x05)
            frames[index].kind = .foldedIfElse
        case .foldedIfElse, .foldedTryDelegated: throw reader.unexpected(")")
        case .foldedTry:
            guard try reader.takeKeyword("do") else { throw reader.unexpected("(do") }
            frames[index].kind = .foldedTryDo
        case .foldedTryDo:
            if try reader.takeKeyword("catch") {
                body.append(0x07)
                body.appendIndex(try tags.use(&reader))
            } else if try reader.takeKeyword("catch_all") {
                body.append(0x19)
            } else if try reader.takeKeyword("delegate") {
                context.popLabel(top.label)
                body.append(0x18)
                try readLabel()
                frames[index].kind = .foldedTryDelegated
            } else {
                throw reader.unexpected("(catch, (catch_all, (delegate or )")
            }
        default: return false
        }
        frames.append(Frame(kind: .arm, start: start))
        return true
    }

    /// At `)`: ends the innermost form.
    private mutating func close(_ frame: Frame, _ frames: inout [Frame]) throws(TextError) {
        switch frame.kind {
        case .folded: resume(frame)
        case .foldedBlock, .foldedIfThen, .foldedIfElse, .foldedTryDo:
            body.append(0x0B)
            context.popLabel(frame.label)
        case .arm, .foldedTryDelegated: break
        case .foldedIf: throw reader.unexpected("(then")
        case .foldedTry: throw reader.unexpected("(do")
        case .block, .if, .else, .try, .catchAll: throw reader.unexpected("end of the block")
        }
        frames.removeLast()
        try reader.advance()
    }

    // MARK: Flat

    private mutating func readPlain(_ frames: inout [Frame]) throws(TextError) {
        let word = reader.token
        bodyPlaces.append((body.count, word.start))
        let hint = try takeBranchHint()
        let entry = try instruction()
        try checkHint(hint, entry, word)
        if let hint {
            context.branchHints.append(BranchHint(offset: body.count, isLikely: hint))
        }
        switch entry.operands {
        case .block, .if, .tryTable, .try:
            guard frames.count < limits.blockDepth else {
                throw reader.limit("too deep: more than \(limits.blockDepth) forms inside each other")
            }
            let label = try readBlockHead(entry)
            context.pushLabel(label)
            let kind: Frame.Kind = entry.operands == .if ? .if : entry.operands == .try ? .try : .block
            frames.append(Frame(kind: kind, start: word.start, label: label))
        case .else, .end, .catch, .catchAll, .delegate:
            try continueBlock(entry, word, &frames)
        default: try readOperands(entry)
        }
    }

    /// `else`, `end`, `catch`, `catch_all` or `delegate` of the innermost flat block.
    private mutating func continueBlock(
        _ entry: InstructionEntry, _ word: Token, _ frames: inout [Frame]
    ) throws(TextError) {
        guard let top = frames.last else {
            throw reader.failure(at: word.start, "unexpected token: \(reader.shown(word)) without a block")
        }
        let index = frames.count - 1
        switch (entry.operands, top.kind) {
        case (.end, .block), (.end, .if), (.end, .else), (.end, .try), (.end, .catchAll):
            try checkLabel(of: top)
            body.append(0x0B)
            context.popLabel(top.label)
            frames.removeLast()
        case (.else, .if):
            try checkLabel(of: top)
            body.append(0x05)
            frames[index].kind = .else
        case (.catch, .try):
            body.append(0x07)
            body.appendIndex(try tags.use(&reader))
        case (.catchAll, .try):
            body.append(0x19)
            frames[index].kind = .catchAll
        case (.delegate, .try):
            context.popLabel(top.label)
            body.append(0x18)
            try readLabel()
            frames.removeLast()
        default:
            throw reader.failure(
                at: word.start, "unexpected token: \(reader.shown(word)) does not belong to the innermost block")
        }
    }

    /// The identifier after `end` or `else`, which repeats that of the block.
    private mutating func checkLabel(of frame: Frame) throws(TextError) {
        guard reader.token.kind == .identifier else { return }
        guard let label = frame.label, label == (try reader.identifierName(reader.token)) else {
            throw reader.failure(
                "mismatching label: \(reader.shown(reader.token)), expected "
                    + (frame.label.map { "$" + $0.string } ?? "none"))
        }
        try reader.advance()
    }

    // MARK: Heads

    /// The entry of the keyword at hand.
    private mutating func instruction() throws(TextError) -> InstructionEntry {
        guard let entry = InstructionTable.shared.find(reader.source, reader.token.range) else {
            let word = reader.text(reader.token)
            let hint =
                word.utf8.count > 60 ? nil : Suggestion.nearest(to: word, in: InstructionTable.shared.allNames)
            throw reader.failure(
                "unknown operator: expected an instruction, found \(reader.shown(reader.token))"
                    + (hint.map { "; did you mean \($0)?" } ?? ""))
        }
        try reader.advance()
        return entry
    }

    /// Label, type and catch clauses of a block; the opcode goes before them.
    private mutating func readBlockHead(_ entry: InstructionEntry) throws(TextError) -> ExactName? {
        var label: ExactName?
        if let identifier = try reader.takeIdentifier() { label = try reader.identifierName(identifier) }
        let use = try readTypeUse(allowsIdentifiers: false, isBlock: true)
        body.appendOpcode(entry.code)
        if use.isEmpty {
            body.append(0x40)
        } else if let result = use.singleResult {
            body += result
        } else {
            body.appendSigned(Int64(use.index))
        }
        if entry.operands == .tryTable { try readCatchClauses() }
        return label
    }

    private mutating func readCatchClauses() throws(TextError) {
        // Labels mean the blocks around the try_table, whose own label is not bound yet.
        var clauses = SectionBuffer()
        let first = body.count
        while true {
            let kind: UInt8
            if try reader.openForm("catch") {
                kind = 0
            } else if try reader.openForm("catch_ref") {
                kind = 1
            } else if try reader.openForm("catch_all") {
                kind = 2
            } else if try reader.openForm("catch_all_ref") {
                kind = 3
            } else {
                break
            }
            body.append(kind)
            if kind < 2 { body.appendIndex(try tags.use(&reader)) }
            try readLabel()
            try reader.close()
            clauses.count += 1
        }
        clauses.bytes = Array(body[first...])
        body.removeSubrange(first...)
        body.appendIndex(clauses.count)
        body += clauses.bytes
    }

    mutating func readLabel() throws(TextError) {
        if reader.token.kind == .identifier {
            let name = try reader.identifierName(reader.token)
            guard let depth = context.depth(of: name) else {
                let hint = Suggestion.nearest(to: name.string, in: context.labelsInScope.prefix(1000))
                throw reader.failure(
                    "unknown label \(reader.shown(reader.token))" + (hint.map { "; did you mean $\($0)?" } ?? ""))
            }
            body.appendIndex(depth)
            return try reader.advance()
        }
        body.appendIndex(try reader.takeU32("the index of a label"))
    }
}
