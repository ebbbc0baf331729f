// SPDX-License-Identifier: Apache-2.0
// Swiftlet: arguments and expected results of test scripts.

import Wasm

extension ScriptParser {
    private static let references: [(StaticString, String)] = [
        ("ref.func", "funcref"), ("ref.any", "anyref"), ("ref.eq", "eqref"), ("ref.i31", "i31ref"),
        ("ref.struct", "structref"), ("ref.array", "arrayref"), ("ref.exn", "exnref"),
    ]

    /// `(i32.const 1)`, `(ref.extern 2)`, `(either …)` and so on.
    mutating func parseValue() throws(TextError) -> Script.Value {
        let value: Script.Value
        if try reader.openForm("i32.const") {
            value = Script.Value(type: "i32", value: try integer(32))
        } else if try reader.openForm("i64.const") {
            value = Script.Value(type: "i64", value: try integer(64))
        } else if try reader.openForm("f32.const") {
            value = Script.Value(type: "f32", value: try float(32))
        } else if try reader.openForm("f64.const") {
            value = Script.Value(type: "f64", value: try float(64))
        } else if try reader.openForm("v128.const") {
            value = try vector()
        } else if try reader.openForm("either") {
            var either = Script.Value(type: "either")
            while reader.token.kind == .leftParenthesis { either.alternatives.append(try parseValue()) }
            value = either
        } else {
            value = try reference()
        }
        try reader.close()
        return value
    }

    private mutating func integer(_ bits: Int) throws(TextError) -> String {
        let value = try reader.takeNumber("an integer") { Numbers.integer($0, $1, bits: bits) }
        return Self.signed(value, bits)
    }

    private static func signed(_ value: UInt64, _ bits: Int) -> String {
        let shift = UInt64(64 - bits)
        return String(Int64(bitPattern: value << shift) >> Int64(shift))
    }

    private mutating func float(_ bits: Int) throws(TextError) -> String {
        if try reader.takeKeyword("nan:canonical") { return "nan:canonical" }
        if try reader.takeKeyword("nan:arithmetic") { return "nan:arithmetic" }
        return String(try reader.takeNumber("a float") { Numbers.float($0, $1, bits: bits) })
    }

    private mutating func vector() throws(TextError) -> Script.Value {
        let shape = try Vectors.takeShape(&reader)
        var value = Script.Value(type: "v128", laneType: (shape.isFloat ? "f" : "i") + String(shape.bits))
        for _ in 0..<shape.lanes {
            if shape.isFloat {
                value.lanes.append(try float(shape.bits))
            } else {
                value.lanes.append(Self.signed(try Vectors.takeLane(shape, &reader), shape.bits))
            }
        }
        return value
    }

    private mutating func reference() throws(TextError) -> Script.Value {
        if try reader.openForm("ref.null") {
            // Which null it is does not matter to the runner.
            if reader.token.kind != .rightParenthesis { try reader.advance() }
            return Script.Value(type: "refnull")
        }
        for (word, type): (StaticString, String) in [("ref.extern", "externref"), ("ref.host", "anyref")] {
            guard try reader.openForm(word) else { continue }
            guard reader.token.kind == .number else { return Script.Value(type: type) }
            return Script.Value(type: type, value: String(try reader.takeU32("a number")))
        }
        for (word, type) in Self.references where reader.isForm(word) {
            _ = try reader.openForm(word)
            // Some scripts give the function's index, which has no meaning outside.
            if reader.isIndex { try reader.advance() }
            return Script.Value(type: type)
        }
        throw reader.unexpected("a constant")
    }
}
