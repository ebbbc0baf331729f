// SPDX-License-Identifier: Apache-2.0
// Swiftlet: DWARF line programs: small state machines that print a table of addresses and lines.

/// One line program with its header (DWARF 5 §6.2).
struct LineUnit {
    struct Row {
        var address: UInt64 = 0
        var file: UInt64 = 1
        var line: UInt32 = 1
    }

    /// The fixed opcodes (DW_LNS_…).
    private enum Standard {
        static let copy: UInt8 = 1
        static let advanceAddress: UInt8 = 2
        static let advanceLine: UInt8 = 3
        static let setFile: UInt8 = 4
        static let constantAddAddress: UInt8 = 8
        static let fixedAdvanceAddress: UInt8 = 9
    }

    private(set) var header: LineHeader
    private var program: BinaryReader

    /// The next unit of the section whose header can be read; nil at the end.
    init?(_ reader: inout BinaryReader, _ strings: LineStrings) {
        while var length = reader.unsigned(4) {
            let is64 = length == 0xFFFF_FFFF
            if is64 {
                guard let longer = reader.unsigned(8) else { return nil }
                length = longer
            }
            guard let count = Int(exactly: length), let range = try? reader.skip(count) else { return nil }
            var program = BinaryReader(strings.bytes.buffer, in: range)
            guard let header = LineHeader(&program, is64: is64, strings) else { continue }
            self.header = header
            self.program = program
            return
        }
        return nil
    }

    /// Executes the program.
    ///
    /// - Parameter steps: how many instructions may still be executed.
    /// - Parameter visit: gets each row with the address where the next one of its sequence begins.
    mutating func run(_ steps: inout Int, _ visit: (Row, UInt64) -> Void) {
        var state = Row()
        var previous: Row?
        // A sequence at address 0 or near the end belongs to a function that the linker left out.
        func emit() {
            if let row = previous, row.address > 0, row.address < state.address, row.address < 0xFFFF_FFFE {
                visit(row, state.address)
            }
            previous = state
        }
        while steps > 0, let opcode = try? program.readByte() {
            steps -= 1
            if opcode >= header.opcodeBase {
                let adjusted = UInt64(opcode - header.opcodeBase)
                state.address &+= adjusted / header.lineRange &* header.minimumInstructionLength
                advance(&state, by: header.lineBase + Int64(adjusted % header.lineRange))
                emit()
                continue
            }
            if opcode == 0 {
                guard let isEnd = extended(&state) else { return }
                guard isEnd else { continue }
                emit()
                (state, previous) = (Row(), nil)
                continue
            }
            guard standard(opcode, &state) else { return }
            if opcode == Standard.copy { emit() }
        }
    }

    private func advance(_ state: inout Row, by lines: Int64) {
        state.line = UInt32(truncatingIfNeeded: Int64(state.line) &+ lines)
    }

    /// Whether it ended the sequence; nil where the bytes end.
    private mutating func extended(_ state: inout Row) -> Bool? {
        guard let length = try? program.readU64(), length > 0, let count = Int(exactly: length - 1),
            let kind = try? program.readByte()
        else { return nil }
        // DW_LNE_set_address
        if kind == 2, count <= 8 {
            guard let address = program.unsigned(count) else { return nil }
            state.address = address
        } else if (try? program.skip(count)) == nil {
            return nil
        }
        return kind == 1
    }

    private mutating func standard(_ opcode: UInt8, _ state: inout Row) -> Bool {
        switch opcode {
        case Standard.advanceAddress:
            guard let delta = try? program.readU64() else { return false }
            state.address &+= delta &* header.minimumInstructionLength
        case Standard.advanceLine:
            guard let delta = try? program.readS64() else { return false }
            advance(&state, by: delta)
        case Standard.setFile:
            guard let file = try? program.readU64() else { return false }
            state.file = file
        case Standard.constantAddAddress:
            state.address &+= UInt64(255 - header.opcodeBase) / header.lineRange &* header.minimumInstructionLength
        case Standard.fixedAdvanceAddress:
            guard let delta = program.unsigned(2) else { return false }
            state.address &+= delta
        default:
            for _ in 0..<header.operandCounts[Int(opcode) - 1] {
                guard (try? program.readU64()) != nil else { return false }
            }
        }
        return true
    }
}
