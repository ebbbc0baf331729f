// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of the columns and of how they are filled.
import APIServer
import KubernetesAPI
import ObjectStore
import Testing

@Suite struct `A table` {
    let now = Time(secondsSinceEpoch: 1_700_000_000)

    func cells<T: KubernetesObject>(_ object: T) -> [String] {
        Table([object], now: now).rows[0].cells.map { cell in
            switch cell {
            case .string(let text): text
            case .integer(let number): String(number)
            default: "?"
            }
        }
    }

    func columns<T: KubernetesObject>(_ type: T.Type, wide: Bool) -> [String] {
        Table([T](), now: now).columnDefinitions.filter { wide || $0.priority == 0 }.map { $0.name.uppercased() }
    }

    @Test func `has kubectl's columns for each kind`() {
        #expect(columns(Pod.self, wide: false) == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"])
        #expect(columns(Pod.self, wide: true).suffix(4) == ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"])
        #expect(columns(Deployment.self, wide: false) == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"])
        #expect(columns(Deployment.self, wide: true).suffix(3) == ["CONTAINERS", "IMAGES", "SELECTOR"])
        #expect(columns(ReplicaSet.self, wide: false) == ["NAME", "DESIRED", "CURRENT", "READY", "AGE"])
        #expect(
            columns(Service.self, wide: false) == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"])
        #expect(columns(EndpointSlice.self, wide: false) == ["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"])
        #expect(columns(Secret.self, wide: false) == ["NAME", "TYPE", "DATA", "AGE"])
        #expect(columns(ConfigMap.self, wide: false) == ["NAME", "DATA", "AGE"])
        #expect(columns(Namespace.self, wide: false) == ["NAME", "STATUS", "AGE"])
        #expect(columns(Event.self, wide: false) == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"])
        #expect(columns(Node.self, wide: false) == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"])
    }

    @Test func `shows a service's ports and addresses`() {
        var service = Service(metadata: ObjectMeta(name: "web", creationTimestamp: now.adding(seconds: -90)))
        service.spec.clusterIP = "127.96.0.1"
        service.spec.ports = [ServicePort(port: 80), ServicePort(protocol: .udp, port: 53, nodePort: 30053)]
        service.spec.selector = ["b": "2", "a": "1"]
        #expect(
            cells(service) == ["web", "ClusterIP", "127.96.0.1", "<none>", "80/TCP,53:30053/UDP", "90s", "a=1,b=2"])
    }

    @Test func `shows deployments, slices and events`() {
        var deployment = makeDeployment()
        deployment.metadata.creationTimestamp = now.adding(seconds: -7200)
        deployment.status.readyReplicas = 2
        deployment.status.updatedReplicas = 3
        #expect(
            cells(deployment) == [
                "web", "2/3", "3", "0", "120m", "app,side", "example.com/app:1,example.com/side:1", "app=web",
            ])
        let slice = EndpointSlice(
            metadata: ObjectMeta(name: "s"), addressType: "IPv4",
            endpoints: (1...5).map { Endpoint(addresses: ["127.64.0.\($0)"]) }, ports: [EndpointPort(port: 8080)])
        #expect(
            cells(slice) == ["s", "IPv4", "8080", "127.64.0.1,127.64.0.2,127.64.0.3 + 2 more...", "<unknown>"])
        var event = Event(metadata: ObjectMeta(name: "e"))
        event.involvedObject = ObjectReference(kind: "Pod", name: "web-1", fieldPath: "spec.containers{app}")
        event.source = EventSource(component: "kubelet", host: "n")
        (event.reason, event.message, event.type, event.count) = ("Pulled", "done\n", "Normal", 4)
        event.lastTimestamp = now.adding(seconds: -5)
        event.firstTimestamp = now.adding(seconds: -500)
        #expect(
            cells(event) == [
                "5s", "Normal", "Pulled", "pod/web-1", "spec.containers{app}", "kubelet, n", "done", "8m20s", "4", "e",
            ])
    }

    @Test(arguments: [
        (-2, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (121, "2m1s"), (599, "9m59s"),
        (600, "10m"), (10_799, "179m"), (10_800, "3h"), (11_000, "3h3m"), (28_800, "8h"), (172_799, "47h"),
        (172_800, "2d"), (180_000, "2d2h"), (691_200, "8d"), (63_071_999, "729d"), (63_072_000, "2y"),
        (70_000_000, "2y80d"), (252_288_000, "8y"),
    ]) func `shows durations as kubectl does`(_ seconds: Int64, _ text: String) {
        #expect(HumanDuration.text(seconds: seconds) == text)
    }
}

@Suite struct `The status of a pod in one word` {
    func pod(phase: PodPhase = .running, _ states: [ContainerStatus], initial: [ContainerStatus] = []) -> Pod {
        var pod = makePod(containers: states.map { $0.name })
        pod.spec.initContainers = initial.map { Container(name: $0.name, image: "i") }
        pod.status.phase = phase
        pod.status.containerStatuses = states
        pod.status.initContainerStatuses = initial
        return pod
    }

    func waiting(_ reason: String, restarts: Int32 = 0) -> ContainerStatus {
        ContainerStatus(
            name: "app", state: ContainerState(waiting: ContainerStateWaiting(reason: reason)), restartCount: restarts)
    }

    func ended(_ code: Int32, _ reason: String = "", signal: Int32 = 0, name: String = "app") -> ContainerStatus {
        let terminated = ContainerStateTerminated(exitCode: code, signal: signal, reason: reason)
        return ContainerStatus(name: name, state: ContainerState(terminated: terminated))
    }

    func running(_ name: String = "app", ready: Bool = true) -> ContainerStatus {
        ContainerStatus(name: name, state: ContainerState(running: ContainerStateRunning()), ready: ready)
    }

    @Test func `is the phase, or the reason of the container in the way`() {
        #expect(PodSummary(pod(phase: .pending, [])).reason == "Pending")
        #expect(PodSummary(pod([running()])).reason == "Running")
        #expect(PodSummary(pod([waiting("CrashLoopBackOff", restarts: 3)])).reason == "CrashLoopBackOff")
        #expect(PodSummary(pod([waiting("CrashLoopBackOff", restarts: 3)])).restarts == 3)
        #expect(PodSummary(pod([ended(137, "OOMKilled")])).reason == "OOMKilled")
        #expect(PodSummary(pod([ended(3)])).reason == "ExitCode:3")
        #expect(PodSummary(pod([ended(0, signal: 9)])).reason == "Signal:9")
        #expect(PodSummary(pod([running("a"), waiting("ImagePullBackOff")])).reason == "ImagePullBackOff")
        let mixed = PodSummary(pod([running("a"), ended(0, "Completed", name: "b")]))
        #expect(mixed.reason == "NotReady" && mixed.readyContainers == 1 && mixed.containers == 2)
    }

    @Test func `tells how far initialisation is`() {
        #expect(PodSummary(pod(phase: .pending, [], initial: [waiting("PodInitializing")])).reason == "Init:0/1")
        #expect(PodSummary(pod(phase: .pending, [], initial: [ended(0), running("b")])).reason == "Init:1/2")
        #expect(PodSummary(pod(phase: .pending, [], initial: [ended(2)])).reason == "Init:ExitCode:2")
        #expect(PodSummary(pod(phase: .pending, [], initial: [ended(1, "Error")])).reason == "Init:Error")
        #expect(PodSummary(pod([running()], initial: [ended(0)])).reason == "Running")
    }

    @Test func `is Terminating while a deletion is under way`() {
        var dying = pod([running()])
        dying.metadata.deletionTimestamp = Time(secondsSinceEpoch: 1)
        #expect(PodSummary(dying).reason == "Terminating")
        dying.status.phase = .succeeded
        #expect(PodSummary(dying).reason == "Running" || PodSummary(dying).reason == "Succeeded")
    }

    @Test func `says when the last restart was`() {
        let now = Time(secondsSinceEpoch: 1_700_000_000)
        var status = running()
        status.restartCount = 2
        status.lastState = ContainerState(
            terminated: ContainerStateTerminated(exitCode: 1, finishedAt: now.adding(seconds: -65)))
        #expect(Table([pod([status])], now: now).rows[0].cells[3] == .string("2 (65s ago)"))
    }
}
