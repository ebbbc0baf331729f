// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a server on a socket of its own, and short ways to talk to it.
import APIClient
import APIServer
import Glibc
import KubernetesAPI
import ObjectStore
import Synchronization

/// A running server with an empty store, for the length of `body`.
func withServer(
    port: Int? = nil, logPath: @escaping LogPathProvider = { _, _, _ in nil },
    _ body: (ServerFixture) async throws -> Void
) async throws {
    var template = Array("/tmp/swl-api-XXXXXX".utf8CString)
    let folder = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    defer { rmdir(folder) }
    let store = try ObjectStore(path: nil)
    let (listening, continuation) = AsyncStream.makeStream(of: APIServer.Listener.self)
    let configuration = APIServer.Configuration(
        socketPath: "\(folder)/api.sock", port: port, version: "test", logPath: logPath)
    let server = APIServer(
        store: store, configuration: configuration, onListening: { continuation.yield($0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        var listeners: [APIServer.Listener] = []
        for await listener in listening {
            listeners.append(listener)
            if listeners.count == (port == nil ? 1 : 2) { break }
        }
        let fixture = ServerFixture(
            store: store, client: APIClient(socketPath: "\(folder)/api.sock"), folder: folder, listeners: listeners)
        do {
            try await body(fixture)
        } catch {
            group.cancelAll()
            throw error
        }
        group.cancelAll()
    }
}

struct ServerFixture: Sendable {
    let store: ObjectStore
    let client: APIClient
    let folder: String
    let listeners: [APIServer.Listener]

    struct Answer {
        var status: Int
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }

        func json() throws -> JSONValue { try KubernetesJSON.decode(JSONValue.self, from: body) }

        func object<T: Decodable>(_ type: T.Type) throws -> T { try KubernetesJSON.decode(type, from: body) }
    }

    func send(
        _ method: String, _ path: String, _ body: String = "", type: String = "application/json",
        accept: String = "application/json"
    ) async throws -> Answer {
        let request = APIClient.Request(method, path, accept: accept, contentType: type, body: Array(body.utf8))
        let response = try await client.send(request)
        return Answer(status: response.status, body: response.body)
    }

    func send(_ method: String, _ path: String, _ object: some Encodable) async throws -> Answer {
        try await send(method, path, try KubernetesJSON.encodeString(object))
    }

    var port: Int? {
        for case .port(let port) in listeners { return port }
        return nil
    }
}

let deploymentsPath = "/apis/apps/v1/namespaces/default/deployments"
let podsPath = "/api/v1/namespaces/default/pods"

func makeDeployment(_ name: String = "web", replicas: Int32 = 3) -> Deployment {
    var deployment = Deployment(metadata: ObjectMeta(name: name, namespace: "default", labels: ["app": name]))
    deployment.spec.replicas = replicas
    deployment.spec.selector.matchLabels = ["app": name]
    deployment.spec.template.metadata.labels = ["app": name]
    deployment.spec.template.spec.containers = [
        Container(name: "app", image: "example.com/app:1", env: [EnvVar(name: "A", value: "1")]),
        Container(name: "side", image: "example.com/side:1"),
    ]
    return deployment
}

func makePod(_ name: String = "web-1", containers: [String] = ["app"]) -> Pod {
    var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default", labels: ["app": "web"]))
    pod.spec.containers = containers.map { Container(name: $0, image: "example.com/app:1") }
    return pod
}
