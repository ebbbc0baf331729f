// SPDX-License-Identifier: Apache-2.0
// Swiftlet: fields of a container, its environment and its probes.

extension Schema {
    static let container: [ObjectSchema] = [
        type(
            "Container",
            obeyed([
                "name": .string, "image": .string, "command": strings, "args": strings,
                "ports": .list(.object("ContainerPort")), "env": .list(.object("EnvVar")),
                "envFrom": .list(.object("EnvFromSource")), "resources": .object("ResourceRequirements"),
                "volumeMounts": .list(.object("VolumeMount")), "livenessProbe": .object("Probe"),
                "readinessProbe": .object("Probe"), "startupProbe": .object("Probe"),
                "lifecycle": .object("Lifecycle"), "imagePullPolicy": .string, "terminationMessagePolicy": .string,
                "securityContext": .object("SecurityContext"),
            ]),
            harmless(
                "resources are changed by replacing the pod",
                ["resizePolicy": .list(.object("ContainerResizePolicy"))]),
            refused(
                "a guest has no terminal and no standard input", unless: ["false"],
                ["stdin": .bool, "stdinOnce": .bool, "tty": .bool]),
            refused(
                "the termination message is the trap or the exit record, not a file of the guest",
                unless: ["/dev/termination-log"], ["terminationMessagePath": .string]),
            refused("a WASI guest has no working directory that the host could set", "workingDir"),
            refused("init containers that keep running are not implemented", "restartPolicy", "restartPolicyRules"),
            refused("block devices are not handed to guests", "volumeDevices"),
            refused("only a debug container has a target", "targetContainerName")),
        type(
            "ContainerPort",
            obeyed([
                "name": .string, "containerPort": .int32, "hostPort": .int32, "hostIP": .string, "protocol": .string,
            ])),
        type("ContainerResizePolicy", obeyed(["resourceName": .string, "restartPolicy": .string])),
        type(
            "ResourceRequirements", obeyed(["limits": .map(.quantity), "requests": .map(.quantity)]),
            refused("device claims are not implemented", "claims")),
        type(
            "VolumeMount",
            obeyed([
                "name": .string, "mountPath": .string, "readOnly": .bool, "subPath": .string, "subPathExpr": .string,
            ]),
            refused("mounts are not shared with the machine", unless: ["None"], ["mountPropagation": .string]),
            refused("there are no mounts below a volume", unless: ["Disabled"], ["recursiveReadOnly": .string]),
            refused("a preopened folder has no mount options", "bindMountOptions")),
        type(
            "SecurityContext",
            obeyed([
                "runAsUser": .int64, "runAsGroup": .int64, "runAsNonRoot": .bool, "readOnlyRootFilesystem": .bool,
                "seccompProfile": .object("SeccompProfile"), "appArmorProfile": .object("AppArmorProfile"),
                "capabilities": .object("Capabilities"),
            ]),
            refused(
                "a sandbox never gets privileges", unless: ["false"],
                ["privileged": .bool, "allowPrivilegeEscalation": .bool]),
            refused("a sandbox sees no /proc", unless: ["Default"], ["procMount": .string]),
            refused("SELinux labels are not set", "seLinuxOptions"),
            refused("the node runs Linux", "windowsOptions")),
        type(
            "Capabilities",
            harmless("a sandbox has no capabilities to drop", ["drop": strings]),
            refused("a sandbox never gets capabilities", unless: ["[]"], ["add": strings])),
    ]

    static let environment: [ObjectSchema] = [
        type("EnvVar", obeyed(["name": .string, "value": .string, "valueFrom": .object("EnvVarSource")])),
        type(
            "EnvVarSource",
            obeyed([
                "fieldRef": .object("ObjectFieldSelector"), "resourceFieldRef": .object("ResourceFieldSelector"),
                "configMapKeyRef": .object("KeySelector"), "secretKeyRef": .object("KeySelector"),
            ]), refused("variables are not read from files of a volume", "fileKeyRef")),
        type("ObjectFieldSelector", obeyed(["apiVersion": .string, "fieldPath": .string])),
        type(
            "ResourceFieldSelector", obeyed(["containerName": .string, "resource": .string, "divisor": .quantity])),
        type("KeySelector", obeyed(["name": .string, "key": .string, "optional": .bool])),
        type(
            "EnvFromSource",
            obeyed([
                "prefix": .string, "configMapRef": .object("EnvSource"), "secretRef": .object("EnvSource"),
            ])),
        type("EnvSource", obeyed(["name": .string, "optional": .bool])),
    ]

    static let probes: [ObjectSchema] = [
        type(
            "Probe",
            obeyed([
                "exec": .object("ExecAction"), "httpGet": .object("HTTPGetAction"),
                "tcpSocket": .object("TCPSocketAction"), "grpc": .object("GRPCAction"),
                "initialDelaySeconds": .int32, "timeoutSeconds": .int32, "periodSeconds": .int32,
                "successThreshold": .int32, "failureThreshold": .int32, "terminationGracePeriodSeconds": .int64,
            ])),
        type("ExecAction", obeyed(["command": strings])),
        type(
            "HTTPGetAction",
            obeyed([
                "path": .string, "port": .intOrString, "host": .string, "scheme": .string,
                "httpHeaders": .list(.object("HTTPHeader")),
            ]), refused("probes speak HTTP/1.1", "protocol")),
        type("HTTPHeader", obeyed(["name": .string, "value": .string])),
        type("TCPSocketAction", obeyed(["port": .intOrString, "host": .string])),
        type(
            "GRPCAction", obeyed(["port": .int32, "service": .string]),
            refused("gRPC probes speak plain HTTP/2", "mode")),
        type(
            "Lifecycle", obeyed(["postStart": .object("LifecycleHandler"), "preStop": .object("LifecycleHandler")]),
            refused("a guest has no signals to choose from", "stopSignal")),
        type(
            "LifecycleHandler",
            obeyed([
                "exec": .object("ExecAction"), "httpGet": .object("HTTPGetAction"),
                "tcpSocket": .object("TCPSocketAction"), "sleep": .object("SleepAction"),
            ])),
        type("SleepAction", obeyed(["seconds": .int64])),
    ]
}
