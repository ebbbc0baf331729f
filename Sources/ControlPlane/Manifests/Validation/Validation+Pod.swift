// SPDX-License-Identifier: Apache-2.0
// Swiftlet: rules of a pod's spec.

import KubernetesAPI

extension Validator {
    mutating func check(_ spec: PodSpec, at path: FieldPath, isTemplate: Bool) {
        checkVolumes(spec.volumes, at: path.field("volumes"))
        checkContainers(of: spec, at: path)
        check(one: spec.restartPolicy, of: ["Always", "OnFailure", "Never"], at: path.field("restartPolicy"))
        if let seconds = spec.terminationGracePeriodSeconds {
            checkNonNegative(seconds, at: path.field("terminationGracePeriodSeconds"))
        }
        for (index, alias) in spec.hostAliases.enumerated() {
            let aliasPath = path.field("hostAliases").index(index)
            if !AddressRules.isIPv4(alias.ip), !AddressRules.isIPv6(alias.ip) {
                add(.invalid(aliasPath.field("ip"), alias.ip, "must be a valid IP address"))
            }
            for (nameIndex, name) in alias.hostnames.enumerated() {
                let namePath = aliasPath.field("hostnames").index(nameIndex)
                add(problem: NameRules.dnsSubdomainProblem(name), of: name, at: namePath)
            }
        }
        checkLabels(spec.nodeSelector, at: path.field("nodeSelector"))
        if !spec.serviceAccountName.isEmpty {
            let problem = NameRules.dnsSubdomainProblem(spec.serviceAccountName)
            add(problem: problem, of: spec.serviceAccountName, at: path.field("serviceAccountName"))
        }
        if !spec.hostname.isEmpty {
            let problem = NameRules.dnsLabelProblem(spec.hostname)
            add(problem: problem, of: spec.hostname, at: path.field("hostname"))
        }
        if let name = spec.runtimeClassName {
            add(problem: NameRules.dnsSubdomainProblem(name), of: name, at: path.field("runtimeClassName"))
        }
        if let context = spec.securityContext {
            let contextPath = path.field("securityContext")
            checkIdentity(user: context.runAsUser, group: context.runAsGroup, at: contextPath)
            if let group = context.fsGroup { checkID(group, at: contextPath.field("fsGroup")) }
            if context.runAsNonRoot == true, context.runAsUser == 0 {
                add(.invalid(contextPath.field("runAsUser"), "0", "runAsNonRoot excludes the user 0"))
            }
        }
    }

    mutating func check(one value: (some OpenEnumeration)?, of supported: [String], at path: FieldPath) {
        guard let value, !supported.contains(value.rawValue) else { return }
        add(.notSupported(path, value.rawValue, supported: supported))
    }

    mutating func checkIdentity(user: Int64?, group: Int64?, at path: FieldPath) {
        if let user { checkID(user, at: path.field("runAsUser")) }
        if let group { checkID(group, at: path.field("runAsGroup")) }
    }

    private mutating func checkID(_ id: Int64, at path: FieldPath) {
        if !(0...Int64(Int32.max)).contains(id) { add(.invalid(path, id, "must be between 0 and 2147483647")) }
    }

    private mutating func checkContainers(of spec: PodSpec, at path: FieldPath) {
        if spec.containers.isEmpty { add(.required(path.field("containers"))) }
        var names: Set<String> = []
        var hostPorts: Set<String> = []
        let volumes = Set(spec.volumes.map(\.name))
        for (list, containers) in [("initContainers", spec.initContainers), ("containers", spec.containers)] {
            for (index, container) in containers.enumerated() {
                let containerPath = path.field(list).index(index)
                if container.name.isEmpty {
                    add(.required(containerPath.field("name")))
                } else if !names.insert(container.name).inserted {
                    add(.duplicate(containerPath.field("name"), container.name))
                } else {
                    let problem = NameRules.dnsLabelProblem(container.name)
                    add(problem: problem, of: container.name, at: containerPath.field("name"))
                }
                check(container, at: containerPath, volumes: volumes, hostPorts: &hostPorts)
                if list == "initContainers" { checkIsInitContainer(container, at: containerPath) }
            }
        }
        checkResourceReferences(of: spec, at: path, containerNames: names)
    }

    private mutating func checkIsInitContainer(_ container: Container, at path: FieldPath) {
        let detail = "may not be set for init containers"
        if container.livenessProbe != nil { add(.forbidden(path.field("livenessProbe"), detail)) }
        if container.readinessProbe != nil { add(.forbidden(path.field("readinessProbe"), detail)) }
        if container.startupProbe != nil { add(.forbidden(path.field("startupProbe"), detail)) }
        if container.lifecycle != nil { add(.forbidden(path.field("lifecycle"), detail)) }
    }

    /// `resourceFieldRef` may name another container, which must exist.
    private mutating func checkResourceReferences(of spec: PodSpec, at path: FieldPath, containerNames: Set<String>) {
        for (list, containers) in [("initContainers", spec.initContainers), ("containers", spec.containers)] {
            for (index, container) in containers.enumerated() {
                for (envIndex, variable) in container.env.enumerated() {
                    guard let name = variable.valueFrom?.resourceFieldRef?.containerName, !name.isEmpty,
                        !containerNames.contains(name)
                    else { continue }
                    let envPath = path.field(list).index(index).field("env").index(envIndex)
                    add(.notFound(envPath.field("valueFrom").field("resourceFieldRef").field("containerName"), name))
                }
            }
        }
    }
}
