// SPDX-License-Identifier: Apache-2.0
// Swiftlet: choosing objects by their labels.

/// A query over labels; all parts must hold, and an empty selector matches everything (meta/v1 LabelSelector).
public struct LabelSelector: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var matchLabels: [String: String]
    @OmitEmpty public var matchExpressions: [LabelSelectorRequirement]

    public static var zero: Self { Self() }

    public init(matchLabels: [String: String] = [:], matchExpressions: [LabelSelectorRequirement] = []) {
        self.matchLabels = matchLabels
        self.matchExpressions = matchExpressions
    }

    public var isEmpty: Bool { matchLabels.isEmpty && matchExpressions.isEmpty }

    /// Whether an object with `labels` is selected.
    public func matches(_ labels: [String: String]) -> Bool {
        matchLabels.allSatisfy { labels[$0.key] == $0.value } && matchExpressions.allSatisfy { $0.matches(labels) }
    }
}

/// One comparison on a label.
public struct LabelSelectorRequirement: Codable, Sendable, Equatable {
    @ZeroIfMissing public var key: String
    public var `operator`: LabelSelectorOperator
    @OmitEmpty public var values: [String]

    public init(key: String, operator: LabelSelectorOperator, values: [String] = []) {
        self.key = key
        self.operator = `operator`
        self.values = values
    }

    /// An unknown operator matches nothing.
    public func matches(_ labels: [String: String]) -> Bool {
        let value = labels[key]
        switch self.operator {
        case .in: return value.map(values.contains) ?? false
        case .notIn: return !(value.map(values.contains) ?? false)
        case .exists: return value != nil
        case .doesNotExist: return value == nil
        case .greaterThan, .lessThan:
            guard let number = value.flatMap({ Int64($0) }), let bound = values.first.flatMap({ Int64($0) }) else {
                return false
            }
            return self.operator == .greaterThan ? number > bound : number < bound
        default: return false
        }
    }
}

/// How a requirement compares. `Gt` and `Lt` exist only in selectors written as text.
public struct LabelSelectorOperator: OpenEnumeration {
    public static let `in` = Self(rawValue: "In")
    public static let notIn = Self(rawValue: "NotIn")
    public static let exists = Self(rawValue: "Exists")
    public static let doesNotExist = Self(rawValue: "DoesNotExist")
    public static let greaterThan = Self(rawValue: "Gt")
    public static let lessThan = Self(rawValue: "Lt")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

// MARK: - Text form

extension LabelSelector: CustomStringConvertible {
    /// The form kubectl prints: `app=web,tier in (a,b),!canary`; empty for an empty selector.
    public var description: String {
        let equalities = matchLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let expressions = matchExpressions.sorted { $0.key < $1.key }.map { requirement in
            let list = requirement.values.sorted().joined(separator: ",")
            switch requirement.operator {
            case .in: return "\(requirement.key) in (\(list))"
            case .notIn: return "\(requirement.key) notin (\(list))"
            case .exists: return requirement.key
            case .doesNotExist: return "!\(requirement.key)"
            case .greaterThan: return "\(requirement.key)>\(list)"
            case .lessThan: return "\(requirement.key)<\(list)"
            default: return "\(requirement.key) \(requirement.operator) (\(list))"
            }
        }
        return (equalities + expressions).joined(separator: ",")
    }

    /// Parses what kubectl takes with `-l`: `a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x)`, `a`, `!a`, `a>1`, `a<1`,
    /// joined by commas. An empty text selects everything.
    public init(parsing text: String) throws(LabelSelectorError) {
        // LIMIT: a selector text of 64 KiB.
        guard text.utf8.count <= 65_536 else {
            throw LabelSelectorError(message: "selector is longer than 65536 bytes")
        }
        self.init()
        var parser = LabelSelectorParser(text)
        while !parser.isAtEnd {
            matchExpressions.append(try parser.requirement())
            guard parser.takeSeparator() else { break }
            if parser.isAtEnd { throw LabelSelectorError(message: "expected a requirement after the last \",\"") }
        }
        if !parser.isAtEnd {
            throw LabelSelectorError(message: "expected \",\" or the end, found \"\(parser.rest)\"")
        }
    }
}

/// Why a text is not a label selector.
public struct LabelSelectorError: Error, Sendable, Equatable, CustomStringConvertible {
    public let message: String

    public var description: String { "label selector: \(message)" }
}

private struct LabelSelectorParser {
    private var characters: Substring

    init(_ text: String) {
        characters = text[...]
        skipSpaces()
    }

    var isAtEnd: Bool { characters.isEmpty }
    var rest: String { String(characters) }

    private mutating func skipSpaces() {
        characters = characters.drop { $0 == " " || $0 == "\t" }
    }

    private mutating func take(_ prefix: String) -> Bool {
        guard characters.hasPrefix(prefix) else { return false }
        characters = characters.dropFirst(prefix.count)
        skipSpaces()
        return true
    }

    mutating func takeSeparator() -> Bool { take(",") }

    private mutating func word() -> String {
        let word = characters.prefix { !" \t,()!=<>".contains($0) }
        characters = characters.dropFirst(word.count)
        skipSpaces()
        return String(word)
    }

    mutating func requirement() throws(LabelSelectorError) -> LabelSelectorRequirement {
        if take("!") {
            return LabelSelectorRequirement(key: try key(), operator: .doesNotExist)
        }
        let key = try key()
        if characters.isEmpty || characters.hasPrefix(",") {
            return LabelSelectorRequirement(key: key, operator: .exists)
        }
        if take("==") || take("=") {
            return LabelSelectorRequirement(key: key, operator: .in, values: [try value()])
        }
        if take("!=") {
            return LabelSelectorRequirement(key: key, operator: .notIn, values: [try value()])
        }
        if characters.hasPrefix(">") || characters.hasPrefix("<") {
            let isGreater = take(">")
            if !isGreater { _ = take("<") }
            let bound = word()
            guard Int64(bound) != nil else {
                throw LabelSelectorError(message: "\(key): expected an integer, found \"\(bound)\"")
            }
            return LabelSelectorRequirement(key: key, operator: isGreater ? .greaterThan : .lessThan, values: [bound])
        }
        let name = word()
        guard name == "in" || name == "notin" else {
            throw LabelSelectorError(message: "\(key): expected =, ==, !=, in, notin, < or >, found \"\(name)\(rest)\"")
        }
        return LabelSelectorRequirement(key: key, operator: name == "in" ? .in : .notIn, values: try valueList(of: key))
    }

    private mutating func key() throws(LabelSelectorError) -> String {
        let key = word()
        if let problem = NameRules.qualifiedNameProblem(key) {
            throw LabelSelectorError(message: "key \"\(key)\": \(problem)")
        }
        return key
    }

    private mutating func value() throws(LabelSelectorError) -> String {
        let value = word()
        if let problem = NameRules.labelValueProblem(value) {
            throw LabelSelectorError(message: "value \"\(value)\": \(problem)")
        }
        return value
    }

    private mutating func valueList(of key: String) throws(LabelSelectorError) -> [String] {
        guard take("(") else {
            throw LabelSelectorError(message: "\(key): expected \"(\", found \"\(rest)\"")
        }
        var values = [try value()]
        while take(",") { values.append(try value()) }
        guard take(")") else {
            throw LabelSelectorError(message: "\(key): expected \",\" or \")\", found \"\(rest)\"")
        }
        return values
    }
}
