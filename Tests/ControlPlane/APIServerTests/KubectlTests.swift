// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the real kubectl against the server, where there is one; and what it asks for first.
import APIClient
import APIServer
import Controllers
import Glibc
import KubernetesAPI
import ObjectStore
import Testing

/// Runs a program with its output in files; returns exit code, output and errors.
private func run(_ arguments: [String], in folder: String, environment: [String]) -> (
    code: Int32, out: String, err: String
) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (descriptor, name) in [(STDOUT_FILENO, "out"), (STDERR_FILENO, "err")] {
        posix_spawn_file_actions_addopen(
            &actions, descriptor, "\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
    defer {
        argv.forEach { free($0) }
        envp.forEach { free($0) }
    }
    var process: pid_t = 0
    guard posix_spawn(&process, arguments[0], &actions, nil, &argv, &envp) == 0 else { return (-1, "", "no spawn") }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    func content(_ name: String) -> String {
        guard let file = fopen("\(folder)/\(name)", "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer.prefix(count) }
        return String(decoding: bytes, as: UTF8.self)
    }
    return ((status >> 8) & 0xFF, content("out"), content("err"))
}

private let kubectlPath: String? = ["/usr/bin/kubectl", "/usr/local/bin/kubectl"].first { (path: String) in
    access(path, X_OK) == 0
}

@Suite(.timeLimit(.minutes(5))) struct `kubectl` {
    static let manifest = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: {app: web}}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - {name: app, image: "example.com/app:1", ports: [{containerPort: 8080}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
        """

    private func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    /// The node's part: every placed pod runs and is ready.
    private func runPods(_ store: ObjectStore) async {
        guard let changes = try? store.watch([Pod.self]) else { return }
        for await change in changes {
            guard let pod = change.object(as: Pod.self), change.type != .deleted else { continue }
            let (namespace, name) = (pod.metadata.namespace, pod.metadata.name)
            if pod.metadata.deletionTimestamp != nil {
                try? store.remove(Pod.self, namespace: namespace, name: name)
            } else if !pod.spec.nodeName.isEmpty, pod.status.phase == .pending {
                _ = try? store.modify(Pod.self, namespace: namespace, name: name) { pod in
                    pod.status.phase = .running
                    pod.status.podIP = "127.64.0.9"
                    pod.status.conditions.append(
                        PodCondition(type: "Ready", status: .true, lastTransitionTime: Time.now))
                    pod.status.containerStatuses = pod.spec.containers.map { container in
                        ContainerStatus(
                            name: container.name,
                            state: ContainerState(running: ContainerStateRunning(startedAt: .now)),
                            ready: true, image: container.image)
                    }
                }
            }
        }
    }

    @Test(.enabled(if: kubectlPath != nil, "kubectl is not installed"))
    func `applies, shows, scales, rolls out, rolls back, reads logs and deletes`() async throws {
        let program = try #require(kubectlPath)
        try await withServer(port: 0, logPath: { _, _, _ in "/tmp/swl-kubectl-test.log" }) { server in
            let port = try #require(server.port)
            let folder = server.folder
            let environment = ["HOME=\(folder)", "PATH=/usr/bin:/bin", "KUBECONFIG=\(folder)/none"]
            func call(_ arguments: String...) -> (code: Int32, out: String, err: String) {
                run([program, "--server=http://127.0.0.1:\(port)"] + arguments, in: folder, environment: environment)
            }
            write("2026-01-02T03:04:05.000000000Z stdout F hello\n", to: "/tmp/swl-kubectl-test.log")
            write(Self.manifest, to: "\(folder)/web.yaml")
            defer {
                unlink("/tmp/swl-kubectl-test.log")
                _ = run(
                    ["/bin/rm", "-rf", "\(folder)/.kube", "\(folder)/web.yaml", "\(folder)/c.yaml"], in: folder,
                    environment: [])
                for name in ["out", "err"] { unlink("\(folder)/\(name)") }
            }
            await withTaskGroup(of: Void.self) { group in
                let range = ServiceAddressRange(network: "127.96.0.0", prefixLength: 24)
                let manager = ControllerManager(
                    store: server.store,
                    controllers: ControllerManager.standard(nodeName: "node-1") { range?.allocate(inUse: $1) })
                group.addTask { try? await manager.run() }
                group.addTask { await self.runPods(server.store) }
                steps(folder, call)
                group.cancelAll()
            }
        }
    }

    private func steps(_ folder: String, _ call: (String...) -> (code: Int32, out: String, err: String)) {
        let applied = call("apply", "-f", "\(folder)/web.yaml")
        #expect(applied.out == "deployment.apps/web created\nservice/web created\n", "\(applied.err)")
        let rollout = call("rollout", "status", "deployment/web", "--timeout=20s")
        #expect(rollout.out.hasSuffix("deployment \"web\" successfully rolled out\n"), "\(rollout.out)\(rollout.err)")
        let pods = call("get", "pods", "-o", "wide")
        #expect(pods.out.split(separator: "\n").count == 3, "\(pods.err)")
        #expect(pods.out.hasPrefix("NAME "), "\(pods.out)")
        #expect(pods.out.contains("Running") && pods.out.contains("127.64.0.9") && pods.out.contains("node-1"))
        let all = call("get", "all")
        #expect(all.out.contains("deployment.apps/web") && all.out.contains("replicaset.apps/web-"), "\(all.err)")
        #expect(all.out.contains("service/web") && all.out.contains("127.96.0."))
        #expect(call("get", "deploy", "web", "-o", "jsonpath={.status.availableReplicas}").out == "2")
        let again = call("apply", "-f", "\(folder)/web.yaml")
        #expect(again.out == "deployment.apps/web unchanged\nservice/web unchanged\n", "\(again.out)\(again.err)")
        let scaled = call("scale", "deployment/web", "--replicas=4")
        #expect(scaled.out == "deployment.apps/web scaled\n", "\(scaled.err)")
        let image = call("set", "image", "deployment/web", "app=example.com/app:2")
        #expect(image.out == "deployment.apps/web image updated\n", "\(image.err)")
        #expect(call("rollout", "status", "deployment/web", "--timeout=20s").code == 0)
        let images = call("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}").out
        #expect(Set(images.split(separator: " ")) == ["example.com/app:2"])
        let history = call("rollout", "history", "deployment/web")
        #expect(history.out.contains("1 ") && history.out.contains("2 "), "\(history.out)\(history.err)")
        let undone = call("rollout", "undo", "deployment/web")
        #expect(undone.out == "deployment.apps/web rolled back\n", "\(undone.err)")
        #expect(call("rollout", "status", "deployment/web", "--timeout=20s").code == 0)
        let restarted = call("rollout", "restart", "deployment/web")
        #expect(restarted.out == "deployment.apps/web restarted\n", "\(restarted.err)")
        #expect(call("rollout", "status", "deployment/web", "--timeout=20s").code == 0)
        #expect(call("logs", "deployment/web", "--tail=1").out.contains("hello"))
        let described = call("describe", "deployment", "web")
        #expect(described.out.contains("ScalingReplicaSet"), "\(described.err)")
        #expect(call("describe", "pods").out.contains("Successfully assigned"))
        #expect(call("label", "deployment", "web", "tier=front").out == "deployment.apps/web labeled\n")
        #expect(call("get", "deploy", "-l", "tier=front", "-o", "name").out == "deployment.apps/web\n")
        #expect(call("wait", "--for=condition=Available", "deployment/web", "--timeout=10s").code == 0)
        write("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n", to: "\(folder)/c.yaml")
        let config = call("create", "-f", "\(folder)/c.yaml")
        #expect(config.out == "configmap/c created\n", "\(config.err)")
        #expect(call("get", "events").out.contains("SuccessfulCreate"))
        #expect(call("get", "endpointslices,namespaces,configmaps").code == 0)
        #expect(call("api-resources").out.contains("deployments"))
        #expect(call("version").out.contains("v1.32.0"))
        // Before 1.27 kubectl looks for dry run in the schemas of OpenAPI v2, which has none here.
        let diff = call("diff", "-f", "\(folder)/web.yaml")
        #expect(diff.code == 1 || diff.err.contains("doesn't support dry-run"), "\(diff)")
        let missing = call("get", "pod", "nope")
        #expect(missing.err.hasSuffix("Error from server (NotFound): pods \"nope\" not found\n"))
        let deleted = call("delete", "-f", "\(folder)/web.yaml", "--timeout=20s")
        #expect(deleted.out.contains("deployment.apps \"web\" deleted"), "\(deleted.err)")
        // Nothing left to wait for is an error to kubectl before 1.24.
        let gone = call("wait", "--for=delete", "pods", "-l", "app=web", "--timeout=20s")
        #expect(gone.code == 0 || gone.err.contains("no matching resources found"), "\(gone)")
        #expect(call("get", "pods").err.hasSuffix("No resources found in default namespace.\n"))
    }

    @Test func `finds every resource in discovery, plain and aggregated`() async throws {
        try await withServer { server in
            let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
            let core = try await server.send("GET", "/api", accept: accept).json()
            #expect(core["kind"]?.stringValue == "APIGroupDiscoveryList")
            let version = core["items"]?.arrayValue?.first?["versions"]?.arrayValue?.first
            let names = version?["resources"]?.arrayValue?.compactMap { $0["resource"]?.stringValue } ?? []
            #expect(Set(names).isSuperset(of: ["pods", "services", "configmaps", "secrets", "namespaces", "events"]))
            #expect(try await server.send("GET", "/api").json()["versions"]?.arrayValue == [.string("v1")])
            let list = try await server.send("GET", "/apis/apps/v1").json()["resources"]?.arrayValue ?? []
            let plain = list.compactMap { $0["name"]?.stringValue }
            #expect(Set(plain).isSuperset(of: ["deployments", "deployments/scale", "replicasets"]))
            let document = try await server.send("GET", "/openapi/v3/apis/apps/v1?hash=1").json()
            #expect(
                document["paths"]?["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?["patch"] != nil)
            #expect(try await server.send("GET", "/openapi/v3").json()["paths"]?["api/v1"] != nil)
        }
    }
}
