// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of the three kinds of patches.
import APIServer
import KubernetesAPI
import ObjectStore
import Testing

@Suite(.timeLimit(.minutes(2))) struct `A patch` {
    func patched(
        _ body: String, type: String, _ check: (Deployment) throws -> Void
    ) async throws {
        try await withServer { server in
            try server.store.create(makeDeployment())
            let answer = try await server.send(
                "PATCH", "\(deploymentsPath)/web", body, type: "application/\(type)-patch+json")
            #expect(answer.status == 200, "\(answer.text)")
            try check(try answer.object(Deployment.self))
        }
    }

    @Test func `of kind merge sets, replaces and removes`() async throws {
        try await patched(
            #"{"metadata":{"labels":{"app":null,"tier":"front"}},"spec":{"replicas":4}}"#, type: "merge"
        ) { deployment in
            #expect(deployment.metadata.labels == ["tier": "front"])
            #expect(deployment.spec.replicas == 4)
            #expect(deployment.spec.template.spec.containers.count == 2)
        }
    }

    @Test func `of kind strategic merge merges containers by name and env by name`() async throws {
        let body = """
            {"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"side"},{"name":"app"},{"name":"new"}],
            "containers":[{"name":"app","image":"example.com/app:2","env":[{"name":"B","value":"2"}],
            "ports":[{"containerPort":8080}]},{"name":"new","image":"example.com/new:1"}]}}}}
            """
        try await patched(body, type: "strategic-merge") { deployment in
            let containers = deployment.spec.template.spec.containers
            #expect(containers.map { $0.name } == ["side", "app", "new"])
            #expect(containers[1].image == "example.com/app:2")
            #expect(containers[1].env.map { $0.name } == ["A", "B"])
            #expect(containers[1].ports.map { $0.containerPort } == [8080])
            #expect(containers[0].image == "example.com/side:1")
        }
    }

    @Test func `of kind strategic merge deletes and replaces by directive`() async throws {
        let body = """
            {"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}},
            "spec":{"containers":[{"name":"side","$patch":"delete"},
            {"name":"app","env":[{"$patch":"replace"},{"name":"Z","value":"9"}]}]}}}}
            """
        try await patched(body, type: "strategic-merge") { deployment in
            let containers = deployment.spec.template.spec.containers
            #expect(containers.map { $0.name } == ["app"])
            #expect(containers[0].env == [EnvVar(name: "Z", value: "9")])
            #expect(deployment.spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"] == "now")
        }
    }

    @Test func `of kind JSON runs its operations in order`() async throws {
        let body = """
            [{"op":"test","path":"/spec/replicas","value":3},{"op":"replace","path":"/spec/replicas","value":6},
            {"op":"add","path":"/metadata/annotations","value":{}},
            {"op":"add","path":"/metadata/annotations/a~1b","value":"c"},
            {"op":"remove","path":"/spec/template/spec/containers/1"},
            {"op":"copy","from":"/metadata/labels/app","path":"/metadata/labels/copy"}]
            """
        try await patched(body, type: "json") { deployment in
            #expect(deployment.spec.replicas == 6)
            #expect(deployment.metadata.annotations == ["a/b": "c"])
            #expect(deployment.spec.template.spec.containers.map { $0.name } == ["app"])
            #expect(deployment.metadata.labels["copy"] == "web")
        }
    }

    @Test(arguments: [
        ("json", #"[{"op":"test","path":"/spec/replicas","value":4}]"#, 422),
        ("json", #"[{"op":"remove","path":"/spec/nothing"}]"#, 422),
        ("json", #"[{"op":"add","path":"/spec/template/spec/containers/9","value":{}}]"#, 422),
        ("json", #"[{"op":"fly","path":"/spec"}]"#, 422), ("json", #"{"op":"add"}"#, 400),
        ("json", #"[{"op":"add","path":"spec","value":1}]"#, 400),
        ("strategic-merge", #"{"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}"#, 400),
        ("merge", #"{"metadata":{"resourceVersion":"1"},"spec":{"replicas":1}}"#, 409),
        ("merge", "nonsense", 400), ("merge", #"{"spec":{"replicas":"three"}}"#, 400),
    ]) func `that cannot be applied changes nothing`(_ type: String, _ body: String, _ code: Int) async throws {
        try await withServer { server in
            let stored = try server.store.create(makeDeployment())
            let answer = try await server.send(
                "PATCH", "\(deploymentsPath)/web", body, type: "application/\(type)-patch+json")
            #expect(answer.status == code, "\(answer.text)")
            #expect(server.store.get(Deployment.self, namespace: "default", name: "web") == stored)
        }
    }

    @Test func `for server-side apply is refused by name`() async throws {
        try await withServer { server in
            let answer = try await server.send(
                "PATCH", "\(deploymentsPath)/web", "{}", type: "application/apply-patch+yaml")
            #expect(answer.status == 415)
            #expect(answer.text.contains("server-side apply"))
        }
    }
}
