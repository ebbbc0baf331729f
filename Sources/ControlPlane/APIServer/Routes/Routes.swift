// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which handler answers which path.
import KubernetesAPI
import ObjectStore

/// All of the API, from request to response, without any network.
struct Routes: Sendable {
    private let resources: ResourceHandler
    private let discovery: Discovery
    private let logs: PodLogs

    init(
        store: ObjectStore, version: String, logPath: @escaping LogPathProvider,
        now: @escaping @Sendable () -> MicroTime
    ) {
        resources = ResourceHandler(store: store, now: { now().time })
        discovery = Discovery(version: version)
        logs = PodLogs(store: store, path: logPath, now: now)
    }

    func respond(to request: APIRequest) -> APIResponse {
        do {
            return try route(request)
        } catch {
            return APIError(any: error).response
        }
    }

    private func route(_ request: APIRequest) throws -> APIResponse {
        if request.method == "GET" {
            if let response = try discovery.respond(request) { return response }
            if let response = try OpenAPI.respond(request) { return response }
        }
        guard let target = ResourceTarget(path: request.path) else { throw APIError.unknownPath }
        switch target.subresource {
        case "log" where target.type == Pod.self:
            return try logs.respond(target, request)
        case "scale" where target.type == Deployment.self:
            return try resources.scale(Deployment.self, target, request)
        case "scale" where target.type == ReplicaSet.self:
            return try resources.scale(ReplicaSet.self, target, request)
        case "exec", "attach", "portforward", "proxy", "eviction", "binding", "ephemeralcontainers":
            throw APIError.notImplemented("\(target.type.resource)/\(target.subresource ?? "")")
        default:
            return try resources.respond(target.type, target, request)
        }
    }
}
