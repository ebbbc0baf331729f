// SPDX-License-Identifier: Apache-2.0
// Swiftlet: fields of a pod's spec.

extension Schema {
    private static let oneNode = "there is one node, and every pod runs on it"
    private static let noServiceAccounts = "there are no service accounts, and no token is mounted"
    private static let ownSandbox = "every container is a sandbox of its own, apart from the machine and its neighbours"

    static let pod: [ObjectSchema] =
        [
            type(
                "PodSpec",
                obeyed([
                    "containers": .list(.object("Container")), "initContainers": .list(.object("Container")),
                    "volumes": .list(.object("Volume")), "restartPolicy": .string,
                    "terminationGracePeriodSeconds": .int64, "securityContext": .object("PodSecurityContext"),
                    "hostAliases": .list(.object("HostAlias")), "enableServiceLinks": .bool, "hostname": .string,
                    "imagePullSecrets": .list(.object("LocalObjectReference")),
                ]),
                harmless("every pod is run by Swiftlet, whatever class it names", ["runtimeClassName": .string]),
                harmless(oneNode, ["nodeName": .string]),
                withoutEffect(
                    oneNode,
                    [
                        "nodeSelector": stringMap, "affinity": .object("Affinity"),
                        "topologySpreadConstraints": .list(.object("TopologySpreadConstraint")),
                    ]),
                harmless("the node has no taints", ["tolerations": .list(.object("Toleration"))]),
                harmless(
                    noServiceAccounts, ["serviceAccount": .string, "automountServiceAccountToken": .bool]),
                withoutEffect(noServiceAccounts, ["serviceAccountName": .string]),
                harmless(
                    "nothing is preempted on one node",
                    ["priority": .int32, "priorityClassName": .string, "preemptionPolicy": .string]),
                refused(
                    "names are resolved by the node", unless: ["ClusterFirst", "ClusterFirstWithHostNet", "Default"],
                    ["dnsPolicy": .string]),
                refused("there is one scheduler", unless: ["default-scheduler"], ["schedulerName": .string]),
                refused(
                    ownSandbox, unless: ["false"],
                    [
                        "hostNetwork": .bool, "hostPID": .bool, "hostIPC": .bool, "shareProcessNamespace": .bool,
                        "setHostnameAsFQDN": .bool,
                    ]),
                refused("user namespaces are the sandbox's own affair", unless: ["true"], ["hostUsers": .bool]),
                obeyed(["os": .object("PodOS")]),
                refused("a deadline for the whole pod is not enforced yet", "activeDeadlineSeconds"),
                refused("names are resolved by the node", "dnsConfig"),
                refused(
                    "pods have no DNS names in the embedded network", "subdomain", "hostnameOverride"),
                refused("no outside controller sets further readiness conditions", "readinessGates"),
                refused("resources belong to containers here", "overhead", "resources"),
                refused("debug containers are not implemented", "ephemeralContainers"),
                refused("device claims are not implemented", "resourceClaims"),
                refused("pods are scheduled at once", "schedulingGates"),
                refused("groups of pods are not implemented", "workloadRef", "schedulingGroup"),
                refused("nothing evicts pods here", "evictionResponders")),
            type("PodOS", refused("the node runs Linux", unless: ["linux"], ["name": .string])),
            type("HostAlias", obeyed(["ip": .string, "hostnames": strings])),
            type("LocalObjectReference", obeyed(["name": .string])),
            type(
                "PodSecurityContext",
                obeyed(["runAsUser": .int64, "runAsGroup": .int64, "runAsNonRoot": .bool]),
                withoutEffect("files of a volume belong to the pod's user", ["fsGroup": .int64]),
                obeyed(["seccompProfile": .object("SeccompProfile"), "appArmorProfile": .object("AppArmorProfile")]),
                harmless(
                    "files of a volume get their group when the volume is made", ["fsGroupChangePolicy": .string]),
                refused("a guest has one group", unless: ["[]"], ["supplementalGroups": .list(.int64)]),
                refused("a guest has one group", "supplementalGroupsPolicy"),
                refused("SELinux labels are not set", "seLinuxOptions", "seLinuxChangePolicy"),
                refused("the node runs Linux", "windowsOptions"),
                refused("a sandbox changes no kernel parameters", unless: ["[]"], ["sysctls": .any])),
            type(
                "SeccompProfile",
                refused(
                    "the sandbox always has its own, stricter filter", unless: ["RuntimeDefault", "Unconfined"],
                    ["type": .string]),
                refused("the sandbox always has its own, stricter filter", "localhostProfile")),
            type(
                "AppArmorProfile",
                refused(
                    "AppArmor profiles are not loaded", unless: ["RuntimeDefault", "Unconfined"], ["type": .string]),
                refused("AppArmor profiles are not loaded", "localhostProfile")),
        ] + scheduling

    private static let scheduling: [ObjectSchema] = [
        type(
            "Affinity",
            obeyed([
                "nodeAffinity": .object("NodeAffinity"), "podAffinity": .object("PodAffinity"),
                "podAntiAffinity": .object("PodAffinity"),
            ])),
        type(
            "NodeAffinity",
            obeyed([
                "requiredDuringSchedulingIgnoredDuringExecution": .object("NodeSelector"),
                "preferredDuringSchedulingIgnoredDuringExecution": .list(.object("PreferredSchedulingTerm")),
            ])),
        type("NodeSelector", obeyed(["nodeSelectorTerms": .list(.object("NodeSelectorTerm"))])),
        type(
            "NodeSelectorTerm",
            obeyed([
                "matchExpressions": .list(.object("LabelSelectorRequirement")),
                "matchFields": .list(.object("LabelSelectorRequirement")),
            ])),
        type("PreferredSchedulingTerm", obeyed(["weight": .int32, "preference": .object("NodeSelectorTerm")])),
        type(
            "PodAffinity",
            obeyed([
                "requiredDuringSchedulingIgnoredDuringExecution": .list(.object("PodAffinityTerm")),
                "preferredDuringSchedulingIgnoredDuringExecution": .list(.object("WeightedPodAffinityTerm")),
            ])),
        type(
            "PodAffinityTerm",
            obeyed([
                "labelSelector": .object("LabelSelector"), "namespaces": strings, "topologyKey": .string,
                "namespaceSelector": .object("LabelSelector"), "matchLabelKeys": strings,
                "mismatchLabelKeys": strings,
            ])),
        type("WeightedPodAffinityTerm", obeyed(["weight": .int32, "podAffinityTerm": .object("PodAffinityTerm")])),
        type(
            "Toleration",
            obeyed([
                "key": .string, "operator": .string, "value": .string, "effect": .string,
                "tolerationSeconds": .int64,
            ])),
        type(
            "TopologySpreadConstraint",
            obeyed([
                "maxSkew": .int32, "topologyKey": .string, "whenUnsatisfiable": .string,
                "labelSelector": .object("LabelSelector"), "minDomains": .int32, "nodeAffinityPolicy": .string,
                "nodeTaintsPolicy": .string, "matchLabelKeys": strings,
            ])),
    ]
}
