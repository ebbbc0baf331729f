// SPDX-License-Identifier: Apache-2.0
// Swiftlet: takes typed values out of the JSON documents of images, with the place in every error.

import OCI

/// A value in a document and where it stands.
struct DocumentReader: Equatable {
    let value: JSON
    let place: String

    init(_ value: JSON, _ place: String) {
        self.value = value
        self.place = place
    }

    /// Parses a whole document; `name` begins every place.
    init(parsing bytes: [UInt8], name: String, limit: Int) throws(ImageError) {
        do { value = try JSON(parsing: bytes, limits: JSONLimits(bytes: limit, depth: 64)) } catch {
            throw ImageError(.invalidContent, "\(name): \(error)")
        }
        place = name
        guard case .object = value else { throw mismatch("an object") }
    }

    func error(_ reason: String) -> ImageError { ImageError(.invalidContent, "\(place): \(reason)") }

    private func mismatch(_ expected: String) -> ImageError { error("expected \(expected), found \(value.kind)") }

    /// The member; nil if it is absent or null.
    func member(_ name: String) throws(ImageError) -> DocumentReader? {
        guard case .object = value else { throw mismatch("an object") }
        guard let member = value[name], member != .null else { return nil }
        return DocumentReader(member, "\(place): \(name)")
    }

    func required(_ name: String) throws(ImageError) -> DocumentReader {
        guard let member = try member(name) else { throw error("\(name) is missing") }
        return member
    }

    func elements(limit: Int) throws(ImageError) -> [DocumentReader] {
        guard case .array(let elements) = value else { throw mismatch("an array") }
        guard elements.count <= limit else {
            throw ImageError(.limitExceeded, "\(place): \(elements.count) elements, at most \(limit) are allowed")
        }
        return elements.enumerated().map { DocumentReader($0.element, "\(place)[\($0.offset)]") }
    }

    func string() throws(ImageError) -> String {
        guard case .string(let text) = value else { throw mismatch("a string") }
        guard !text.utf8.contains(0) else { throw error("a NUL character in the string") }
        return text
    }

    func strings() throws(ImageError) -> [String] {
        var result: [String] = []
        for element in try elements(limit: 10_000) { result.append(try element.string()) }
        return result
    }

    func size() throws(ImageError) -> UInt64 {
        guard case .number(let text) = value, let number = UInt64(text), number <= UInt64(Int64.max) else {
            throw mismatch("a size in bytes")
        }
        return number
    }

    func integer() throws(ImageError) -> Int64 {
        guard case .number(let text) = value, let number = Int64(text) else { throw mismatch("an integer") }
        return number
    }

    func stringMap() throws(ImageError) -> [String: String] {
        guard case .object(let members) = value else { throw mismatch("an object") }
        var map: [String: String] = [:]
        for member in members {
            map[member.name] = try DocumentReader(member.value, "\(place).\(member.name)").string()
        }
        return map
    }

    func text(_ name: String) throws(ImageError) -> String { try member(name)?.string() ?? "" }
    func list(_ name: String) throws(ImageError) -> [String] { try member(name)?.strings() ?? [] }
    func map(_ name: String) throws(ImageError) -> [String: String] { try member(name)?.stringMap() ?? [:] }
}

extension JSON {
    /// An object sorted by name; nil when it is empty.
    static func map(_ values: [String: String]) -> JSON? {
        values.isEmpty
            ? nil : .object(values.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })
    }

    /// Text, nil when it is empty.
    static func text(_ value: String) -> JSON? { value.isEmpty ? nil : .string(value) }

    /// Strings, nil when there are none.
    static func list(_ values: [String]) -> JSON? { values.isEmpty ? nil : .strings(values) }
}
