// SPDX-License-Identifier: Apache-2.0
// Swiftlet: fields that an update may not change.

import KubernetesAPI

extension Validator {
    mutating func checkUpdate(from old: any KubernetesObject, to new: any KubernetesObject) {
        switch (old, new) {
        case (let old as Deployment, let new as Deployment):
            checkUnchanged(old.spec.selector, new.spec.selector, at: FieldPath("spec", "selector"))
        case (let old as ReplicaSet, let new as ReplicaSet):
            checkUnchanged(old.spec.selector, new.spec.selector, at: FieldPath("spec", "selector"))
        case (let old as Pod, let new as Pod): checkUpdate(from: old.spec, to: new.spec)
        case (let old as Service, let new as Service):
            if !old.spec.clusterIP.isEmpty {
                checkUnchanged(old.spec.clusterIP, new.spec.clusterIP, at: FieldPath("spec", "clusterIP"))
            }
        case (let old as ConfigMap, let new as ConfigMap):
            guard old.immutable == true else { return }
            if new.immutable != true { addImmutable(FieldPath("immutable")) }
            checkUnchanged(old.data, new.data, at: FieldPath("data"))
            checkUnchanged(old.binaryData, new.binaryData, at: FieldPath("binaryData"))
        case (let old as Secret, let new as Secret):
            checkUnchanged(old.type, new.type, at: FieldPath("type"))
            guard old.immutable == true else { return }
            if new.immutable != true { addImmutable(FieldPath("immutable")) }
            checkUnchanged(old.data, new.data, at: FieldPath("data"))
        default: break
        }
    }

    private mutating func addImmutable(_ path: FieldPath) {
        add(FieldError(path, .invalid, "field is immutable"))
    }

    private mutating func checkUnchanged<Value: Equatable>(_ old: Value, _ new: Value, at path: FieldPath) {
        if old != new { addImmutable(path) }
    }

    /// Of a pod's spec an update may change images, tolerations and a shorter grace period only.
    private mutating func checkUpdate(from old: PodSpec, to new: PodSpec) {
        var allowed = old
        guard old.containers.count == new.containers.count, old.initContainers.count == new.initContainers.count else {
            return add(.forbidden(FieldPath("spec"), "pod updates may not add or remove containers"))
        }
        for index in new.containers.indices { allowed.containers[index].image = new.containers[index].image }
        for index in new.initContainers.indices {
            allowed.initContainers[index].image = new.initContainers[index].image
        }
        allowed.tolerations = new.tolerations
        allowed.terminationGracePeriodSeconds = new.terminationGracePeriodSeconds
        // The scheduler sets the node once.
        if old.nodeName.isEmpty { allowed.nodeName = new.nodeName }
        if allowed != new {
            let detail =
                "pod updates may not change fields other than containers[*].image, initContainers[*].image, "
                + "tolerations and terminationGracePeriodSeconds"
            add(.forbidden(FieldPath("spec"), detail))
        }
    }
}
