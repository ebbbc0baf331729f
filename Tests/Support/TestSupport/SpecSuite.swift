// SPDX-License-Identifier: Apache-2.0
// Swiftlet: reads the JSON form of a WebAssembly specification test suite.
import FoundationEssentials

/// One suite: the commands of a `.wast` script, with the binary modules beside it.
public struct SpecSuite: Sendable, Decodable {
    public var source_filename: String
    public var commands: [Command]
    /// Folder of the suite's files below the shared data's root.
    public var folder = ""
    /// Below `testdata/wasm-spec`, as for ``load(_:)``.
    public var path = ""

    private enum CodingKeys: String, CodingKey { case source_filename, commands }

    /// A line of the script. Which members are present depends on ``type``.
    public struct Command: Sendable, Decodable {
        public var type: String
        public var line: Int
        /// Name of the module (`$M`), or what `register` names it with `as`.
        public var name: String?
        public var `as`: String?
        public var filename: String?
        /// `binary` or `text`.
        public var module_type: String?
        /// The expected message.
        public var text: String?
        public var action: Action?
        public var expected: [Value]?
        /// Of `module_instance`: the instance's name and the definition it is made from.
        public var instance: String?
        public var module: String?

        /// Of a suite that is read from its script: the module, which then is in no file.
        public var source: Source?

        private enum CodingKeys: String, CodingKey {
            case type, line, name, `as`, filename, module_type, text, action, expected, instance, module
        }

        public init(type: String, line: Int) {
            self.type = type
            self.line = line
        }

        public var isBinary: Bool { filename != nil && (module_type ?? "binary") == "binary" }
    }

    public enum Source: Sendable {
        case binary([UInt8])
        /// Text that the command is about.
        case text([UInt8])
        /// Text that could not be assembled, with the error.
        case refused(String)
    }

    public init(path: String, commands: [Command]) {
        source_filename = path
        self.path = path
        self.commands = commands
    }

    public struct Action: Sendable, Decodable {
        /// `invoke` or `get`.
        public var type: String
        /// The module, the last defined one when absent.
        public var module: String?
        public var field: String
        public var args: [Value]?

        public init(type: String, module: String?, field: String, args: [Value]) {
            self.type = type
            self.module = module
            self.field = field
            self.args = args
        }
    }

    /// A typed value; see the shared data's README for the spelling.
    public struct Value: Sendable, Decodable {
        public enum Content: Sendable, Decodable {
            case scalar(String)
            /// Lanes of a vector.
            case lanes([String])

            public init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let text = try? container.decode(String.self) {
                    self = .scalar(text)
                } else {
                    self = .lanes(try container.decode([String].self))
                }
            }
        }

        public var type: String
        public var value: Content?
        public var lane_type: String?
        /// Of type `either`: the values allowed.
        public var values: [Value]?

        public init(type: String, value: Content?, laneType: String? = nil, values: [Value]? = nil) {
            self.type = type
            self.value = value
            lane_type = laneType
            self.values = values
        }

        /// The text of a scalar value.
        public var scalar: String? {
            if case .scalar(let text) = value { return text }
            return nil
        }
    }

    /// Loads `testdata/wasm-spec/<path>`, for example `core/i32`.
    public static func load(_ path: String) throws -> SpecSuite {
        let folder = "testdata/wasm-spec/" + path
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let data = try Data(contentsOf: URL(filePath: SharedData.path(folder + "/" + name + ".json")))
        var suite = try JSONDecoder().decode(SpecSuite.self, from: data)
        suite.folder = folder
        suite.path = path
        return suite
    }

    /// The bytes of the module that a command names.
    public func bytes(of command: Command) throws -> [UInt8] {
        try SharedData.bytes(folder + "/" + (command.filename ?? ""))
    }

    /// The suites of a group, as paths for ``load(_:)``, with the feature level that all their modules validate at
    /// (`wasm1`, `wasm2`, `wasm3`, `all`, …).
    public static func suites(in group: String) throws -> [(path: String, level: String)] {
        let text = String(decoding: try SharedData.bytes("testdata/wasm-spec/FEATURE-LEVELS.tsv"), as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            let columns = line.split(separator: "\t").map(String.init)
            guard columns.count == 2, columns[0].hasPrefix(group + "/") else { return nil }
            return (columns[0].split(separator: "/").dropLast().joined(separator: "/"), columns[1])
        }
        .sorted { $0.path < $1.path }
    }
}
