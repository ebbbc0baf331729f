// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of tail calls (core specification §3.4.10).

extension FunctionValidator {
    /// A tail call takes what the callee wants and returns what this function returns.
    mutating func validateTailCall(_ rule: ValidationRule) throws(ReadFault) {
        let callee = rule == .returnCall ? try calledType() : try indirectlyCalledType()
        try popAll(callee.parameters, callee.parameterCount)
        let (results, count) = (frames[0].endTypes, frames[0].endCount)
        let isSame = callee.resultCount == count && (0..<Int(count)).allSatisfy { callee.results[$0] == results[$0] }
        guard isSame else {
            throw fail(
                "type mismatch: a tail call must give the results of its function [\(list(results, count))], the "
                    + "callee gives [\(list(callee.results, callee.resultCount))]")
        }
        setUnreachable()
    }
}
