// SPDX-License-Identifier: Apache-2.0
// Swiftlet: reading and writing objects of one kind over the API.
import KubernetesAPI
import ObjectStore

/// Answers requests for objects of any kind from the store.
struct ResourceHandler: Sendable {
    let store: ObjectStore
    let now: @Sendable () -> Time

    /// Bodies are JSON; a missing type means JSON, as for curl's sake.
    private func checkMediaType(_ request: APIRequest) throws(APIError) {
        let type = request.mediaType
        guard type.isEmpty || type == "application/json" else {
            throw .unsupportedMediaType(type, accepted: ["application/json"])
        }
    }

    /// Everything but subresources that are not part of the object.
    func respond<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ request: APIRequest
    ) throws -> APIResponse {
        if request.method != "PATCH", !request.body.isEmpty { try checkMediaType(request) }
        guard let name = target.name else { return try respondToCollection(type, target, request) }
        switch (request.method, target.subresource) {
        case ("GET", nil) where request.flag("watch") && request.query["watch"] != nil:
            return try watch(type, target, request)
        case ("GET", nil), ("GET", "status"):
            return try get(type, target.namespace ?? "", name, request)
        case ("PUT", nil), ("PUT", "status"):
            return try replace(type, target, name, request)
        case ("PATCH", nil), ("PATCH", "status"):
            return try patch(type, target, name, request)
        case ("DELETE", nil):
            return try delete(type, target, name, request)
        case (_, nil), (_, "status"):
            throw APIError.methodNotAllowed(request.method)
        default:
            throw APIError.unknownPath
        }
    }

    private func respondToCollection<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ request: APIRequest
    ) throws -> APIResponse {
        switch request.method {
        case "GET":
            let isWatch = request.query["watch"] != nil && request.flag("watch")
            return isWatch ? try watch(type, target, request) : try list(type, target, request)
        case "POST": return try create(type, target, request)
        case "DELETE": return try deleteAll(type, target, request)
        default: throw APIError.methodNotAllowed(request.method)
        }
    }

    // MARK: - Reading

    private func get<T: KubernetesObject>(
        _ type: T.Type, _ namespace: String, _ name: String, _ request: APIRequest
    ) throws -> APIResponse {
        try answer(try find(type, namespace, name), request)
    }

    func find<T: KubernetesObject>(_ type: T.Type, _ namespace: String, _ name: String) throws(APIError) -> T {
        guard let object = store.get(type, namespace: namespace, name: name) else {
            throw APIError(
                StoreError(
                    .notFound, "\(T.groupResource) \"\(name)\" not found", resource: T.groupResource,
                    name: name))
        }
        return object
    }

    /// The object itself or, if the client prefers, its row.
    func answer<T: KubernetesObject>(_ object: T, _ request: APIRequest, status: Int = 200) throws -> APIResponse {
        guard request.wantsTable else { return try APIResponse(object, status: status) }
        let table = Table(
            [object], now: now(), resourceVersion: object.metadata.resourceVersion,
            including: try included(request))
        return try APIResponse(table, status: status)
    }

    func included(_ request: APIRequest) throws(APIError) -> Table.IncludedObject {
        guard let text = request.query["includeObject"] else { return .metadata }
        guard let value = Table.IncludedObject(rawValue: text) else {
            throw .badRequest("includeObject: expected None, Metadata or Object, found \"\(text)\"")
        }
        return value
    }

    private func list<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ request: APIRequest
    ) throws -> APIResponse {
        let filter = try ObjectFilter(request, target)
        let after = try ListPosition(request.query["continue"])
        var limit = Int.max
        if let text = request.query["limit"], text != "0" {
            guard let number = Int(text), number > 0 else {
                throw APIError.badRequest("limit: expected a positive number, found \"\(text)\"")
            }
            limit = number
        }
        let snapshot = store.snapshot(type, namespace: target.namespace) { object in
            filter.matches(object) && (after?.precedes(object.metadata) ?? true)
        }
        let items = Array(snapshot.items.prefix(limit))
        var metadata = ListMeta(resourceVersion: String(snapshot.resourceVersion))
        if items.count < snapshot.items.count, let last = items.last {
            metadata.continue = ListPosition(last.metadata).text
            metadata.remainingItemCount = Int64(snapshot.items.count - items.count)
        }
        if request.wantsTable {
            var table = Table(items, now: now(), including: try included(request))
            table.metadata = metadata
            return try APIResponse(table)
        }
        var list = ObjectList(items)
        list.metadata = metadata
        return try APIResponse(list)
    }

    // MARK: - Writing

    private func create<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ request: APIRequest
    ) throws -> APIResponse {
        let (object, warnings) = try Admission.decode(type, json: request.body, request, target)
        let stored = try write(isDryRun: request.isDryRun) { store throws(StoreError) in try store.create(object) }
        var response = try answer(stored, request, status: 201)
        response.warnings = warnings
        return response
    }

    private func replace<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ name: String, _ request: APIRequest
    ) throws -> APIResponse {
        let (object, warnings) = try Admission.decode(type, json: request.body, request, target)
        guard object.metadata.name == name else {
            throw APIError.badRequest(
                "the name of the object (\(object.metadata.name)) does not match the name on the URL (\(name))")
        }
        var response = try answer(
            try update(object, isStatus: target.subresource == "status", isDryRun: request.isDryRun), request)
        response.warnings = warnings
        return response
    }

    /// Stores a changed object, if the change is one that may be made.
    func update<T: KubernetesObject>(_ object: T, isStatus: Bool, isDryRun: Bool) throws -> T {
        let stored = try find(T.self, object.metadata.namespace, object.metadata.name)
        if !isStatus { try Admission.checkUpdate(from: stored, to: object) }
        return try write(isDryRun: isDryRun) { store throws(StoreError) in
            isStatus ? try store.updateStatus(object) : try store.update(object)
        }
    }

    /// Runs `body` in a transaction; a dry run takes everything back after it has answered.
    private func write<Result: Sendable>(
        isDryRun: Bool, _ body: (StoreTransaction) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard isDryRun else { return try store.transaction(body) }
        var result: Result?
        do throws(StoreError) {
            try store.transaction { transaction throws(StoreError) in
                result = try body(transaction)
                throw StoreError(.unavailable, "")
            }
        } catch {
            guard let result else { throw error }
            return result
        }
        throw StoreError(.unavailable, "dry run without result")
    }

    private func patch<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ name: String, _ request: APIRequest
    ) throws -> APIResponse {
        let patch = try ObjectPatch(request)
        // A patch without a resourceVersion applies to whatever is there; a lost race is run again.
        for attempt in 1... {
            let stored = try find(type, target.namespace ?? "", name)
            let json = try patch.applied(to: try JSONValue(encoding: stored), of: T.self)
            let (object, warnings) = try Admission.decode(
                type, json: try KubernetesJSON.encode(json), request, target)
            do {
                let updated = try update(
                    object, isStatus: target.subresource == "status", isDryRun: request.isDryRun)
                var response = try answer(updated, request)
                response.warnings = warnings
                return response
            } catch let error as StoreError
                where error.reason == .conflict && !patch.namesVersion && attempt < 5
            {
                continue
            }
        }
        throw APIError.unknownPath
    }

    // MARK: - Deleting

    private func delete<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ name: String, _ request: APIRequest
    ) throws -> APIResponse {
        let options = try deleteOptions(request)
        let stored = try find(type, target.namespace ?? "", name)
        let isDryRun = request.isDryRun || options.dryRun.contains("All")
        let remaining = try write(isDryRun: isDryRun) { store throws(StoreError) in
            try store.delete(type, namespace: target.namespace ?? "", name: name, options: options)
        }
        if let remaining { return try answer(remaining, request) }
        let details = StatusDetails(name: name, group: T.group, kind: T.resource, uid: stored.metadata.uid)
        return try APIResponse(Status(status: "Success", details: details))
    }

    private func deleteAll<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ request: APIRequest
    ) throws -> APIResponse {
        guard target.namespace != nil || !T.isNamespaced else { throw APIError.methodNotAllowed("DELETE") }
        let options = try deleteOptions(request)
        let filter = try ObjectFilter(request, target)
        let deleted = try write(isDryRun: request.isDryRun) { store throws(StoreError) in
            let objects = store.list(type, namespace: target.namespace) { filter.matches($0) }
            for object in objects {
                try store.delete(
                    type, namespace: object.metadata.namespace, name: object.metadata.name, options: options)
            }
            return objects
        }
        return try APIResponse(ObjectList(deleted, resourceVersion: String(store.resourceVersion)))
    }

    /// From the body, else from the query.
    private func deleteOptions(_ request: APIRequest) throws -> DeleteOptions {
        var options = DeleteOptions()
        if !request.body.isEmpty {
            do {
                options = try KubernetesJSON.decode(DeleteOptions.self, from: request.body)
            } catch {
                throw APIError.badRequest("DeleteOptions in the request cannot be handled: \(error)")
            }
        }
        if let text = request.query["gracePeriodSeconds"] {
            guard let seconds = Int64(text), seconds >= 0 else {
                throw APIError.badRequest("gracePeriodSeconds: expected a number from 0, found \"\(text)\"")
            }
            options.gracePeriodSeconds = seconds
        }
        if let policy = request.query["propagationPolicy"] { options.propagationPolicy = policy }
        let policies = [DeletionPolicy.background, DeletionPolicy.foreground, DeletionPolicy.orphan]
        if let policy = options.propagationPolicy, !policies.contains(policy) {
            throw APIError.badRequest(
                "propagationPolicy: expected \(policies.joined(separator: ", ")), found \"\(policy)\"")
        }
        return options
    }
}

/// Where a list that was cut short goes on.
struct ListPosition: Sendable {
    var namespace: String
    var name: String

    init(_ metadata: ObjectMeta) {
        (namespace, name) = (metadata.namespace, metadata.name)
    }

    /// nil for an absent or empty text.
    init?(_ text: String?) throws(APIError) {
        guard let text, !text.isEmpty else { return nil }
        let parts = Base64Data(base64: text)?.text?.split(separator: "/", omittingEmptySubsequences: false)
        guard let parts, parts.count == 2 else { throw .badRequest("continue key is not valid") }
        (namespace, name) = (String(parts[0]), String(parts[1]))
    }

    var text: String { Base64Data(utf8: "\(namespace)/\(name)").base64 }

    /// Whether an object comes after this position.
    func precedes(_ metadata: ObjectMeta) -> Bool {
        (namespace, name) < (metadata.namespace, metadata.name)
    }
}
