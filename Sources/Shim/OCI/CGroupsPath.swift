// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the two forms of `linux.cgroupsPath`.

/// Where a container's cgroup is.
public enum CGroupsPath: Sendable, Equatable {
    /// `/a/b`, below the cgroup mounts.
    case path(String)
    /// `SLICE:PREFIX:NAME`: the scope `PREFIX-NAME.scope` in the slice, by systemd's names.
    case systemd(slice: String, prefix: String, name: String)

    public init(parsing text: String) throws(SpecError) {
        func invalid(_ reason: String) -> SpecError {
            SpecError(path: "linux.cgroupsPath", reason: "\"\(text)\": \(reason)")
        }
        let fields = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard fields.count > 1 else {
            let parts = text.split(separator: "/")
            guard !parts.isEmpty, !parts.contains(".."), !parts.contains(".") else { throw invalid("is not usable") }
            self = .path(parts.joined(separator: "/"))
            return
        }
        guard fields.count == 3 else { throw invalid("expected SLICE:PREFIX:NAME") }
        let slice = fields[0].isEmpty ? "system.slice" : fields[0]
        guard slice.hasSuffix(".slice"), !slice.contains("/"), !slice.hasPrefix(".") else {
            throw invalid("expected a slice, found \"\(slice)\"")
        }
        let stem = slice.dropLast(6)
        // systemd.slice(5): dashes are the hierarchy, so none may be at an end or beside another; "-" alone is the root.
        guard stem == "-" || stem.split(separator: "-", omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty })
        else { throw invalid("\"\(slice)\" is not a slice's name") }
        guard !fields[2].isEmpty, !fields[1].contains("/"), !fields[2].contains("/"), !fields[2].hasPrefix(".") else {
            throw invalid("expected a name without slashes")
        }
        self = .systemd(slice: slice, prefix: fields[1], name: fields[2])
    }

    /// Path below the cgroup mounts, without a leading slash.
    ///
    /// `a-b.slice` is in `a.slice/a-b.slice` (systemd.slice(5)).
    public var relativePath: String {
        switch self {
        case .path(let path): return path
        case .systemd(let slice, let prefix, let name):
            var parts: [String] = []
            let stem = slice.dropLast(6)
            if stem != "-" {
                var soFar = ""
                for part in stem.split(separator: "-") {
                    soFar += (soFar.isEmpty ? "" : "-") + part
                    parts.append("\(soFar).slice")
                }
            }
            if name.hasSuffix(".slice") {
                parts.append(name)
            } else {
                parts.append(prefix.isEmpty ? "\(name).scope" : "\(prefix)-\(name).scope")
            }
            return parts.joined(separator: "/")
        }
    }
}
