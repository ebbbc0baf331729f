// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: the HTTP API of manifests/wasm-api.yaml. PORT and POD_NAME come from the environment.
// With the argument `check` it asks the server of its own pod for its health instead, as an exec probe does.

private var requestCount = 0
private var isServing = false

private let users: [(id: Int, name: StaticString)] = [(1, "Ada"), (2, "Grace"), (3, "Margaret")]

private func replicaField() -> Bytes {
    var json = Bytes.text("\"replica\":\"")
    json.append(contentsOf: environment("POD_NAME") ?? environment("HOSTNAME") ?? .text("unknown"))
    json.add("\"")
    return json
}

private func userList() -> Bytes {
    var json = Bytes.text("{\"users\":[")
    for (index, user) in users.enumerated() {
        json.add(index == 0 ? "{\"id\":" : ",{\"id\":")
        json.add(user.id)
        json.add(",\"name\":\"")
        json.add(user.name)
        json.add("\"}")
    }
    json.add("],")
    return json + replicaField() + .text("}\n")
}

private func health() -> Bytes {
    var json = Bytes.text("{\"status\":\"ok\",\"requests\":")
    json.add(requestCount)
    json.add(",")
    return json + replicaField() + .text("}\n")
}

private func respond(to request: Request) -> Response {
    requestCount += 1
    let isRead = request.method.equals("GET") || request.method.equals("HEAD")
    if request.path.equals("/api/users") || request.path.equals("/api/health") {
        guard isRead else {
            return Response(
                status: 405, reason: "Method Not Allowed", body: .text("{\"error\":\"not allowed\"}\n"))
        }
        return Response(
            status: 200, reason: "OK", body: request.path.equals("/api/users") ? userList() : health())
    }
    return Response(
        status: 404, reason: "Not Found", body: .text("{\"error\":\"not found\",") + replicaField() + .text("}\n"))
}

/// Exits with 0 when the pod's server answers 200.
private func check(port: Int32) -> Never {
    let isHealthy = httpStatus(port: port, path: "/api/health") == 200
    printLine(isHealthy ? "healthy" : "no healthy answer")
    exit(isHealthy ? 0 : 1)
}

/// Health without a network: 0 while the server serves (annotation `swiftlet.dev/probe-export`).
@_expose(wasm, "healthy")
@_cdecl("healthy")
public func healthy() -> Int32 { isServing ? 0 : 1 }

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    let port = environment("PORT").flatMap { integer($0) } ?? 8080
    if let command = arguments().dropFirst().first, command.equals("check") { check(port: Int32(port)) }
    guard var server = HTTPServer(port: Int32(port), handler: respond) else { exit(1) }
    var message = Bytes.text("listening on port ")
    message.add(port)
    printLine(message)
    isServing = true
    server.run()
    printLine("stopped, every request answered")
}
