// SPDX-License-Identifier: Apache-2.0
// Swiftlet: pods from their start to their end.

import KubernetesAPI
import NodeAgent
import OCI
import ObjectStore
import Probes
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct `A pod` {
    @Test func `runs, is ready and says so as upstream does`() async throws {
        try await withNode { node in
            try node.store.create(makePod())
            #expect(await eventually { node.isTrue("Ready", "web") })
            let status = try #require(node.pod("web")?.status)
            #expect(status.phase == .running)
            #expect(status.podIP.hasPrefix("127.64.") && status.hostIP == "127.0.0.1" && status.startTime != nil)
            let container = try #require(node.container("web"))
            #expect(container.state.running != nil && container.ready && container.started == true)
            #expect(container.restartCount == 0 && container.containerID.hasPrefix("swiftlet://"))
            #expect(container.imageID == "file://\(node.root)/app.wasm")
            for type in ["Initialized", "ContainersReady", "PodReadyToStartContainers"] {
                #expect(node.isTrue(type, "web"), "\(type)")
            }
            #expect(node.reasons("web").isSuperset(of: ["Pulled", "Created", "Started"]))
        }
    }

    private var container: Container {
        Container(
            name: "app", image: "./app.wasm", args: ["--color=$(COLOR)", "$$(COLOR)", "$(NOBODY)"],
            ports: [ContainerPort(containerPort: 8080)],
            envFrom: [EnvFromSource(prefix: "CM_", configMapRef: ConfigMapEnvSource(name: "settings"))],
            env: [
                EnvVar(
                    name: "COLOR",
                    valueFrom: EnvVarSource(configMapKeyRef: ConfigMapKeySelector(name: "settings", key: "COLOR"))),
                EnvVar(name: "BOTH", value: "$(COLOR)-$(CM_COLOR)"),
                EnvVar(
                    name: "ME", valueFrom: EnvVarSource(fieldRef: ObjectFieldSelector(fieldPath: "metadata.name"))),
                EnvVar(
                    name: "CORES",
                    valueFrom: EnvVarSource(
                        resourceFieldRef: ResourceFieldSelector(resource: "limits.cpu", divisor: Quantity(milli: 1)))),
            ],
            resources: ResourceRequirements(
                limits: ["cpu": Quantity(milli: 200), "memory": Quantity(bytes: 128 << 20)],
                requests: ["cpu": Quantity(milli: 100)]),
            volumeMounts: [VolumeMount(name: "config", readOnly: true, mountPath: "/etc/app")])
    }

    @Test func `gets its grants, limits, variables and names in the bundle`() async throws {
        try await withNode { node in
            try node.store.create(
                ConfigMap(
                    metadata: ObjectMeta(name: "settings", namespace: "default"),
                    data: ["COLOR": "blue", "file.txt": "hello"]))
            try node.store.create(
                Service(
                    metadata: ObjectMeta(name: "db", namespace: "default"),
                    spec: ServiceSpec(ports: [ServicePort(port: 5432)])))
            let volume = Volume(name: "config", configMap: ConfigMapVolumeSource(name: "settings"))
            try node.store.create(makePod(containers: [container], volumes: [volume]))
            #expect(await eventually { node.runtime.onlyShim?.runningIDs == ["app-0"] })
            let spec = try #require(node.runtime.onlyShim?.spec("app-0"))
            let process = try #require(spec.process)
            #expect(process.args == ["app.wasm", "--color=blue", "$(COLOR)", "$(NOBODY)"])
            for variable in ["CM_COLOR=blue", "COLOR=blue", "BOTH=blue-blue", "ME=web", "CORES=200"] {
                #expect(process.env.contains(variable), "\(variable) in \(process.env)")
            }
            #expect(process.env.contains { $0.hasPrefix("DB_SERVICE_HOST=127.") })
            #expect(spec.annotations["swiftlet.dev/module"] == "\(node.root)/app.wasm")
            #expect(spec.annotations["swiftlet.dev/container-ports"] == "8080/TCP")
            #expect(spec.annotations["swiftlet.dev/pod-address"] == node.pod("web")?.status.podIP)
            #expect(spec.annotations["swiftlet.dev/hosts"]?.contains("db.default.svc.cluster.local=127.") == true)
            let resources = try #require(spec.linux?.resources)
            #expect(resources.memoryLimitBytes == 128 << 20)
            #expect(resources.cpuQuotaMicroseconds == 20_000 && resources.cpuPeriodMicroseconds == 100_000)
            #expect(resources.cpuShares == 102)
            #expect(spec.linux?.cgroupsPath?.hasPrefix("/swiftlet-test/pod") == true)
            let mount = try #require(spec.mounts.first)
            #expect(mount.destination == "/etc/app" && mount.isReadOnly)
            #expect(readFile("\(mount.source)/file.txt") == Array("hello".utf8))
        }
    }

    @Test(arguments: [
        (RestartPolicy.never, Int32(0), PodPhase.succeeded), (.never, 3, .failed), (.onFailure, 0, .succeeded),
    ])
    func `is over when its policy says so`(policy: RestartPolicy, code: Int32, phase: PodPhase) async throws {
        try await withNode { node in
            try node.store.create(makePod(restartPolicy: policy))
            #expect(await eventually { node.container("web")?.state.running != nil })
            let shim = try #require(node.runtime.onlyShim)
            shim.end("app-0", code: code, message: code == 0 ? "" : "trap: unreachable")
            #expect(await eventually { node.pod("web")?.status.phase == phase })
            let terminated = try #require(node.container("web")?.state.terminated)
            #expect(terminated.exitCode == code)
            #expect(terminated.reason == (code == 0 ? "Completed" : "Error"))
            if code != 0 { #expect(terminated.message == "trap: unreachable") }
            #expect(await eventually { !shim.isAlive })
        }
    }

    @Test func `restarts at once, then after 10 and 20 seconds, with the reason of the last end`() async throws {
        let clock = ManualClock()
        try await withNode(clock: clock.nodeClock) { node in
            try node.store.create(makePod())
            #expect(await eventually { node.container("web")?.state.running != nil })
            node.runtime.onlyShim?.end("app-0", code: 137, signal: 9, reason: "OOMKilled")
            #expect(
                await eventually {
                    node.container("web")?.restartCount == 1 && node.container("web")?.state.running != nil
                })
            #expect(node.container("web")?.lastState.terminated?.reason == "OOMKilled")
            for (attempt, seconds) in [(1, 10), (2, 20)] {
                node.runtime.onlyShim?.end("app-\(attempt)", code: 1)
                #expect(await eventually { node.container("web")?.state.waiting?.reason == "CrashLoopBackOff" })
                #expect(node.pod("web")?.status.phase == .running)
                #expect(node.container("web")?.state.waiting?.message.hasPrefix("back-off \(seconds)s ") == true)
                await clock.advance(by: .seconds(seconds - 1))
                #expect(node.container("web")?.state.running == nil)
                await clock.advance(by: .seconds(1))
                #expect(await eventually { node.container("web")?.state.running != nil })
                #expect(node.container("web")?.restartCount == Int32(attempt + 1))
            }
            #expect(node.reasons("web").contains("BackOff"))
        }
    }

    @Test func `runs init containers one after the other before the others`() async throws {
        try await withNode { node in
            let steps = ["one", "two"].map { Container(name: $0, image: "./app.wasm") }
            try node.store.create(makePod(initContainers: steps))
            #expect(await eventually { node.container("web", "one")?.state.running != nil })
            #expect(node.container("web")?.state.waiting?.reason == "PodInitializing")
            #expect(node.pod("web")?.status.phase == .pending && !node.isTrue("Initialized", "web"))
            #expect(node.runtime.onlyShim?.runningIDs == ["one-0"])
            node.runtime.onlyShim?.end("one-0", code: 0)
            #expect(await eventually { node.runtime.onlyShim?.runningIDs == ["two-0"] })
            node.runtime.onlyShim?.end("two-0", code: 0)
            #expect(await eventually { node.isTrue("Ready", "web") && node.isTrue("Initialized", "web") })
        }
    }

    @Test func `fails with its init container when it may not be restarted`() async throws {
        try await withNode { node in
            try node.store.create(
                makePod(restartPolicy: .never, initContainers: [Container(name: "one", image: "./app.wasm")]))
            #expect(await eventually { node.container("web", "one")?.state.running != nil })
            node.runtime.onlyShim?.end("one-0", code: 7)
            #expect(await eventually { node.pod("web")?.status.phase == .failed })
        }
    }

    @Test func `whose module cannot be started has StartError and tries again`() async throws {
        try await withNode(FakeRuntime(createProblem: { _ in "module app.wasm: is not WebAssembly" })) { node in
            try node.store.create(makePod())
            #expect(await eventually { node.container("web")?.state.waiting?.reason == "CrashLoopBackOff" })
            let last = try #require(node.container("web")?.lastState.terminated)
            #expect(last.reason == "StartError" && last.message.contains("is not WebAssembly"))
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A pod that lacks something` {
    @Test func `waits for its image and starts when it appears`() async throws {
        let clock = ManualClock()
        try await withNode(clock: clock.nodeClock) { node in
            try node.store.create(makePod(containers: [Container(name: "app", image: "./late.wasm")]))
            #expect(await eventually { node.container("web")?.state.waiting?.reason == "ErrImagePull" })
            await clock.advance(by: .seconds(1))
            #expect(await eventually { node.container("web")?.state.waiting?.reason == "ImagePullBackOff" })
            writeFile([0], "\(node.root)/late.wasm")
            await clock.advance(by: .seconds(10))
            #expect(await eventually { node.container("web")?.state.running != nil })
        }
    }

    @Test(arguments: [
        ("registry.example/app:1", ImagePullPolicy.ifNotPresent, "ErrImagePull", "has no image store"),
        ("registry.example/app:1", .never, "ErrImageNeverPull", "has no image store"),
        ("Bad Name", .always, "InvalidImageName", "invalid reference format"),
    ])
    func `says what is wrong with its image`(
        image: String, policy: ImagePullPolicy, reason: String, text: String
    ) async throws {
        try await withNode(clock: ManualClock().nodeClock) { node in
            try node.store.create(
                makePod(containers: [Container(name: "app", image: image, imagePullPolicy: policy)]))
            #expect(await eventually { node.container("web")?.state.waiting?.reason == reason })
            #expect(node.container("web")?.state.waiting?.message.contains(text) == true)
            #expect(node.pod("web")?.status.phase == .pending)
        }
    }

    @Test func `names the missing ConfigMap of a volume and of a variable`() async throws {
        try await withNode { node in
            let volume = Volume(name: "c", configMap: ConfigMapVolumeSource(name: "absent"))
            try node.store.create(makePod("mount", volumes: [volume]))
            let container = Container(
                name: "app", image: "./app.wasm",
                envFrom: [EnvFromSource(configMapRef: ConfigMapEnvSource(name: "absent"))])
            try node.store.create(makePod("env", containers: [container]))
            #expect(await eventually { node.reasons("mount").contains("FailedMount") })
            #expect(node.messages("FailedMount").first?.contains("configmap \"absent\" not found") == true)
            #expect(await eventually { node.container("env")?.state.waiting?.reason == "CreateContainerConfigError" })
            try node.store.create(ConfigMap(metadata: ObjectMeta(name: "absent", namespace: "default")))
            #expect(await eventually { node.container("mount")?.state.running != nil })
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A probed pod` {
    @Test func `is restarted when liveness fails, with upstream's events`() async throws {
        try await withNode(FakeRuntime(exec: { id, _ in id == "app-0" ? 1 : 0 })) { node in
            let probe = Probe(exec: ExecAction(command: ["check"]), periodSeconds: 1, failureThreshold: 1)
            try node.store.create(
                makePod(containers: [Container(name: "app", image: "./app.wasm", livenessProbe: probe)]))
            #expect(await eventually { node.container("web")?.restartCount == 1 })
            #expect(node.messages("Unhealthy").first == "Liveness probe failed: output of exec")
            #expect(node.messages("Killing").first == "Container app failed liveness probe, will be restarted")
            #expect(await eventually { node.isTrue("Ready", "web") })
        }
    }

    @Test func `is ready by an exported function`() async throws {
        let begin = ContinuousClock.now
        let runtime = FakeRuntime(export: { _, _ in begin.duration(to: .now) > .milliseconds(500) ? 0 : 1 })
        try await withNode(runtime) { node in
            try node.store.create(makePod(annotations: ["swiftlet.dev/probe-export.app.readiness": "ready"]))
            #expect(await eventually { node.container("web")?.state.running != nil })
            #expect(!node.isTrue("Ready", "web"))
            #expect(await eventually { node.isTrue("Ready", "web") })
            #expect(node.runtime.onlyShim?.spec("app-0")?.annotations["swiftlet.dev/probe-exports"] == "ready")
        }
    }

    @Test func `is killed when its postStart hook fails`() async throws {
        try await withNode(FakeRuntime(exec: { id, _ in id == "app-0" ? 1 : 0 })) { node in
            let hook = Lifecycle(postStart: LifecycleHandler(exec: ExecAction(command: ["begin"])))
            try node.store.create(
                makePod(containers: [Container(name: "app", image: "./app.wasm", lifecycle: hook)]))
            #expect(await eventually { node.container("web")?.restartCount == 1 })
            #expect(node.reasons("web").contains("FailedPostStartHook"))
        }
    }
}
