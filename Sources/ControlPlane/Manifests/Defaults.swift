// SPDX-License-Identifier: Apache-2.0
// Swiftlet: upstream's defaults for fields that a manifest leaves out.

public import KubernetesAPI

/// Defaulting as upstream's API server does it (pkg/apis/{core,apps}/v1/defaults.go states the values).
public enum Defaults {
    /// `object` with every default filled in.
    public static func applied<Object: KubernetesObject>(to object: Object) -> Object {
        switch object {
        case var deployment as Deployment:
            apply(to: &deployment)
            return deployment as? Object ?? object
        case var replicaSet as ReplicaSet:
            apply(to: &replicaSet)
            return replicaSet as? Object ?? object
        case var pod as Pod:
            apply(to: &pod.spec)
            return pod as? Object ?? object
        case var service as Service:
            apply(to: &service.spec)
            return service as? Object ?? object
        case var secret as Secret:
            apply(to: &secret)
            return secret as? Object ?? object
        default: return object
        }
    }

    static func apply(to deployment: inout Deployment) {
        deployment.spec.replicas = deployment.spec.replicas ?? 1
        deployment.spec.revisionHistoryLimit = deployment.spec.revisionHistoryLimit ?? 10
        deployment.spec.progressDeadlineSeconds = deployment.spec.progressDeadlineSeconds ?? 600
        var strategy = deployment.spec.strategy
        strategy.type = strategy.type ?? .rollingUpdate
        if strategy.type == .rollingUpdate {
            var bounds = strategy.rollingUpdate ?? RollingUpdateDeployment()
            bounds.maxSurge = bounds.maxSurge ?? "25%"
            bounds.maxUnavailable = bounds.maxUnavailable ?? "25%"
            strategy.rollingUpdate = bounds
        }
        deployment.spec.strategy = strategy
        apply(to: &deployment.spec.template.spec)
    }

    static func apply(to replicaSet: inout ReplicaSet) {
        replicaSet.spec.replicas = replicaSet.spec.replicas ?? 1
        apply(to: &replicaSet.spec.template.spec)
    }

    /// Defaults of a pod's spec, wherever it stands.
    public static func apply(to spec: inout PodSpec) {
        spec.restartPolicy = spec.restartPolicy ?? .always
        spec.terminationGracePeriodSeconds = spec.terminationGracePeriodSeconds ?? 30
        spec.dnsPolicy = spec.dnsPolicy ?? .clusterFirst
        if spec.schedulerName.isEmpty { spec.schedulerName = "default-scheduler" }
        spec.enableServiceLinks = spec.enableServiceLinks ?? true
        spec.securityContext = spec.securityContext ?? PodSecurityContext()
        if spec.serviceAccountName.isEmpty { spec.serviceAccountName = spec.serviceAccount }
        for index in spec.containers.indices { apply(to: &spec.containers[index]) }
        for index in spec.initContainers.indices { apply(to: &spec.initContainers[index]) }
        for index in spec.volumes.indices { apply(to: &spec.volumes[index]) }
    }

    private static func apply(to container: inout Container) {
        container.imagePullPolicy = container.imagePullPolicy ?? pullPolicy(for: container.image)
        if container.terminationMessagePath.isEmpty { container.terminationMessagePath = "/dev/termination-log" }
        container.terminationMessagePolicy = container.terminationMessagePolicy ?? .file
        for index in container.ports.indices {
            container.ports[index].protocol = container.ports[index].protocol ?? .tcp
        }
        for index in container.env.indices {
            guard let reference = container.env[index].valueFrom?.fieldRef, reference.apiVersion.isEmpty else {
                continue
            }
            container.env[index].valueFrom?.fieldRef?.apiVersion = "v1"
        }
        // A limit without a request is also the request.
        for (name, limit) in container.resources.limits where container.resources.requests[name] == nil {
            container.resources.requests[name] = limit
        }
        apply(to: &container.livenessProbe)
        apply(to: &container.readinessProbe)
        apply(to: &container.startupProbe)
        apply(to: &container.lifecycle)
    }

    private static func apply(to probe: inout Probe?) {
        guard var value = probe else { return }
        if value.timeoutSeconds == 0 { value.timeoutSeconds = 1 }
        if value.periodSeconds == 0 { value.periodSeconds = 10 }
        if value.successThreshold == 0 { value.successThreshold = 1 }
        if value.failureThreshold == 0 { value.failureThreshold = 3 }
        apply(to: &value.httpGet)
        if value.grpc?.service == nil { value.grpc?.service = "" }
        probe = value
    }

    private static func apply(to lifecycle: inout Lifecycle?) {
        guard var value = lifecycle else { return }
        if var handler = value.postStart {
            apply(to: &handler.httpGet)
            value.postStart = handler
        }
        if var handler = value.preStop {
            apply(to: &handler.httpGet)
            value.preStop = handler
        }
        lifecycle = value
    }

    private static func apply(to action: inout HTTPGetAction?) {
        guard var value = action else { return }
        if value.path.isEmpty { value.path = "/" }
        value.scheme = value.scheme ?? .http
        action = value
    }

    private static func apply(to volume: inout Volume) {
        // Upstream's older default: a volume without a source is an empty folder.
        if volume.hasNoSource { volume.emptyDir = EmptyDirVolumeSource() }
        if volume.hostPath?.type == nil { volume.hostPath?.type = "" }
        if volume.secret?.defaultMode == nil { volume.secret?.defaultMode = 0o644 }
        if volume.configMap?.defaultMode == nil { volume.configMap?.defaultMode = 0o644 }
        if volume.downwardAPI?.defaultMode == nil { volume.downwardAPI?.defaultMode = 0o644 }
        if volume.projected?.defaultMode == nil { volume.projected?.defaultMode = 0o644 }
    }

    static func apply(to spec: inout ServiceSpec) {
        spec.type = spec.type ?? .clusterIP
        spec.sessionAffinity = spec.sessionAffinity ?? SessionAffinity.none
        spec.internalTrafficPolicy = spec.internalTrafficPolicy ?? "Cluster"
        if spec.sessionAffinity == .clientIP, spec.sessionAffinityConfig?.clientIP?.timeoutSeconds == nil {
            spec.sessionAffinityConfig = SessionAffinityConfig(clientIP: ClientIPConfig(timeoutSeconds: 10_800))
        }
        if spec.type == .nodePort || spec.type == .loadBalancer {
            spec.externalTrafficPolicy = spec.externalTrafficPolicy ?? "Cluster"
        }
        if spec.type == .loadBalancer {
            spec.allocateLoadBalancerNodePorts = spec.allocateLoadBalancerNodePorts ?? true
        }
        for index in spec.ports.indices {
            spec.ports[index].protocol = spec.ports[index].protocol ?? .tcp
            let target = spec.ports[index].targetPort
            if target == nil || target == .int(0) || target == "" {
                spec.ports[index].targetPort = .int(spec.ports[index].port)
            }
        }
    }

    static func apply(to secret: inout Secret) {
        if secret.type.isEmpty { secret.type = "Opaque" }
        for (key, text) in secret.stringData { secret.data[key] = Base64Data(utf8: text) }
        secret.stringData = [:]
    }

    /// `Always` for the tag `latest` or no tag, otherwise `IfNotPresent`. A module given as a path is never pulled.
    static func pullPolicy(for image: String) -> ImagePullPolicy {
        if ImageReference.isPath(image) { return .ifNotPresent }
        guard let reference = ImageReference(image) else { return .ifNotPresent }
        if reference.digest != nil { return .ifNotPresent }
        return reference.tag == nil || reference.tag == "latest" ? .always : .ifNotPresent
    }
}

extension Volume {
    var sourceCount: Int {
        [
            hostPath != nil, emptyDir != nil, secret != nil, persistentVolumeClaim != nil, downwardAPI != nil,
            configMap != nil, projected != nil,
        ].count { $0 }
    }

    var hasNoSource: Bool { sourceCount == 0 }
}
