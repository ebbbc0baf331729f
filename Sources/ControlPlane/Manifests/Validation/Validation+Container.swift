// SPDX-License-Identifier: Apache-2.0
// Swiftlet: rules of a container.

import KubernetesAPI

extension Validator {
    mutating func check(
        _ container: Container, at path: FieldPath, volumes: Set<String>, hostPorts: inout Set<String>
    ) {
        checkImage(container.image, at: path.field("image"))
        check(
            one: container.imagePullPolicy, of: ["Always", "IfNotPresent", "Never"], at: path.field("imagePullPolicy"))
        check(
            one: container.terminationMessagePolicy, of: ["File", "FallbackToLogsOnError"],
            at: path.field("terminationMessagePolicy"))
        checkPorts(container.ports, at: path.field("ports"), hostPorts: &hostPorts)
        checkEnvironment(container, at: path)
        check(container.resources, at: path.field("resources"))
        checkMounts(container.volumeMounts, at: path.field("volumeMounts"), volumes: volumes)
        let portNames = Set(container.ports.map(\.name))
        check(container.livenessProbe, at: path.field("livenessProbe"), portNames: portNames, mustSucceedOnce: true)
        check(container.startupProbe, at: path.field("startupProbe"), portNames: portNames, mustSucceedOnce: true)
        check(container.readinessProbe, at: path.field("readinessProbe"), portNames: portNames, mustSucceedOnce: false)
        if container.readinessProbe?.terminationGracePeriodSeconds != nil {
            let gracePath = path.field("readinessProbe").field("terminationGracePeriodSeconds")
            add(FieldError(gracePath, .invalid, "must not be set for readiness probes"))
        }
        let lifecycle = path.field("lifecycle")
        check(container.lifecycle?.postStart, at: lifecycle.field("postStart"), portNames: portNames)
        check(container.lifecycle?.preStop, at: lifecycle.field("preStop"), portNames: portNames)
        if let context = container.securityContext {
            let contextPath = path.field("securityContext")
            checkIdentity(user: context.runAsUser, group: context.runAsGroup, at: contextPath)
            if context.runAsNonRoot == true, context.runAsUser == 0 {
                add(.invalid(contextPath.field("runAsUser"), "0", "runAsNonRoot excludes the user 0"))
            }
        }
    }

    private mutating func checkImage(_ image: String, at path: FieldPath) {
        if image.isEmpty { return add(.required(path)) }
        if image.first == " " || image.last == " " {
            return add(.invalid(path, image, "must not have leading or trailing blanks"))
        }
        if !ImageReference.isPath(image), ImageReference(image) == nil {
            let hint = image.hasSuffix(".wasm") ? "; a module's path starts with ./, ../ or /" : ""
            add(.invalid(path, image, "expected an image name such as host/name:tag\(hint)"))
        }
    }

    // MARK: - Ports

    private mutating func checkPorts(_ ports: [ContainerPort], at path: FieldPath, hostPorts: inout Set<String>) {
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            let portPath = path.index(index)
            if !port.name.isEmpty {
                add(problem: NameRules.portNameProblem(port.name), of: port.name, at: portPath.field("name"))
                if !names.insert(port.name).inserted { add(.duplicate(portPath.field("name"), port.name)) }
            }
            if port.containerPort == 0 {
                add(.required(portPath.field("containerPort")))
            } else {
                checkPortNumber(port.containerPort, at: portPath.field("containerPort"))
            }
            check(one: port.protocol, of: ["TCP", "UDP"], at: portPath.field("protocol"))
            if port.hostPort != 0 {
                checkPortNumber(port.hostPort, at: portPath.field("hostPort"))
                let key = "\(port.hostPort)/\(port.protocol ?? .tcp)/\(port.hostIP)"
                if !hostPorts.insert(key).inserted { add(.duplicate(portPath.field("hostPort"), port.hostPort)) }
            }
            if !port.hostIP.isEmpty, !AddressRules.isIPv4(port.hostIP) {
                add(.invalid(portPath.field("hostIP"), port.hostIP, "must be an IPv4 address"))
            }
        }
    }

    mutating func checkPortNumber(_ port: Int32, at path: FieldPath) {
        if !(1...65_535).contains(port) { add(.invalid(path, port, "must be between 1 and 65535")) }
    }

    /// A probe's or service's target: a number, or the name of a port.
    mutating func checkPort(_ port: IntOrString, at path: FieldPath, portNames: Set<String>?) {
        switch port {
        case .int(let number): checkPortNumber(number, at: path)
        case .string(let name):
            if let problem = NameRules.portNameProblem(name) {
                add(.invalid(path, name, problem))
            } else if let portNames, !portNames.contains(name) {
                add(.notFound(path, name))
            }
        }
    }

    // MARK: - Resources

    private mutating func check(_ resources: ResourceRequirements, at path: FieldPath) {
        for (list, amounts) in [("limits", resources.limits), ("requests", resources.requests)] {
            for (name, amount) in amounts.sorted(by: { $0.key < $1.key }) {
                // A request that defaulting copied from the limit has been judged there.
                if list == "requests", resources.limits[name] == amount { continue }
                let itemPath = path.field(list).key(name)
                let standard = ["cpu", "memory"]
                let isKnown = standard.contains(name)
                if !isKnown {
                    add(.notSupported(itemPath, name, supported: standard))
                }
                if amount < .zero { add(.invalid(itemPath, amount, "must be greater than or equal to 0")) }
                if name == "memory", !amount.isWhole {
                    add(.invalid(itemPath, amount, "must be a whole number of bytes"))
                }
                if name == "cpu", amount.nanos % 1_000_000 != 0 {
                    add(.invalid(itemPath, amount, "must not be finer than 1m"))
                }
            }
        }
        for (name, request) in resources.requests.sorted(by: { $0.key < $1.key }) {
            guard let limit = resources.limits[name], request > limit else { continue }
            add(
                .invalid(
                    path.field("requests").key(name), request, "must be less than or equal to \(name) limit of \(limit)"
                ))
        }
    }

    // MARK: - Mounts

    private mutating func checkMounts(_ mounts: [VolumeMount], at path: FieldPath, volumes: Set<String>) {
        var places: Set<String> = []
        for (index, mount) in mounts.enumerated() {
            let mountPath = path.index(index)
            if mount.name.isEmpty {
                add(.required(mountPath.field("name")))
            } else if !volumes.contains(mount.name) {
                let hint = Suggestion.hint(for: mount.name, among: volumes.sorted())
                add(FieldError(mountPath.field("name"), .notFound, "not found: volume \"\(mount.name)\"\(hint)"))
            }
            if mount.mountPath.isEmpty {
                add(.required(mountPath.field("mountPath")))
            } else if !mount.mountPath.hasPrefix("/") {
                add(.invalid(mountPath.field("mountPath"), mount.mountPath, "must be an absolute path"))
            } else if mount.mountPath.contains(":") {
                add(.invalid(mountPath.field("mountPath"), mount.mountPath, "must not contain \":\""))
            } else if !places.insert(mount.mountPath).inserted {
                add(.invalid(mountPath.field("mountPath"), mount.mountPath, "must be unique"))
            }
            if !mount.subPath.isEmpty { checkLocalPath(mount.subPath, at: mountPath.field("subPath")) }
            if !mount.subPathExpr.isEmpty {
                checkLocalPath(mount.subPathExpr, at: mountPath.field("subPathExpr"))
                if !mount.subPath.isEmpty {
                    let detail = "subPathExpr and subPath are mutually exclusive"
                    add(.invalid(mountPath.field("subPathExpr"), mount.subPathExpr, detail))
                }
            }
        }
    }

    /// A relative path that does not leave its folder.
    mutating func checkLocalPath(_ text: String, at path: FieldPath) {
        if text.hasPrefix("/") {
            add(.invalid(path, text, "must be a relative path"))
        } else if text.split(separator: "/").contains("..") {
            add(.invalid(path, text, "must not contain \"..\""))
        }
    }
}
