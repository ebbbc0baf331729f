// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a container's probes from the manifest, ready to run; pure.

import KubernetesAPI
import Probes

enum ProbeSetup {
    /// - Parameter exports: from the probe-export annotations; they replace the action of the manifest's probe.
    static func specifications(
        of container: Container, host: String, exports: [ProbeKind: String]
    ) -> [ProbeSpecification] {
        let probes: [(ProbeKind, Probe?)] = [
            (.startup, container.startupProbe), (.liveness, container.livenessProbe),
            (.readiness, container.readinessProbe),
        ]
        return probes.compactMap { kind, probe in
            if let export = exports[kind] {
                return ProbeSpecification(kind: kind, action: .export(name: export), settings: settings(probe))
            }
            guard let probe else { return nil }
            return ProbeSpecification(
                kind: kind, action: action(probe, container, host: host), settings: settings(probe))
        }
    }

    private static func settings(_ probe: Probe?) -> ProbeSettings {
        guard let probe else { return ProbeSettings() }
        func positive(_ value: Int32, or standard: Int32) -> Duration { .seconds(Int(value > 0 ? value : standard)) }
        return ProbeSettings(
            initialDelay: .seconds(Int(max(0, probe.initialDelaySeconds))),
            period: positive(probe.periodSeconds, or: 10), timeout: positive(probe.timeoutSeconds, or: 1),
            successThreshold: Int(max(1, probe.successThreshold)),
            failureThreshold: probe.failureThreshold > 0 ? Int(probe.failureThreshold) : 3,
            terminationGracePeriodSeconds: probe.terminationGracePeriodSeconds.map { Int($0) })
    }

    private static func action(_ probe: Probe, _ container: Container, host: String) -> ProbeAction {
        if let exec = probe.exec { return .exec(command: exec.command) }
        if let get = probe.httpGet { return http(get, container, host: host) }
        if let socket = probe.tcpSocket {
            guard let port = port(socket.port, container) else { return missing(socket.port) }
            return .tcpSocket(host: socket.host.isEmpty ? host : socket.host, port: port)
        }
        if let grpc = probe.grpc {
            return .grpc(host: host, port: Int(grpc.port), service: grpc.service ?? "")
        }
        return .unusable(reason: "the probe has no action")
    }

    static func http(_ get: HTTPGetAction, _ container: Container, host: String) -> ProbeAction {
        guard let port = port(get.port, container) else { return missing(get.port) }
        return .httpGet(
            HTTPGet(
                scheme: get.scheme?.rawValue ?? "HTTP", host: get.host.isEmpty ? host : get.host, port: port,
                path: get.path, headers: get.httpHeaders.map { ($0.name, $0.value) }))
    }

    private static func port(_ port: IntOrString, _ container: Container) -> Int? {
        let number: Int32? =
            switch port {
            case .int(let number): number
            case .string(let name): container.ports.first { $0.name == name }?.containerPort ?? Int32(name)
            }
        return number.flatMap { (1...65_535).contains($0) ? Int($0) : nil }
    }

    private static func missing(_ port: IntOrString) -> ProbeAction {
        .unusable(reason: "couldn't find port: \(port) in the container's ports")
    }
}
