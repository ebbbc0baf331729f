// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of constant expressions (core specification 3.0 §3.4.18).

extension ModuleValidator {
    /// Checks a constant expression against the type that its place wants.
    func check(
        _ expression: ConstantExpression, is expected: ValueType, visibleGlobals: Int,
        _ tables: borrowing ModuleTables, _ section: Section.Identifier, of what: () -> String
    ) throws(WasmError) {
        var found: [ValueType] = []
        if case .extended(let operations) = expression {
            for operation in operations {
                try apply(operation, to: &found, visibleGlobals, tables, section, what)
            }
        } else if case .referenceFunction(let index) = expression, Int(index) < tables.functions.count,
            expected.nonNull == ValueType(.function, isNullable: false)
        {
            // The common item of an element segment, without the detour.
            return
        } else {
            try apply(expression.operations[0], to: &found, visibleGlobals, tables, section, what)
        }
        guard found.count == 1, tables.matches(found[0].rawValue, expected.rawValue) else {
            let list = found.map(\.description).joined(separator: ", ")
            throw invalid(section, "type mismatch: \(what()) expects [\(expected)], its expression gives [\(list)]")
        }
    }

    private func apply(
        _ operation: ConstantOperation, to stack: inout [ValueType], _ visibleGlobals: Int,
        _ tables: borrowing ModuleTables, _ section: Section.Identifier, _ what: () -> String
    ) throws(WasmError) {
        switch operation {
        case .value(let type, _), .referenceNull(let type): stack.append(type)
        case .vector: stack.append(.v128)
        case .referenceFunction(let index):
            guard Int(index) < tables.functions.count else {
                throw invalid(section, "unknown function \(index): in \(what())")
            }
            let type = module.types[Int(tables.functions[Int(index)])].canonical
            stack.append(ValueType(.concrete(type), isNullable: false))
        case .globalGet(let index):
            guard Int(index) < visibleGlobals else {
                throw invalid(section, "unknown global \(index): in \(what()); it sees \(visibleGlobals) globals")
            }
            let code = tables.globals[Int(index)]
            guard code & ModuleTables.mutableBit == 0 else {
                throw invalid(section, "constant expression required: global \(index) in \(what()) is mutable")
            }
            stack.append(ValueType(bits: code))
        case .arithmetic(let opcode):
            let type: ValueType = opcode.rawValue < Opcode.i64Clz.rawValue ? .i32 : .i64
            guard stack.popLast() == type, stack.popLast() == type else {
                throw invalid(section, "type mismatch: \(opcode) in \(what()) expects two operands of type \(type)")
            }
            stack.append(type)
        case .reference(let opcode, let type, let count):
            let signature = try signature(opcode, type: type, count: count, stack.last, section, what)
            for expected in signature.operands.reversed() {
                guard let found = stack.popLast(), tables.matches(found.rawValue, expected.rawValue) else {
                    throw invalid(
                        section, "type mismatch: \(opcode) in \(what()) expects an operand of type \(expected)")
                }
            }
            stack.append(signature.result)
        }
    }

    /// What an instruction that makes a reference takes and gives; `top` is the value that a conversion would take.
    private func signature(
        _ opcode: Opcode, type index: UInt32, count: UInt32, _ top: ValueType?, _ section: Section.Identifier,
        _ what: () -> String
    ) throws(WasmError) -> (operands: [ValueType], result: ValueType) {
        let isNullable = top?.isNullable ?? true
        switch opcode {
        case .refI31: return ([.i32], ValueType(.i31, isNullable: false))
        case .anyConvertExtern: return ([.externref], ValueType(.any, isNullable: isNullable))
        case .externConvertAny: return ([.anyref], ValueType(.external, isNullable: isNullable))
        default: break
        }
        let type = module.types[Int(index)]
        let result = ValueType(.concrete(type.canonical), isNullable: false)
        if opcode == .structNew || opcode == .structNewDefault {
            guard let fields = type.fields else {
                throw invalid(section, "type mismatch: type \(index) of \(opcode) in \(what()) is \(type)")
            }
            let types = fields.map(\.storage.unpacked)
            if opcode == .structNew { return (types, result) }
            guard types.allSatisfy(\.isDefaultable) else {
                throw invalid(section, "type mismatch: field type is not defaultable: \(opcode) in \(what())")
            }
            return ([], result)
        }
        guard let element = type.element?.storage.unpacked else {
            throw invalid(section, "type mismatch: type \(index) of \(opcode) in \(what()) is \(type)")
        }
        switch opcode {
        case .arrayNew: return ([element, .i32], result)
        case .arrayNewFixed: return (Array(repeating: element, count: Int(count)), result)
        default:
            guard element.isDefaultable else {
                throw invalid(section, "type mismatch: array type is not defaultable: \(opcode) in \(what())")
            }
            return ([.i32], result)
        }
    }
}
