// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of reading and writing objects over the socket.
import APIClient
import APIServer
import Glibc
import KubernetesAPI
import ObjectStore
import Testing

@Suite(.timeLimit(.minutes(2))) struct `The API` {
    @Test func `creates, reads, lists, replaces and deletes an object`() async throws {
        try await withServer { server in
            let created = try await server.send("POST", deploymentsPath, makeDeployment())
            #expect(created.status == 201)
            var deployment = try created.object(Deployment.self)
            #expect(!deployment.metadata.uid.isEmpty && deployment.metadata.generation == 1)
            #expect(try await server.send("GET", "\(deploymentsPath)/web").object(Deployment.self) == deployment)
            let list = try await server.send("GET", "/apis/apps/v1/deployments").json()
            #expect(list["kind"]?.stringValue == "DeploymentList" && list["items"]?.arrayValue?.count == 1)
            deployment.spec.replicas = 5
            let replaced = try await server.send("PUT", "\(deploymentsPath)/web", deployment)
            #expect(try replaced.object(Deployment.self).metadata.generation == 2)
            let stale = try await server.send("PUT", "\(deploymentsPath)/web", deployment)
            #expect(stale.status == 409)
            #expect(try stale.object(Status.self).reason == "Conflict")
            let deleted = try await server.send("DELETE", "\(deploymentsPath)/web")
            #expect(deleted.status == 200)
            #expect(try deleted.object(Status.self).status == "Success")
            let gone = try await server.send("GET", "\(deploymentsPath)/web")
            #expect(gone.status == 404)
            let status = try gone.object(Status.self)
            #expect(status.kind == "Status" && status.reason == "NotFound" && status.code == 404)
            #expect(status.message == "deployments.apps \"web\" not found")
            #expect(status.details?.name == "web" && status.details?.group == "apps")
        }
    }

    @Test func `serves on a socket that is private to its owner and gone afterwards`() async throws {
        var path = ""
        try await withServer { server in
            path = server.client.socketPath
            var information = stat()
            #expect(stat(path, &information) == 0)
            #expect(information.st_mode & 0o777 == 0o600)
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test(arguments: [
        ("GET", "/nothing", "", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/unicorns", "", 404, "NotFound"),
        ("GET", "/api/v1/pods/web", "", 404, "NotFound"),
        ("POST", "/api/v1/namespaces/default/configmaps", "{", 400, "BadRequest"),
        ("POST", "/api/v1/namespaces/default/configmaps", "[]", 400, "BadRequest"),
        (
            "POST", "/api/v1/namespaces/default/configmaps", #"{"kind":"Pod","metadata":{"name":"a"}}"#, 400,
            "BadRequest"
        ),
        (
            "POST", "/api/v1/namespaces/default/configmaps",
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"b"}}"#, 400, "BadRequest"
        ),
        (
            "POST", "/api/v1/namespaces/nowhere/configmaps",
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#, 404, "NotFound"
        ),
        ("PATCH", "/api/v1/namespaces/default", "{}", 415, "UnsupportedMediaType"),
        ("PUT", "/api/v1/namespaces/default/pods", "{}", 405, "MethodNotAllowed"),
        ("DELETE", "/api/v1/namespaces/default", "", 403, "Forbidden"),
        ("DELETE", "/api/v1/pods", "", 405, "MethodNotAllowed"),
        ("GET", "/api/v1/pods?labelSelector=a%20in", "", 400, "BadRequest"),
        ("GET", "/api/v1/pods?fieldSelector=spec.color%3Dred", "", 400, "BadRequest"),
        ("GET", "/api/v1/pods?limit=-1", "", 400, "BadRequest"),
        ("GET", "/api/v1/pods?continue=%21%21", "", 400, "BadRequest"),
        ("GET", "/api/v1/pods?watch=true&resourceVersion=x", "", 400, "BadRequest"),
        ("GET", "/api/v1/namespaces/default/pods/web/exec", "", 501, "NotImplemented"),
        ("GET", "/openapi/v1", "", 404, "NotFound"),
    ]) func `refuses nonsense with a Status`(
        _ method: String, _ path: String, _ body: String, _ code: Int, _ reason: String
    ) async throws {
        try await withServer { server in
            let answer = try await server.send(method, path, body)
            #expect(answer.status == code)
            let status = try answer.object(Status.self)
            #expect(status.status == "Failure" && status.reason == reason && status.code == Int32(code))
            #expect(!status.message.isEmpty)
        }
    }

    @Test func `refuses a body beyond its limit and goes on serving`() async throws {
        try await withServer { server in
            let large = String(repeating: "x", count: 4 << 20)
            let answer = try? await server.send("POST", "/api/v1/namespaces/default/configmaps", large)
            #expect(answer == nil || answer?.status == 413)
            let health = try await server.send("GET", "/healthz")
            #expect(health.text == "ok")
        }
    }

    @Test func `survives random bytes in place of requests`() async throws {
        try await withServer { server in
            var seed: UInt64 = 42
            for _ in 0..<60 {
                var bytes: [UInt8] = []
                for _ in 0..<Int(seed % 200) {
                    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    bytes.append(UInt8(truncatingIfNeeded: seed >> 33))
                }
                seed = seed &* 6_364_136_223_846_793_005 &+ 1
                let alphabet = Array("abcXYZ019%/?&=._-,:+~".utf8)
                let path = String(
                    decoding: bytes.prefix(30).map { alphabet[Int($0) % alphabet.count] }, as: UTF8.self)
                for (method, type) in [
                    ("POST", "application/json"), ("PATCH", "application/merge-patch+json"),
                    ("PATCH", "application/strategic-merge-patch+json"), ("PATCH", "application/json-patch+json"),
                ] {
                    let request = try await server.send(
                        method, "/api/v1/namespaces/default", String(decoding: bytes, as: UTF8.self), type: type)
                    #expect((400..<500).contains(request.status))
                }
                let odd = try await server.send("GET", "/api/v1/namespaces/" + path)
                #expect((200..<500).contains(odd.status))
            }
            #expect(try await server.send("GET", "/healthz").status == 200)
        }
    }

    @Test func `selects by labels and fields and pages long lists`() async throws {
        try await withServer { server in
            for index in 0..<25 {
                var pod = makePod("p\(index / 10)\(index % 10)")
                pod.metadata.labels["odd"] = index % 2 == 1 ? "yes" : "no"
                try server.store.create(pod)
            }
            func names(_ query: String) async throws -> [String] {
                let items = try await server.send("GET", "\(podsPath)?\(query)").json()["items"]?.arrayValue ?? []
                return items.compactMap { $0["metadata"]?["name"]?.stringValue }
            }
            #expect(try await names("labelSelector=odd%3Dyes").count == 12)
            #expect(try await names("labelSelector=odd+in+%28yes%2Cno%29%2Cmissing").isEmpty)
            #expect(try await names("fieldSelector=metadata.name%3Dp07") == ["p07"])
            #expect(try await names("fieldSelector=metadata.name!%3Dp07%2Cstatus.phase%3DPending").count == 24)
            var all: [String] = []
            var token = ""
            repeat {
                let page = try await server.send("GET", "\(podsPath)?limit=10&continue=\(token)").json()
                all += (page["items"]?.arrayValue ?? []).compactMap { $0["metadata"]?["name"]?.stringValue }
                token = page["metadata"]?["continue"]?.stringValue ?? ""
                token = token.map { $0 == "=" ? "%3D" : $0 == "+" ? "%2B" : String($0) }.joined()
            } while !token.isEmpty
            #expect(all == (0..<25).map { "p\($0 / 10)\($0 % 10)" })
        }
    }

    @Test func `does not keep the result of a dry run`() async throws {
        try await withServer { server in
            let answer = try await server.send("POST", "\(deploymentsPath)?dryRun=All", makeDeployment())
            #expect(answer.status == 201)
            #expect(try !answer.object(Deployment.self).metadata.uid.isEmpty)
            #expect(server.store.list(Deployment.self).isEmpty)
            try server.store.create(makeDeployment())
            let version = server.store.resourceVersion
            _ = try await server.send("DELETE", "\(deploymentsPath)/web?dryRun=All")
            #expect(server.store.list(Deployment.self).count == 1)
            #expect(try server.store.changes(after: version).isEmpty)
        }
    }

    @Test func `scales through the scale subresource`() async throws {
        try await withServer { server in
            try server.store.create(makeDeployment())
            let scale = try await server.send("GET", "\(deploymentsPath)/web/scale").json()
            #expect(scale["kind"]?.stringValue == "Scale" && scale["apiVersion"]?.stringValue == "autoscaling/v1")
            #expect(scale["spec"]?["replicas"] == .integer(3))
            #expect(scale["status"]?["selector"]?.stringValue == "app=web")
            let patched = try await server.send(
                "PATCH", "\(deploymentsPath)/web/scale", #"{"spec":{"replicas":7}}"#,
                type: "application/merge-patch+json")
            #expect(try patched.json()["spec"]?["replicas"] == .integer(7))
            #expect(server.store.get(Deployment.self, namespace: "default", name: "web")?.spec.replicas == 7)
            let negative = try await server.send(
                "PATCH", "\(deploymentsPath)/web/scale", #"{"spec":{"replicas":-1}}"#,
                type: "application/merge-patch+json")
            #expect(negative.status == 422)
        }
    }

    @Test func `changes the status only through the status subresource`() async throws {
        try await withServer { server in
            var deployment = try server.store.create(makeDeployment())
            deployment.status.replicas = 9
            deployment.spec.replicas = 1
            let answer = try await server.send("PUT", "\(deploymentsPath)/web/status", deployment)
            #expect(try answer.object(Deployment.self).status.replicas == 9)
            #expect(try answer.object(Deployment.self).spec.replicas == 3)
        }
    }

    @Test func `deletes a pod gracefully and by force`() async throws {
        try await withServer { server in
            var pod = makePod()
            pod.spec.nodeName = "n"
            try server.store.create(pod)
            let dying = try await server.send(
                "DELETE", "\(podsPath)/web-1", #"{"propagationPolicy":"Background","gracePeriodSeconds":7}"#)
            #expect(try dying.object(Pod.self).metadata.deletionGracePeriodSeconds == 7)
            let gone = try await server.send("DELETE", "\(podsPath)/web-1?gracePeriodSeconds=0")
            #expect(gone.status == 200)
            #expect(server.store.list(Pod.self).isEmpty)
        }
    }
}
