// SPDX-License-Identifier: Apache-2.0
// Swiftlet: rules of probes and lifecycle hooks.

import KubernetesAPI

extension Validator {
    mutating func check(_ probe: Probe?, at path: FieldPath, portNames: Set<String>, mustSucceedOnce: Bool) {
        guard let probe else { return }
        var handlers = 0
        if let action = probe.exec {
            handlers += 1
            check(action, at: path.field("exec"))
        }
        if let action = probe.httpGet {
            handlers += 1
            check(action, at: path.field("httpGet"), portNames: portNames)
        }
        if let action = probe.tcpSocket {
            handlers += 1
            checkPort(action.port, at: path.field("tcpSocket").field("port"), portNames: portNames)
        }
        if let action = probe.grpc {
            handlers += 1
            checkPortNumber(action.port, at: path.field("grpc").field("port"))
        }
        checkHandlerCount(handlers, at: path, expected: "exec, httpGet, tcpSocket and grpc")
        checkNonNegative(probe.initialDelaySeconds, at: path.field("initialDelaySeconds"))
        for (name, value) in [
            ("timeoutSeconds", probe.timeoutSeconds), ("periodSeconds", probe.periodSeconds),
            ("successThreshold", probe.successThreshold), ("failureThreshold", probe.failureThreshold),
        ] where value < 0 {
            add(.invalid(path.field(name), value, "must be greater than or equal to 0"))
        }
        if mustSucceedOnce, probe.successThreshold > 1 {
            add(.invalid(path.field("successThreshold"), probe.successThreshold, "must be 1"))
        }
        if let seconds = probe.terminationGracePeriodSeconds, seconds <= 0 {
            add(.invalid(path.field("terminationGracePeriodSeconds"), seconds, "must be greater than 0"))
        }
    }

    mutating func check(_ handler: LifecycleHandler?, at path: FieldPath, portNames: Set<String>) {
        guard let handler else { return }
        var handlers = 0
        if let action = handler.exec {
            handlers += 1
            check(action, at: path.field("exec"))
        }
        if let action = handler.httpGet {
            handlers += 1
            check(action, at: path.field("httpGet"), portNames: portNames)
        }
        if let action = handler.tcpSocket {
            handlers += 1
            checkPort(action.port, at: path.field("tcpSocket").field("port"), portNames: portNames)
        }
        if let action = handler.sleep {
            handlers += 1
            checkNonNegative(action.seconds, at: path.field("sleep").field("seconds"))
        }
        checkHandlerCount(handlers, at: path, expected: "exec, httpGet, tcpSocket and sleep")
    }

    private mutating func checkHandlerCount(_ count: Int, at path: FieldPath, expected: String) {
        if count == 0 { add(.required(path, "must specify a handler: one of \(expected)")) }
        if count > 1 { add(.forbidden(path, "may not specify more than 1 handler type: one of \(expected)")) }
    }

    private mutating func check(_ action: ExecAction, at path: FieldPath) {
        if action.command.isEmpty { add(.required(path.field("command"))) }
    }

    private mutating func check(_ action: HTTPGetAction, at path: FieldPath, portNames: Set<String>) {
        checkPort(action.port, at: path.field("port"), portNames: portNames)
        check(one: action.scheme, of: ["HTTP", "HTTPS"], at: path.field("scheme"))
        for (index, header) in action.httpHeaders.enumerated() {
            let namePath = path.field("httpHeaders").index(index).field("name")
            // RFC 9110 §5.6.2: a field name is a token.
            let isToken =
                !header.name.isEmpty
                && header.name.utf8.allSatisfy { byte in
                    (0x21...0x7E).contains(byte) && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
                }
            if !isToken { add(.invalid(namePath, header.name, "must be an HTTP header's name")) }
        }
    }
}
