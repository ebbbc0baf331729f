// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why objects cannot be linked.

/// What is wrong in which object, or between them.
public struct LinkError: Error, Sendable, Equatable {
    /// The object as the caller named it; empty where it is about all of them.
    public var object: String
    /// The section, symbol or relocation.
    public var place: String
    public var problem: String

    init(_ object: String, _ place: String, _ problem: String) {
        self.object = object
        self.place = place
        self.problem = problem
    }
}

extension LinkError: CustomStringConvertible {
    /// `object unit3: symbol memcpy: not defined in any object`.
    public var description: String {
        object.isEmpty ? "linking: \(place): \(problem)" : "object \(object): \(place): \(problem)"
    }
}
