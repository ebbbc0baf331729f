// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a manifest becomes.

import KubernetesAPI
import Manifests
import Testing

@Suite struct ManifestTests {
    static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
        spec:
          selector:
            matchLabels: {app: web}
          template:
            metadata:
              labels: {app: web}
            spec:
              containers:
              - name: web
                image: ./app.wasm
                ports: [{containerPort: 8080, name: http}]
                resources: {limits: {cpu: 0.5, memory: 128Mi}}
                readinessProbe: {httpGet: {port: http}}
        """

    private func read(_ text: String, _ options: Manifests.Options = .init(directory: "/srv/app")) -> LoadResult {
        Manifests.read(Array(text.utf8), file: "web.yaml", options: options)
    }

    private func errors(_ text: String) -> [String] { read(text).errors.map(\.description) }

    @Test func `a deployment gets upstream's defaults and an absolute module path`() throws {
        let result = read(Self.deployment)
        #expect(result.errors == [])
        let web = try #require(result.objects.first?.object as? Deployment)
        #expect(web.metadata.namespace == "default")
        #expect(web.spec.replicas == 1)
        #expect(web.spec.strategy.rollingUpdate?.maxSurge == "25%")
        #expect(web.spec.revisionHistoryLimit == 10)
        #expect(web.spec.progressDeadlineSeconds == 600)
        let spec = web.spec.template.spec
        #expect(spec.restartPolicy == .always)
        #expect(spec.terminationGracePeriodSeconds == 30)
        #expect(spec.dnsPolicy == .clusterFirst)
        #expect(spec.schedulerName == "default-scheduler")
        let container = try #require(spec.containers.first)
        #expect(container.image == "/srv/app/app.wasm")
        #expect(container.imagePullPolicy == .ifNotPresent)
        #expect(container.ports.first?.protocol == .tcp)
        #expect(container.resources.requests["cpu"]?.description == "500m")
        #expect(container.terminationMessagePath == "/dev/termination-log")
        let probe = try #require(container.readinessProbe)
        #expect(
            [probe.timeoutSeconds, probe.periodSeconds, probe.successThreshold, probe.failureThreshold] == [
                1, 10, 1, 3,
            ])
        #expect(probe.httpGet?.path == "/")
        #expect(probe.httpGet?.scheme == .http)
    }

    @Test func `defaulting and validating an object again changes nothing`() throws {
        let web = try #require(read(Self.deployment).objects.first?.object as? Deployment)
        let again = Defaults.applied(to: web)
        #expect(again == web)
        #expect(Manifests.validate(web) == [])
        let decoded = try Manifests.decode(json: KubernetesJSON.encode(web))
        #expect(decoded.object as? Deployment == web)
        #expect(decoded.warnings == [])
    }

    @Test(arguments: [
        ("app", ImagePullPolicy.always), ("app:latest", .always), ("app:v1", .ifNotPresent),
        ("reg.example:5000/a/b:v1@sha256:" + String(repeating: "a", count: 64), .ifNotPresent),
        ("/x/app.wasm", .ifNotPresent),
    ])
    func `the pull policy follows the tag`(image: String, policy: ImagePullPolicy) throws {
        let pod = Pod(metadata: ObjectMeta(name: "a"), spec: PodSpec(containers: [Container(name: "c", image: image)]))
        #expect(Defaults.applied(to: pod).spec.containers.first?.imagePullPolicy == policy)
        #expect(Manifests.validate(Defaults.applied(to: pod)) == [])
    }

    @Test func `service and secret get their defaults`() throws {
        let result = read(
            """
            {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
            ---
            {apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==}, stringData: {b: hello}}
            """)
        #expect(result.errors == [])
        let service = try #require(result.objects.first?.object as? Service)
        #expect(service.spec.type == .clusterIP)
        #expect(service.spec.sessionAffinity == SessionAffinity.none)
        #expect(service.spec.ports.first?.targetPort == 80)
        #expect(service.spec.ports.first?.protocol == .tcp)
        let secret = try #require(result.objects.last?.object as? Secret)
        #expect(secret.type == "Opaque")
        #expect(secret.data.mapValues(\.text) == ["a": "a", "b": "hello"])
        #expect(secret.stringData.isEmpty)
    }

    @Test func `all errors of a file come at once, in order, each at its place`() {
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: Web
            spec:
              replicaz: 3
              replicas: "3"
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  containers:
                  - name: web
                    image: App
                    env: [{name: A, value: yes}]
            ---
            kind: Deploymnt
            apiVersion: apps/v1
            """
        #expect(
            errors(text) == [
                "web.yaml:4:9: metadata.name: invalid value \"Web\": must consist of lower case letters, digits, \"-\" "
                    + "and \".\", and each part must start and end with a letter or digit",
                "web.yaml:6:3: spec.replicaz: unknown field \"replicaz\", did you mean \"replicas\"?",
                "web.yaml:7:13: spec.replicas: expected an integer, found the string \"3\"; remove the quotes",
                "web.yaml:14:16: spec.template.spec.containers[0].image: invalid value \"App\": "
                    + "expected an image name such as host/name:tag",
                "web.yaml:15:32: spec.template.spec.containers[0].env[0].value: expected a string, "
                    + "found the boolean yes; write \"yes\" in quotes",
                "web.yaml:17:7: kind: kind \"Deploymnt\" is not supported: expected ConfigMap, Deployment, Namespace, "
                    + "Pod, ReplicaSet, Secret, Service or List, did you mean \"Deployment\"?",
            ])
    }

    @Test func `a field in the wrong place is told where it belongs`() {
        let text = Self.deployment + "\nreplicas: 3\n"
        #expect(
            errors(text) == [
                "web.yaml:18:1: replicas: unknown field \"replicas\", which is a field of DeploymentSpec and ReplicaSetSpec"
            ])
    }

    @Test func `lists hold objects, and their items keep their places`() throws {
        let result = read(
            """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Namespace, metadata: {name: a}}
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {k: 1}}
            """)
        #expect(result.objects.map(\.object.qualifiedName) == ["namespace/a"])
        #expect(
            result.errors.map(\.description) == [
                "web.yaml:5:68: data[k]: expected a string, found the number 1; write \"1\" in quotes"
            ])
        let typed = read(
            "{apiVersion: v1, kind: PodList, items: [{metadata: {name: p}, spec: {containers: [{name: c, image: a}]}}]}"
        )
        #expect(typed.errors == [])
        #expect(typed.objects.first?.object is Pod)
    }

    @Test func `aliases and merge keys are expanded`() throws {
        let result = read(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: a, labels: &l {a: "1", b: "2"}}
            data: {<<: *l, b: "3"}
            """)
        #expect(result.errors == [])
        #expect((result.objects.first?.object as? ConfigMap)?.data == ["a": "1", "b": "3"])
    }

    @Test func `the namespace of a request must fit`() throws {
        let text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}}"
        #expect(read(text, .init(namespace: "c")).errors.first?.error.path.description == "metadata.namespace")
        #expect(read(text, .init(namespace: "b")).errors == [])
        let free = read("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", .init(namespace: "c"))
        #expect(free.objects.first?.object.metadata.namespace == "c")
        #expect(!errors("{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}").isEmpty)
    }

    @Test func `strictness decides about unknown fields and duplicates only`() throws {
        let text = #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"frob":1,"data":{"k":"1","k":"2"}}"#
        let bytes = Array(text.utf8)
        #expect(throws: ManifestError.self) { try Manifests.decode(json: bytes) }
        let warned = try Manifests.decode(json: bytes, strictness: .warn)
        #expect(warned.warnings.count == 2)
        #expect(try Manifests.decode(json: bytes, strictness: .ignore).warnings == [])
        let refused = Array(
            #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"hostNetwork":true}}"#.utf8)
        #expect(throws: ManifestError.self) { try Manifests.decode(json: refused, strictness: .ignore) }
    }

    @Test func `a refused request has upstream's status with a cause per field`() throws {
        let text = #"{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"a"},"spec":{"replicas":-1}}"#
        let error = #expect(throws: ManifestError.self) { try Manifests.decode(json: Array(text.utf8)) }
        let status = try #require(error?.status)
        #expect(status.code == 422)
        #expect(status.reason == "Invalid")
        #expect(status.details?.group == "apps")
        #expect(
            status.details?.causes.map(\.field) == ["spec.selector", "spec.template.spec.containers", "spec.replicas"])
        #expect(status.details?.causes.last?.reason == "FieldValueInvalid")
    }

    @Test func `a request may not name a module relative to nowhere`() {
        #expect(throws: ManifestError.self) { try Manifests.decode(json: Array(Self.deployment.utf8)) }
    }

    @Test func `fields that have no effect are accepted with a warning`() throws {
        let result = read(
            "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeSelector: {a: b}, containers: [{name: c, image: d}]}}"
        )
        #expect(result.errors == [])
        #expect(
            result.warnings.map(\.description) == [
                "web.yaml:1:57: spec.nodeSelector: has no effect here: there is one node, and every pod runs on it"
            ])
    }

    @Test func `immutable fields may not change`() throws {
        var old = try #require(read(Self.deployment).objects.first?.object as? Deployment)
        var new = old
        new.spec.replicas = 5
        #expect(Manifests.validateUpdate(from: old, to: new) == [])
        new.spec.selector.matchLabels = ["app": "web", "x": "y"]
        new.spec.template.metadata.labels = new.spec.selector.matchLabels
        #expect(
            Manifests.validateUpdate(from: old, to: new).map(\.description) == ["spec.selector: field is immutable"])
        old.spec.selector = new.spec.selector
        #expect(Manifests.validateUpdate(from: old, to: new) == [])
        let map = ConfigMap(metadata: ObjectMeta(name: "a"), immutable: true, data: ["a": "1"])
        var changed = map
        changed.data["a"] = "2"
        #expect(Manifests.validateUpdate(from: map, to: changed).map(\.path.description) == ["data"])
    }
}
