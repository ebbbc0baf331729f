// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of tail calls (core specification §3.4.10).

extension FunctionValidator {
    /// A tail call takes what the callee wants and returns what this function returns.
    mutating func validateTailCall(_ rule: ValidationRule) throws(ReadFault) {
        try validateTailCall(of: rule == .returnCall ? try calledType() : try indirectlyCalledType())
    }

    mutating func validateTailCall(of callee: TypeShape) throws(ReadFault) {
        try popAll(callee.parameters, callee.parameterCount)
        let (results, count) = (frames[0].endTypes, frames[0].endCount)
        let fits =
            callee.resultCount == count
            && (0..<Int(count)).allSatisfy { tables.matches(callee.results[$0], results[$0]) }
        guard fits else {
            throw fail(
                "type mismatch: a tail call must give the results of its function [\(list(results, count))], the "
                    + "callee gives [\(list(callee.results, callee.resultCount))]")
        }
        setUnreachable()
    }
}
