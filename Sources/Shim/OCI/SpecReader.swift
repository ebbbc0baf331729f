// SPDX-License-Identifier: Apache-2.0
// Swiftlet: takes typed values out of JSON, with the path in every error.

/// A document that is JSON, but not the one expected.
public struct SpecError: Error, Equatable, CustomStringConvertible {
    /// `process.args[2]`; empty for the whole document.
    public var path: String
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}

/// A value and where it was found.
struct SpecReader {
    let value: JSON
    let path: String

    init(_ value: JSON, path: String) {
        self.value = value
        self.path = path
    }

    func error(_ reason: String) -> SpecError { SpecError(path: path, reason: reason) }

    private func mismatch(_ expected: String) -> SpecError { error("expected \(expected), found \(value.kind)") }

    /// The member, nil if it is absent or null.
    func member(_ name: String) throws(SpecError) -> SpecReader? {
        guard case .object = value else { throw mismatch("an object") }
        guard let member = value[name], member != .null else { return nil }
        return SpecReader(member, path: path.isEmpty ? name : "\(path).\(name)")
    }

    func elements() throws(SpecError) -> [SpecReader] {
        guard case .array(let elements) = value else { throw mismatch("an array") }
        return elements.enumerated().map { SpecReader($0.element, path: "\(path)[\($0.offset)]") }
    }

    func strings() throws(SpecError) -> [String] {
        var result: [String] = []
        for element in try elements() { result.append(try element.string()) }
        return result
    }

    /// Text for the kernel or the guest: no NUL.
    func string() throws(SpecError) -> String {
        guard case .string(let text) = value else { throw mismatch("a string") }
        guard !text.utf8.contains(0) else { throw error("a NUL character in the string") }
        return text
    }

    func bool() throws(SpecError) -> Bool {
        guard case .bool(let value) = value else { throw mismatch("a boolean") }
        return value
    }

    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(SpecError) -> Value {
        guard case .number(let text) = value, let number = Value(text) else {
            throw mismatch("an integer from \(Value.min) to \(Value.max)")
        }
        return number
    }

    func stringMap() throws(SpecError) -> [String: String] {
        guard case .object(let members) = value else { throw mismatch("an object") }
        var map: [String: String] = [:]
        for member in members {
            map[member.name] = try SpecReader(member.value, path: "\(path)[\"\(member.name)\"]").string()
        }
        return map
    }
}
