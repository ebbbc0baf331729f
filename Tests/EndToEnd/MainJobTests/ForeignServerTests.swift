// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: a server that nobody here built, as a Deployment behind a Service.

import Glibc
import KubernetesAPI
import TestSupport
import Testing

private let quickJS = SharedData.path("testdata/wasmedge/wasmedge_quickjs_v0.5.wasm")

@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(if: BuiltProducts.exists(quickJS), "needs testdata/wasmedge of the shared test data"))
struct ForeignServerTests {
    /// WasmEdge's QuickJS with a script from a ConfigMap: WasmEdge sockets, SIMD, a foreign WASI libc.
    private let manifest = """
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: script
        data:
          server.js: |
            import * as net from 'wasi_net';
            const name = args[1];
            async function handle(connection) {
                await connection.read();
                const body = '{"replica":"' + name + '"}';
                connection.write('HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: ' + body.length
                    + '\\r\\n\\r\\n' + body);
            }
            async function serve() {
                const server = new net.WasiTcpServer(8000);
                print('serving');
                while (true) {
                    try {
                        handle(await server.accept());
                    } catch (error) {
                        print('ended');
                        return;
                    }
                }
            }
            serve();
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: quickjs
        spec:
          replicas: 2
          selector:
            matchLabels: {app: quickjs}
          template:
            metadata:
              labels: {app: quickjs}
            spec:
              terminationGracePeriodSeconds: 5
              containers:
                - name: server
                  image: \(quickJS)
                  args: ["/app/server.js", "$(POD_NAME)"]
                  env:
                    - name: POD_NAME
                      valueFrom: {fieldRef: {fieldPath: metadata.name}}
                  resources:
                    limits: {memory: 128Mi, cpu: 500m}
                  readinessProbe:
                    tcpSocket: {port: 8000}
                    periodSeconds: 1
                  volumeMounts:
                    - {name: app, mountPath: /app}
              volumes:
                - name: app
                  configMap: {name: script}
        ---
        apiVersion: v1
        kind: Service
        metadata:
          name: quickjs
        spec:
          selector: {app: quickjs}
          ports:
            - {port: 80, targetPort: 8000}
        """

    @Test func `WasmEdge's QuickJS serves HTTP in two replicas, in turn, and ends when asked to`() throws {
        let up = try RunningUp(manifest: manifest)
        guard up.eventually("two pods Ready", { try up.readyPods().count == 2 }) else { return }
        let names = Set(try up.readyPods().map { $0.metadata.name })
        let service = try KubernetesJSON.decode(
            Service.self, from: up.client(["get", "service", "quickjs", "-o", "json"]).output)
        var answers: [String] = []
        for _ in 0..<6 { answers.append(try RunningUp.get("http://\(service.spec.clusterIP)/") ?? "no answer") }
        #expect(Set(answers) == Set(names.map { "{\"replica\":\"\($0)\"}" }), "\(answers)")
        up.program.signal(SIGINT)
        #expect(up.program.wait(seconds: 30)?.code == 0, "\(up.program.standardError)")
        for name in names { #expect(RunningUp.processes("swiftlet", name).isEmpty) }
    }
}
