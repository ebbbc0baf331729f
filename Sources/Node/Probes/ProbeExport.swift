// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the annotation that names exported functions as probes.

/// `swiftlet.dev/probe-export`: probes that need no network, no second process and no image change.
///
/// * `swiftlet.dev/probe-export: healthy` – liveness of the only container of the pod.
/// * `swiftlet.dev/probe-export.CONTAINER.KIND: healthy` – KIND is `startup`, `liveness` or `readiness`.
///
/// The timing fields come from the container's probe of that kind where the manifest has one; the export then replaces
/// the probe's action. Without one, upstream's defaults hold.
public enum ProbeExport {
    public static let annotation = "swiftlet.dev/probe-export"
    // LIMIT: an export name in a manifest; the engine has its own limit for modules.
    static let nameBytesMax = 256

    /// The exports by container and kind, and one message for each annotation that makes no sense.
    public static func parse(
        annotations: [String: String], containers: [String]
    ) -> (exports: [String: [ProbeKind: String]], problems: [String]) {
        var exports: [String: [ProbeKind: String]] = [:]
        var problems: [String] = []
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) where key.hasPrefix(annotation) {
            let rest = key.dropFirst(annotation.count)
            guard rest.isEmpty || rest.hasPrefix(".") else { continue }
            guard !value.isEmpty, value.utf8.count <= nameBytesMax else {
                problems.append(
                    "annotation \(key): expected the name of an export, 1 to \(nameBytesMax) bytes, "
                        + "found \(value.utf8.count) bytes")
                continue
            }
            if rest.isEmpty {
                guard containers.count == 1 else {
                    problems.append(
                        "annotation \(key): the pod has \(containers.count) containers, "
                            + "expected \(annotation).CONTAINER.KIND")
                    continue
                }
                exports[containers[0], default: [:]][.liveness] = value
                continue
            }
            let parts = rest.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let kind = ProbeKind(rawValue: parts[1]), containers.contains(parts[0]) else {
                problems.append(
                    "annotation \(key): expected \(annotation).CONTAINER.KIND with a container of the pod "
                        + "(\(containers.joined(separator: ", "))) and startup, liveness or readiness")
                continue
            }
            exports[parts[0], default: [:]][kind] = value
        }
        return (exports, problems)
    }
}
