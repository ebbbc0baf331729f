// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `hooks` of config.json.

/// Programs that the runtime runs at certain moments, with the container's state on stdin (runtime-spec config.md, POSIX
/// platform hooks).
public struct HooksSpec: Sendable, Equatable {
    public enum Moment: String, Sendable, CaseIterable {
        /// The older name of `createRuntime`, run before it.
        case prestart
        case createRuntime
        case createContainer
        case startContainer
        case poststart
        case poststop
    }

    public struct Hook: Sendable, Equatable {
        /// Absolute.
        public var path: String
        /// argv, `args[0]` included; empty: the path alone.
        public var args: [String]
        public var env: [String]
        /// Seconds; nil: as long as it takes.
        public var timeout: UInt32?

        public init(path: String, args: [String] = [], env: [String] = [], timeout: UInt32? = nil) {
            self.path = path
            self.args = args
            self.env = env
            self.timeout = timeout
        }
    }

    private var lists: [Moment: [Hook]] = [:]

    public init() {}

    public subscript(_ moment: Moment) -> [Hook] {
        get { lists[moment] ?? [] }
        set { lists[moment] = newValue.isEmpty ? nil : newValue }
    }

    /// The first moment that has hooks; nil when there are none.
    public var firstMoment: Moment? { Moment.allCases.first { lists[$0] != nil } }

    init(_ reader: SpecReader) throws(SpecError) {
        for moment in Moment.allCases {
            var hooks: [Hook] = []
            for entry in try reader.member(moment.rawValue)?.elements() ?? [] { hooks.append(try Hook(entry)) }
            self[moment] = hooks
        }
    }

    var json: JSON? {
        guard firstMoment != nil else { return nil }
        return .members(
            Moment.allCases.map { moment in
                (moment.rawValue, lists[moment].map { .array($0.map(\.json)) })
            })
    }
}

extension HooksSpec.Hook {
    init(_ reader: SpecReader) throws(SpecError) {
        let path = try reader.member("path")?.string() ?? ""
        guard path.hasPrefix("/") else {
            throw SpecError(path: "\(reader.path).path", reason: "expected an absolute path, found \"\(path)\"")
        }
        self.init(
            path: path, args: try reader.member("args")?.strings() ?? [],
            env: try reader.member("env")?.strings() ?? [],
            timeout: try reader.member("timeout")?.integer(UInt32.self))
        if timeout == 0 {
            throw SpecError(path: "\(reader.path).timeout", reason: "expected more than 0 seconds")
        }
    }

    var json: JSON {
        .members([
            ("path", .string(path)), ("args", args.isEmpty ? nil : .strings(args)),
            ("env", env.isEmpty ? nil : .strings(env)), ("timeout", timeout.map { .integer($0) }),
        ])
    }
}
