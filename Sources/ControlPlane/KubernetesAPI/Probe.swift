// SPDX-License-Identifier: Apache-2.0
// Swiftlet: probes and lifecycle hooks.

/// A periodic check of a container; exactly one handler is set.
public struct Probe: Codable, Sendable, Equatable {
    public var exec: ExecAction?
    public var httpGet: HTTPGetAction?
    public var tcpSocket: TCPSocketAction?
    public var grpc: GRPCAction?
    @OmitEmpty public var initialDelaySeconds: Int32
    @OmitEmpty public var timeoutSeconds: Int32
    @OmitEmpty public var periodSeconds: Int32
    @OmitEmpty public var successThreshold: Int32
    @OmitEmpty public var failureThreshold: Int32
    public var terminationGracePeriodSeconds: Int64?

    public init(
        exec: ExecAction? = nil,
        httpGet: HTTPGetAction? = nil,
        tcpSocket: TCPSocketAction? = nil,
        grpc: GRPCAction? = nil,
        initialDelaySeconds: Int32 = 0,
        timeoutSeconds: Int32 = 0,
        periodSeconds: Int32 = 0,
        successThreshold: Int32 = 0,
        failureThreshold: Int32 = 0,
        terminationGracePeriodSeconds: Int64? = nil
    ) {
        self.exec = exec
        self.httpGet = httpGet
        self.tcpSocket = tcpSocket
        self.grpc = grpc
        self.initialDelaySeconds = initialDelaySeconds
        self.timeoutSeconds = timeoutSeconds
        self.periodSeconds = periodSeconds
        self.successThreshold = successThreshold
        self.failureThreshold = failureThreshold
        self.terminationGracePeriodSeconds = terminationGracePeriodSeconds
    }
}

/// A command run in the container; exit code 0 means success.
public struct ExecAction: Codable, Sendable, Equatable {
    @OmitEmpty public var command: [String]

    public init(command: [String] = []) {
        self.command = command
    }
}

/// An HTTP GET request; 200 to 399 means success.
public struct HTTPGetAction: Codable, Sendable, Equatable {
    @OmitEmpty public var path: String
    public var port: IntOrString
    @OmitEmpty public var host: String
    public var scheme: URIScheme?
    @OmitEmpty public var httpHeaders: [HTTPHeader]

    public init(
        path: String = "",
        port: IntOrString = .int(0),
        host: String = "",
        scheme: URIScheme? = nil,
        httpHeaders: [HTTPHeader] = []
    ) {
        self.path = path
        self.port = port
        self.host = host
        self.scheme = scheme
        self.httpHeaders = httpHeaders
    }
}

/// One header of a probe's request.
public struct HTTPHeader: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String
    @ZeroIfMissing public var value: String

    public init(name: String = "", value: String = "") {
        self.name = name
        self.value = value
    }
}

/// A TCP connection; success when it opens.
public struct TCPSocketAction: Codable, Sendable, Equatable {
    public var port: IntOrString
    @OmitEmpty public var host: String

    public init(port: IntOrString = .int(0), host: String = "") {
        self.port = port
        self.host = host
    }
}

/// A call of the gRPC health service.
public struct GRPCAction: Codable, Sendable, Equatable {
    @ZeroIfMissing public var port: Int32
    public var service: String?

    public init(port: Int32 = 0, service: String? = nil) {
        self.port = port
        self.service = service
    }
}

/// A pause.
public struct SleepAction: Codable, Sendable, Equatable {
    @ZeroIfMissing public var seconds: Int64

    public init(seconds: Int64 = 0) {
        self.seconds = seconds
    }
}

/// What happens right after start and right before stop.
public struct Lifecycle: Codable, Sendable, Equatable {
    public var postStart: LifecycleHandler?
    public var preStop: LifecycleHandler?
    public var stopSignal: String?

    public init(postStart: LifecycleHandler? = nil, preStop: LifecycleHandler? = nil, stopSignal: String? = nil) {
        self.postStart = postStart
        self.preStop = preStop
        self.stopSignal = stopSignal
    }
}

/// One action; exactly one is set.
public struct LifecycleHandler: Codable, Sendable, Equatable {
    public var exec: ExecAction?
    public var httpGet: HTTPGetAction?
    public var tcpSocket: TCPSocketAction?
    public var sleep: SleepAction?

    public init(
        exec: ExecAction? = nil,
        httpGet: HTTPGetAction? = nil,
        tcpSocket: TCPSocketAction? = nil,
        sleep: SleepAction? = nil
    ) {
        self.exec = exec
        self.httpGet = httpGet
        self.tcpSocket = tcpSocket
        self.sleep = sleep
    }
}
