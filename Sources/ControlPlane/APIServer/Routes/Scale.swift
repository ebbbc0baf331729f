// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the scale subresource of deployments and replica sets (autoscaling/v1 Scale).
import KubernetesAPI
import ObjectStore

/// The number of replicas and nothing else.
struct Scale: Codable, Sendable, Equatable {
    struct Spec: Codable, Sendable, Equatable {
        var replicas: Int32?
    }

    struct Observed: Codable, Sendable, Equatable {
        var replicas: Int32
        var selector: String?
    }

    var kind = "Scale"
    var apiVersion = "autoscaling/v1"
    var metadata: ObjectMeta
    var spec: Spec?
    var status: Observed?
}

/// A kind that can be scaled.
protocol Scalable: KubernetesObject {
    var replicaCount: Int32 { get set }
    var observedReplicas: Int32 { get }
    var podSelector: LabelSelector { get }
}

extension Deployment: Scalable {
    var replicaCount: Int32 {
        get { spec.replicas ?? 1 }
        set { spec.replicas = newValue }
    }
    var observedReplicas: Int32 { status.replicas }
    var podSelector: LabelSelector { spec.selector }
}

extension ReplicaSet: Scalable {
    var replicaCount: Int32 {
        get { spec.replicas ?? 1 }
        set { spec.replicas = newValue }
    }
    var observedReplicas: Int32 { status.replicas }
    var podSelector: LabelSelector { spec.selector }
}

extension ResourceHandler {
    func scale<T: Scalable>(_ type: T.Type, _ target: ResourceTarget, _ request: APIRequest) throws -> APIResponse {
        guard let name = target.name else { throw APIError.unknownPath }
        let stored = try find(type, target.namespace ?? "", name)
        let current = scale(of: stored)
        let wanted: Scale
        switch request.method {
        case "GET": return try APIResponse(current)
        case "PUT": wanted = try decode(request.body)
        case "PATCH":
            let patched = try ObjectPatch(request).applied(to: try JSONValue(encoding: current), of: type)
            wanted = try decode(try KubernetesJSON.encode(patched))
        default: throw APIError.methodNotAllowed(request.method)
        }
        let count = wanted.spec?.replicas ?? 0
        guard count >= 0 else {
            throw APIError(
                422, "Invalid",
                "Scale.autoscaling \"\(name)\" is invalid: spec.replicas: Invalid value: \(count): must be greater "
                    + "than or equal to 0")
        }
        let namesVersion = request.method == "PUT" ? !wanted.metadata.resourceVersion.isEmpty : false
        var changed = stored
        changed.replicaCount = count
        changed.metadata.resourceVersion = namesVersion ? wanted.metadata.resourceVersion : ""
        let updated = try update(changed, isStatus: false, isDryRun: request.isDryRun)
        return try APIResponse(scale(of: updated))
    }

    private func decode(_ body: [UInt8]) throws(APIError) -> Scale {
        do {
            return try KubernetesJSON.decode(Scale.self, from: body)
        } catch {
            throw .badRequest("Scale in the request cannot be handled: \(error)")
        }
    }

    private func scale<T: Scalable>(of object: T) -> Scale {
        let metadata = object.metadata
        return Scale(
            metadata: ObjectMeta(
                name: metadata.name, namespace: metadata.namespace, uid: metadata.uid,
                resourceVersion: metadata.resourceVersion, creationTimestamp: metadata.creationTimestamp),
            spec: Scale.Spec(replicas: object.replicaCount),
            status: Scale.Observed(replicas: object.observedReplicas, selector: object.podSelector.description))
    }
}
