// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the store takes from outside: time, identifiers, a logger.
import FoundationEssentials
public import KubernetesAPI
public import Logging

/// Sources of time and chance, replaceable in tests.
public struct StoreEnvironment: Sendable {
    public var now: @Sendable () -> Time
    /// A new uid, unique for ever.
    public var makeIdentifier: @Sendable () -> String
    /// Five characters that complete a generateName.
    public var makeNameSuffix: @Sendable () -> String
    public var logger: Logger

    public init(
        now: @escaping @Sendable () -> Time = { Time.now },
        makeIdentifier: @escaping @Sendable () -> String = { makeUUID() },
        makeNameSuffix: @escaping @Sendable () -> String = { NameAlphabet.random(5) },
        logger: Logger = Logger(label: "swiftlet.store")
    ) {
        self.now = now
        self.makeIdentifier = makeIdentifier
        self.makeNameSuffix = makeNameSuffix
        self.logger = logger
    }
}

/// The characters of generated names: no vowels and no look-alikes, so that no words arise.
///
/// See: k8s.io/apimachinery/pkg/util/rand
public enum NameAlphabet {
    public static let characters = Array("bcdfghjklmnpqrstvwxz2456789".utf8)

    public static func random(_ length: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return random(length, using: &generator)
    }

    public static func random(_ length: Int, using generator: inout some RandomNumberGenerator) -> String {
        String(decoding: (0..<length).map { _ in characters[Int.random(in: 0..<27, using: &generator)] }, as: UTF8.self)
    }

    /// `text` with each character replaced by one of the alphabet; equal texts give equal results.
    public static func encode(_ text: String) -> String {
        String(decoding: text.utf8.map { characters[Int($0) % characters.count] }, as: UTF8.self)
    }
}

/// A random UUID in lower case.
public func makeUUID() -> String { UUID().uuidString.lowercased() }
