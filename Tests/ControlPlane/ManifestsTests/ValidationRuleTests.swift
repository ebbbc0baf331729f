// SPDX-License-Identifier: Apache-2.0
// Swiftlet: upstream's rules for values, one by one.

import Manifests
import Testing

@Suite struct ValidationRuleTests {
    /// `path reason` of every error of a pod whose spec is the given flow mapping's inside.
    private func errors(ofPod spec: String) -> [String] {
        errors(of: "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {\(spec)}}")
    }

    private func errors(of text: String) -> [String] {
        Manifests.read(Array(text.utf8), file: "t.yaml").errors.map { "\($0.error.path) \($0.error.reason)" }
    }

    @Test(
        arguments: [
            ("", ["ports: [{containerPort: 80}, {containerPort: 81}]"]),
            ("ports[0].containerPort required", ["ports: [{name: x}]"]),
            ("ports[1].name duplicate", ["ports: [{name: x, containerPort: 1}, {name: x, containerPort: 2}]"]),
            (
                "ports[0].name invalid",
                ["ports: [{name: \"0123\", containerPort: 1}]", "ports: [{name: X, containerPort: 1}]"]
            ),
            ("ports[0].protocol notSupported", ["ports: [{containerPort: 1, protocol: SCTP}]"]),
            (
                "ports[1].hostPort duplicate",
                ["ports: [{containerPort: 1, hostPort: 5}, {containerPort: 2, hostPort: 5}]"]
            ),
            ("ports[0].hostIP invalid", ["ports: [{containerPort: 1, hostIP: host}]"]),
            ("env[0].name required", ["env: [{value: x}]"]),
            (
                "env[0].valueFrom invalid",
                [
                    "env: [{name: x, valueFrom: {}}]",
                    "env: [{name: x, valueFrom: {fieldRef: {fieldPath: metadata.name}, secretKeyRef: {name: s, key: k}}}]",
                ]
            ),
            (
                "env[0].valueFrom.fieldRef.fieldPath notSupported",
                ["env: [{name: x, valueFrom: {fieldRef: {fieldPath: spec.x}}}]"]
            ),
            ("env[0].valueFrom.secretKeyRef.key required", ["env: [{name: x, valueFrom: {secretKeyRef: {name: s}}}]"]),
            (
                "env[0].valueFrom.resourceFieldRef.resource notSupported",
                [
                    "env: [{name: x, valueFrom: {resourceFieldRef: {resource: limits.gpu}}}]"
                ]
            ),
            (
                "env[0].valueFrom.resourceFieldRef.divisor notSupported",
                [
                    "env: [{name: x, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 3m}}}]"
                ]
            ),
            ("", ["env: [{name: x, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a/b']\"}}}]"]),
            ("envFrom[0] invalid", ["envFrom: [{prefix: A_}]"]),
            ("resources.limits[gpu] notSupported", ["resources: {limits: {gpu: 1}}"]),
            ("resources.limits[cpu] invalid", ["resources: {limits: {cpu: -1}}", "resources: {limits: {cpu: 100u}}"]),
            ("resources.requests[memory] invalid", ["resources: {limits: {memory: 1Mi}, requests: {memory: 2Mi}}"]),
            ("volumeMounts[0].mountPath invalid", ["volumeMounts: [{name: v, mountPath: x}]"]),
            ("volumeMounts[0].mountPath required", ["volumeMounts: [{name: v}]"]),
            (
                "volumeMounts[0].subPath invalid",
                [
                    "volumeMounts: [{name: v, mountPath: /x, subPath: ../y}]",
                    "volumeMounts: [{name: v, mountPath: /x, subPath: /y}]",
                ]
            ),
            ("livenessProbe required", ["livenessProbe: {periodSeconds: 5}"]),
            ("livenessProbe.successThreshold invalid", ["livenessProbe: {successThreshold: 2, tcpSocket: {port: 1}}"]),
            ("livenessProbe.periodSeconds invalid", ["livenessProbe: {periodSeconds: -1, tcpSocket: {port: 1}}"]),
            ("livenessProbe.httpGet.port notFound", ["livenessProbe: {httpGet: {port: web}}"]),
            ("livenessProbe.httpGet.port invalid", ["livenessProbe: {httpGet: {port: 0}}"]),
            ("livenessProbe.httpGet.scheme notSupported", ["livenessProbe: {httpGet: {port: 1, scheme: ftp}}"]),
            ("livenessProbe.exec.command required", ["livenessProbe: {exec: {}}"]),
            ("livenessProbe.grpc.port invalid", ["livenessProbe: {grpc: {}}"]),
            (
                "readinessProbe.terminationGracePeriodSeconds invalid",
                [
                    "readinessProbe: {terminationGracePeriodSeconds: 1, tcpSocket: {port: 1}}"
                ]
            ),
            ("lifecycle.preStop required", ["lifecycle: {preStop: {}}"]),
            ("lifecycle.preStop.sleep.seconds invalid", ["lifecycle: {preStop: {sleep: {seconds: -1}}}"]),
            ("imagePullPolicy notSupported", ["imagePullPolicy: Sometimes"]),
            ("securityContext.privileged unsupported", ["securityContext: {privileged: true}"]),
            ("securityContext.capabilities.add unsupported", ["securityContext: {capabilities: {add: [NET_ADMIN]}}"]),
            (
                "",
                ["securityContext: {capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false, runAsNonRoot: true}"]
            ),
            (
                "securityContext.runAsUser invalid",
                [
                    "securityContext: {runAsUser: -1}", "securityContext: {runAsUser: 0, runAsNonRoot: true}",
                ]
            ),
            ("workingDir unsupported", ["workingDir: /x"]),
            ("command[1] typeInvalid", ["command: [a, 1]"]),
            ("command typeInvalid", ["command: a"]),
        ] as [(String, [String])])
    func `a container's field is judged`(expected: String, fields: [String]) {
        for field in fields {
            let found = errors(ofPod: "volumes: [{name: v}], containers: [{name: c, image: i, \(field)}]")
            #expect(found == (expected.isEmpty ? [] : ["spec.containers[0]." + expected]), "\(field)")
        }
    }

    @Test(arguments: [
        ("volumes[1].name duplicate", "volumes: [{name: v}, {name: v}]"),
        ("volumes[0] forbidden", "volumes: [{name: v, emptyDir: {}, hostPath: {path: /x}}]"),
        ("volumes[0].hostPath.path invalid", "volumes: [{name: v, hostPath: {path: x}}]"),
        ("volumes[0].hostPath.type notSupported", "volumes: [{name: v, hostPath: {path: /x, type: Socket}}]"),
        ("volumes[0].configMap.name required", "volumes: [{name: v, configMap: {}}]"),
        (
            "volumes[0].configMap.items[0].path invalid",
            "volumes: [{name: v, configMap: {name: m, items: [{key: k, path: ../x}]}}]"
        ),
        ("volumes[0].secret.defaultMode invalid", "volumes: [{name: v, secret: {secretName: s, defaultMode: 512}}]"),
        ("", "volumes: [{name: v, secret: {secretName: s, defaultMode: 0400}}]"),
        (
            "volumes[0].projected.sources[0].serviceAccountToken unsupported",
            "volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}]"
        ),
        ("volumes[0].nfs unsupported", "volumes: [{name: v, nfs: {server: s, path: /}}]"),
        ("volumes[0].emptyDir.sizeLimit unsupported", "volumes: [{name: v, emptyDir: {sizeLimit: 1Gi}}]"),
        ("restartPolicy notSupported", "restartPolicy: Sometimes"),
        ("terminationGracePeriodSeconds invalid", "terminationGracePeriodSeconds: -1"),
        ("hostAliases[0].ip invalid", "hostAliases: [{ip: x, hostnames: [a]}]"),
        ("hostNetwork unsupported", "hostNetwork: true"),
        ("", "hostNetwork: false"),
        ("dnsPolicy unsupported", "dnsPolicy: None"),
        ("os.name unsupported", "os: {name: windows}"),
        (
            "initContainers[0].livenessProbe forbidden",
            "initContainers: [{name: i, image: i, livenessProbe: {tcpSocket: {port: 1}}}]"
        ),
        ("initContainers[0].restartPolicy unsupported", "initContainers: [{name: i, image: i, restartPolicy: Always}]"),
        ("containers[0].name duplicate", "initContainers: [{name: c, image: i}]"),
    ])
    func `a pod's field is judged`(expected: String, field: String) {
        let found = errors(ofPod: "\(field), containers: [{name: c, image: i}]")
        #expect(found == (expected.isEmpty ? [] : ["spec." + expected]))
    }

    @Test(arguments: [
        ("", "ports: [{port: 80, targetPort: http}]"),
        ("ports required", "selector: {a: b}"),
        ("", "clusterIP: None"),
        ("clusterIP invalid", "clusterIP: x, ports: [{port: 1}]"),
        ("ports[0].port invalid", "ports: [{port: 0}]"),
        ("ports[1].name required", "ports: [{port: 1, name: a}, {port: 2}]"),
        ("ports[1].name duplicate", "ports: [{port: 1, name: a}, {port: 2, name: a}]"),
        ("ports[1].port duplicate", "ports: [{port: 1, name: a}, {port: 1, name: b}]"),
        ("ports[0].protocol unsupported", "ports: [{port: 1, protocol: UDP}]"),
        ("ports[0].nodePort forbidden", "ports: [{port: 1, nodePort: 30000}]"),
        ("ports[0].nodePort invalid", "type: NodePort, ports: [{port: 1, nodePort: 80}]"),
        ("", "type: NodePort, ports: [{port: 1, nodePort: 30080}]"),
        ("", "type: LoadBalancer, ports: [{port: 1}]"),
        ("type unsupported", "type: ExternalName, ports: [{port: 1}]"),
        ("sessionAffinity notSupported", "sessionAffinity: Sticky, ports: [{port: 1}]"),
        ("", "sessionAffinity: ClientIP, ports: [{port: 1}]"),
        (
            "sessionAffinityConfig.clientIP.timeoutSeconds invalid",
            "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}, ports: [{port: 1}]"
        ),
        ("ipFamilies unsupported", "ipFamilies: [IPv6], ports: [{port: 1}]"),
    ])
    func `a service's field is judged`(expected: String, field: String) {
        let found = errors(of: "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {\(field)}}")
        #expect(found == (expected.isEmpty ? [] : ["spec." + expected]))
    }

    @Test(arguments: [
        ("data[..x] invalid", "kind: ConfigMap, metadata: {name: a}, data: {..x: z}"),
        ("data[k] invalid", "kind: ConfigMap, metadata: {name: a}, data: {k: z}, binaryData: {k: YQ==}"),
        ("data[k] typeInvalid", "kind: Secret, metadata: {name: a}, data: {k: \"***\"}"),
        (
            "data[tls.crt] required",
            "kind: Secret, metadata: {name: a}, type: kubernetes.io/tls, stringData: {tls.key: x}"
        ),
        ("metadata.name invalid", "kind: Service, metadata: {name: 1a}, spec: {ports: [{port: 1}]}"),
        ("metadata.name invalid", "kind: Namespace, metadata: {name: a.b}"),
        ("metadata.generateName invalid", "kind: ConfigMap, metadata: {generateName: A-}"),
        ("", "kind: ConfigMap, metadata: {generateName: a-}"),
        ("metadata.annotations[a b] invalid", "kind: ConfigMap, metadata: {name: a, annotations: {a b: c}}"),
        ("metadata.creationTimestamp typeInvalid", "kind: ConfigMap, metadata: {name: a, creationTimestamp: now}"),
    ])
    func `other kinds' fields are judged`(expected: String, object: String) {
        #expect(errors(of: "{apiVersion: v1, \(object)}") == (expected.isEmpty ? [] : [expected]))
    }
}
