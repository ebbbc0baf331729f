// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which controller an object belongs to.
public import KubernetesAPI

extension ObjectMeta {
    /// The one owner that manages this object.
    public var controllerReference: OwnerReference? { ownerReferences.first { $0.controller == true } }
}

extension KubernetesObject {
    /// The reference that makes this object the managing owner of another.
    public var asController: OwnerReference {
        OwnerReference(
            apiVersion: Self.apiVersion, kind: Self.kind, name: metadata.name, uid: metadata.uid, controller: true,
            blockOwnerDeletion: true)
    }
}

/// What a controller does about an object that it might own.
///
/// See: k8s.io/kubernetes/pkg/controller/controller_ref_manager.go
enum Claim {
    /// It is ours.
    case keep
    /// It matches and nobody manages it: become its controller.
    case adopt
    /// It is ours but no longer matches: let it go.
    case release
    case ignore

    init(on candidate: ObjectMeta, by owner: ObjectMeta, selector: LabelSelector) {
        let matches = !selector.isEmpty && selector.matches(candidate.labels)
        if let controller = candidate.controllerReference {
            guard controller.uid == owner.uid else {
                self = .ignore
                return
            }
            if matches {
                self = .keep
            } else {
                self = owner.deletionTimestamp == nil ? .release : .ignore
            }
            return
        }
        let isAlive = owner.deletionTimestamp == nil && candidate.deletionTimestamp == nil
        self = matches && isAlive ? .adopt : .ignore
    }
}

extension Pod {
    /// Whether the pod counts as a replica: neither ended nor being deleted.
    public var isActive: Bool {
        status.phase != .succeeded && status.phase != .failed && metadata.deletionTimestamp == nil
    }

    var readyCondition: PodCondition? { status.conditions.first { $0.type == "Ready" } }

    /// Whether the Ready condition is true.
    public var isReady: Bool { readyCondition?.status == .true }

    /// When the pod, if it stays ready, becomes available; nil if it is not ready.
    func availableTime(minReadySeconds: Int32) -> Time? {
        guard isReady else { return nil }
        guard minReadySeconds > 0 else { return Time(secondsSinceEpoch: 0) }
        return readyCondition?.lastTransitionTime?.adding(seconds: Int64(minReadySeconds))
    }
}
