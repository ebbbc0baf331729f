// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the stanza that makes containerd know the runtime, put into a config.toml and taken out again.

/// Edits containerd's configuration as text: everything outside our marks stays byte for byte.
///
/// See: containerd docs/cri/config.md; versions 2 (1.3 to 1.7, and 2.x) and 3 (2.x).
package struct ContainerdConfig: Sendable, Equatable {
    package enum Version: Int, Sendable {
        case two = 2
        case three = 3

        /// The plugin that runs Kubernetes' containers.
        var plugin: String {
            switch self {
            case .two: "io.containerd.grpc.v1.cri"
            case .three: "io.containerd.cri.v1.runtime"
            }
        }
    }

    static let begin = "# BEGIN swiftlet: written by swiftlet install containerd"
    static let end = "# END swiftlet"
    /// The first words of every mark that this or another release has written.
    private static let beginPrefix = "# BEGIN swiftlet"

    /// `handler` of the RuntimeClass: what containerd calls the runtime.
    package let handler: String
    /// `io.containerd.swiftlet.v1`, or the shim's absolute path.
    package let runtimeType: String

    package init(handler: String, runtimeType: String) throws(InstallationError) {
        func isLower(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
        let bytes = Array(handler.utf8)
        // A RuntimeClass takes only a DNS label.
        guard (1...63).contains(bytes.count), bytes.first.map(isLower) == true, bytes.last.map(isLower) == true,
            bytes.allSatisfy({ isLower($0) || $0 == UInt8(ascii: "-") })
        else { throw InstallationError("handler: expected lower-case letters, digits and -, found \"\(handler)\"") }
        guard runtimeType.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c && $0 != 0x7f }) else {
            throw InstallationError("runtime_type: expected no quotes and no backslash, found \"\(runtimeType)\"")
        }
        self.handler = handler
        self.runtimeType = runtimeType
    }

    /// The stanza with its marks.
    ///
    /// - Parameter needsDefault: nobody else configures a runtime. containerd forgets the one that is built in as soon as
    ///   there is another, and its CRI plugin then refuses to start.
    package func stanza(_ version: Version, needsDefault: Bool = false) -> String {
        let builtIn = """
            [plugins."\(version.plugin)".containerd.runtimes.runc]
              runtime_type = "io.containerd.runc.v2"

            """
        return """
            \(Self.begin)
            \(needsDefault ? builtIn : "")\
            [plugins."\(version.plugin)".containerd.runtimes.\(handler)]
              runtime_type = "\(runtimeType)"
              pod_annotations = ["swiftlet.dev/*", "run.oci.handler", "module.wasm.image/*"]
              container_annotations = ["swiftlet.dev/*", "run.oci.handler", "module.wasm.image/*"]
            \(Self.end)

            """
    }

    /// The text with the stanza in it once, whatever was in it before.
    ///
    /// - Parameters:
    ///   - version: nil: as the text says.
    ///   - isTemplate: the text has `{{ … }}` of Go templates in it.
    package func added(
        to text: String, version: Version? = nil, isTemplate: Bool = false
    ) throws(InstallationError) -> String {
        var rest = try Self.removed(from: text)
        let outline = try TOMLOutline(parsing: isTemplate ? Self.withoutActions(rest) : rest)
        let isEmpty = rest.allSatisfy(\.isWhitespace)
        let known: Version
        if let version { known = version } else { known = isEmpty ? .two : try Self.version(of: outline) }
        try check(outline, known)
        if isEmpty && version == nil { rest = "version = \(known.rawValue)\n" }
        if !rest.isEmpty, rest.utf8.last != UInt8(ascii: "\n") { rest += "\n" }
        // A template's base brings runtimes of its own.
        let runtimes = path(known).dropLast()
        let needsDefault = !isTemplate && !outline.entries.contains { $0.path.starts(with: runtimes) }
        return rest + (rest.isEmpty ? "" : "\n") + stanza(known, needsDefault: needsDefault)
    }

    /// The text without the stanza.
    package static func removed(from text: String) throws(InstallationError) -> String {
        // By bytes: a line may end in CR LF, which is one Character.
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        guard let first = lines.firstIndex(where: { $0.starts(with: beginPrefix.utf8) }) else { return text }
        guard let last = lines[first...].firstIndex(where: { $0.starts(with: end.utf8) }) else {
            throw InstallationError("line \(first + 1): the mark \"\(begin)\" has no \"\(end)\" after it")
        }
        lines.removeSubrange(first...last)
        // The empty line that was put before it.
        if first > 0, lines[first - 1].isEmpty { lines.remove(at: first - 1) }
        let rest = String(decoding: Array(lines.joined(separator: [UInt8(ascii: "\n")])), as: UTF8.self)
        // A file that was merged from two may have it twice.
        return try removed(from: rest)
    }

    package static func isInstalled(in text: String) -> Bool { text.contains(beginPrefix) }

    /// What is wrong with what containerd has understood (`containerd config dump`); nil: it knows the handler with our
    /// type, and its default runtime.
    package func problem(inDump text: String) throws(InstallationError) -> String? {
        let outline = try TOMLOutline(parsing: text)
        for version in [Version.two, .three] {
            guard outline[path: path(version) + ["runtime_type"]] == .string(runtimeType) else { continue }
            let runtimes = Array(path(version).dropLast())
            guard case .string(let name)? = outline[path: runtimes.dropLast() + ["default_runtime_name"]],
                !name.isEmpty,
                outline[path: runtimes + [name, "runtime_type"]] == nil
            else { return nil }
            return "the default runtime \(name) is not configured"
        }
        return "does not have the runtime"
    }

    /// What makes the stanza useless although it is there; nil when nothing does.
    package static func warning(in text: String) -> String? {
        // A plugin is named in full, by its last part in version 1, or with a pattern; this is only a hint.
        for line in text.split(whereSeparator: \.isNewline) {
            let code = line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
            if code.hasPrefix("disabled_plugins"), code.contains("cri\"") || code.contains("cri'") {
                return "disabled_plugins names the CRI plugin: Kubernetes cannot use this containerd"
            }
        }
        return nil
    }

    // MARK: - Reading

    private func path(_ version: Version) -> [String] {
        ["plugins", version.plugin, "containerd", "runtimes", handler]
    }

    /// A file without a version is of version 1, where plugins have other names.
    private static func version(of outline: TOMLOutline) throws(InstallationError) -> Version {
        guard let entry = outline.entries.last(where: { $0.path == ["version"] }) else {
            throw InstallationError(
                "there is no version, so this is a configuration of version 1: convert it first "
                    + "(containerd config migrate), or move it away if it holds nothing of yours")
        }
        guard case .integer(let number) = entry.value, let version = Version(rawValue: number) else {
            throw InstallationError("line \(entry.line): version: expected 2 or 3")
        }
        return version
    }

    /// Nobody else may have our table, and nothing on the way to it may be closed to additions.
    private func check(_ outline: TOMLOutline, _ version: Version) throws(InstallationError) {
        let wanted = path(version)
        for entry in outline.entries {
            if entry.path.starts(with: wanted) {
                throw InstallationError(
                    "line \(entry.line): there is a runtime \(handler) already, and not from here; "
                        + "take it out first, or choose another --handler")
            }
            guard wanted.starts(with: entry.path), entry.value != .table else { continue }
            throw InstallationError(
                "line \(entry.line): expected \(entry.path.joined(separator: ".")) to be a [table]; "
                    + "nothing can be added to it as it is written")
        }
    }

    /// The text with its actions taken out: a line of nothing else is empty, one inside a line becomes `0`.
    static func withoutActions(_ text: String) throws(InstallationError) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        let opening = Array("{{".utf8)
        let closing = Array("}}".utf8)
        while let byte = rest.first {
            guard rest.starts(with: opening) else {
                result.append(byte)
                rest.removeFirst()
                continue
            }
            let line = result.count { $0 == UInt8(ascii: "\n") } + 1
            var action: [UInt8] = []
            while !rest.starts(with: closing) {
                guard let byte = rest.popFirst() else {
                    throw InstallationError("line \(line): the action {{ has no }} after it")
                }
                action.append(byte)
            }
            rest.removeFirst(2)
            let before = result.reversed().prefix { $0 != UInt8(ascii: "\n") }
            let after = rest.prefix { $0 != UInt8(ascii: "\n") }
            let isAlone = Self.isBlank(before) && Self.isBlankOrAction(after)
            if !isAlone { result.append(UInt8(ascii: "0")) }
            result += action.filter { $0 == UInt8(ascii: "\n") }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isBlank(_ bytes: some Sequence<UInt8>) -> Bool {
        bytes.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
    }

    private static func isBlankOrAction(_ bytes: ArraySlice<UInt8>) -> Bool {
        let rest = Array(bytes.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
        return isBlank(rest) || rest.starts(with: "{{".utf8)
    }
}
