// SPDX-License-Identifier: Apache-2.0
// Swiftlet: rules of Service, ConfigMap and Secret.

import KubernetesAPI

extension Validator {
    mutating func check(_ spec: ServiceSpec) {
        let path = FieldPath("spec")
        let isHeadless = spec.clusterIP == "None"
        check(one: spec.type, of: ["ClusterIP", "NodePort", "LoadBalancer"], at: path.field("type"))
        check(one: spec.sessionAffinity, of: ["None", "ClientIP"], at: path.field("sessionAffinity"))
        if let seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds {
            let secondsPath = path.field("sessionAffinityConfig").field("clientIP").field("timeoutSeconds")
            if spec.sessionAffinity != .clientIP {
                add(.forbidden(path.field("sessionAffinityConfig"), "may not be set when sessionAffinity is None"))
            } else if !(1...86_400).contains(seconds) {
                add(.invalid(secondsPath, seconds, "must be between 1 and 86400"))
            }
        }
        if isHeadless, spec.type == .nodePort || spec.type == .loadBalancer {
            add(.invalid(path.field("clusterIP"), "None", "may not be None for the type \(spec.type ?? .clusterIP)"))
        }
        if spec.ports.isEmpty, !isHeadless { add(.required(path.field("ports"))) }
        checkLabels(spec.selector, at: path.field("selector"))
        if !spec.clusterIP.isEmpty, !isHeadless, !AddressRules.isIPv4(spec.clusterIP) {
            let detail = "must be empty, \"None\" or an IPv4 address"
            add(.invalid(path.field("clusterIP"), spec.clusterIP, detail))
        }
        if let first = spec.clusterIPs.first, first != spec.clusterIP {
            add(.invalid(path.field("clusterIPs").index(0), first, "must be the same as clusterIP"))
        }
        if spec.clusterIPs.count > 1 {
            add(.invalid(path.field("clusterIPs"), spec.clusterIPs.description, "may hold only one address"))
        }
        for (name, policy) in [
            ("internalTrafficPolicy", spec.internalTrafficPolicy),
            ("externalTrafficPolicy", spec.externalTrafficPolicy),
        ] {
            guard let policy, policy != "Cluster", policy != "Local" else { continue }
            add(.notSupported(path.field(name), policy, supported: ["Cluster", "Local"]))
        }
        check(spec.ports, at: path.field("ports"))
        checkNodePorts(spec, at: path.field("ports"))
    }

    private mutating func check(_ ports: [ServicePort], at path: FieldPath) {
        var names: Set<String> = []
        var numbers: Set<String> = []
        for (index, port) in ports.enumerated() {
            let portPath = path.index(index)
            if port.name.isEmpty {
                if ports.count > 1 {
                    add(.required(portPath.field("name"), "every port needs a name when there are several"))
                }
            } else {
                add(problem: NameRules.dnsLabelProblem(port.name), of: port.name, at: portPath.field("name"))
                if !names.insert(port.name).inserted { add(.duplicate(portPath.field("name"), port.name)) }
            }
            checkPortNumber(port.port, at: portPath.field("port"))
            check(one: port.protocol, of: ["TCP"], at: portPath.field("protocol"))
            if let target = port.targetPort, target != .int(port.port) {
                checkPort(target, at: portPath.field("targetPort"), portNames: nil)
            }
            if !numbers.insert("\(port.port)/\(port.protocol ?? .tcp)").inserted {
                add(.duplicate(portPath.field("port"), port.port))
            }
        }
    }

    /// Node ports: from upstream's default range, each once, and only for the types that have them.
    private mutating func checkNodePorts(_ spec: ServiceSpec, at path: FieldPath) {
        var seen: Set<Int32> = []
        for (index, port) in spec.ports.enumerated() where port.nodePort != 0 {
            let portPath = path.index(index).field("nodePort")
            if spec.type != .nodePort, spec.type != .loadBalancer {
                add(.forbidden(portPath, "may not be used when type is ClusterIP"))
            } else if !(30_000...32_767).contains(port.nodePort) {
                add(.invalid(portPath, port.nodePort, "must be between 30000 and 32767"))
            } else if !seen.insert(port.nodePort).inserted {
                add(.duplicate(portPath, port.nodePort))
            }
        }
    }

    // MARK: - ConfigMap and Secret

    // LIMIT: 1 MiB of values, as upstream.
    private static let valueBytesMax = 1 << 20

    mutating func check(_ map: ConfigMap) {
        var size = 0
        for (key, value) in map.data.sorted(by: { $0.key < $1.key }) {
            let path = FieldPath("data").key(key)
            add(problem: NameRules.configKeyProblem(key), of: key, at: path)
            if map.binaryData[key] != nil {
                add(.invalid(path, key, "the key is also in binaryData"))
            }
            size += value.utf8.count
        }
        for (key, value) in map.binaryData.sorted(by: { $0.key < $1.key }) {
            add(problem: NameRules.configKeyProblem(key), of: key, at: FieldPath("binaryData").key(key))
            size += value.bytes.count
        }
        checkSize(size, at: FieldPath())
    }

    private mutating func checkSize(_ size: Int, at path: FieldPath) {
        if size > Self.valueBytesMax {
            add(FieldError(path, .invalid, "must have at most \(Self.valueBytesMax) bytes of values, found \(size)"))
        }
    }

    /// Keys that a secret of a known type must have.
    private static let requiredKeys = [
        "kubernetes.io/dockercfg": [".dockercfg"],
        "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
        "kubernetes.io/ssh-auth": ["ssh-privatekey"],
        "kubernetes.io/tls": ["tls.crt", "tls.key"],
    ]

    mutating func check(_ secret: Secret) {
        var size = 0
        for (key, value) in secret.data.sorted(by: { $0.key < $1.key }) {
            add(problem: NameRules.configKeyProblem(key), of: key, at: FieldPath("data").key(key))
            size += value.bytes.count
        }
        checkSize(size, at: FieldPath("data"))
        for key in Self.requiredKeys[secret.type] ?? [] where secret.data[key] == nil {
            add(.required(FieldPath("data").key(key), "a secret of type \(secret.type) needs it"))
        }
        if secret.type == "kubernetes.io/basic-auth", secret.data["username"] == nil, secret.data["password"] == nil {
            add(.required(FieldPath("data").key("username"), "a secret of type \(secret.type) needs it or a password"))
        }
    }
}
