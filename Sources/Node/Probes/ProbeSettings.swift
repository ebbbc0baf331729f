// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a probe does and when, free of Kubernetes' optionals.

/// The three questions that are asked about a container.
public enum ProbeKind: String, Sendable, Hashable, CaseIterable {
    case startup, liveness, readiness

    /// As it starts an event message: `Liveness probe failed: …`.
    public var title: String {
        switch self {
        case .startup: "Startup"
        case .liveness: "Liveness"
        case .readiness: "Readiness"
        }
    }
}

/// The timing fields of a probe, upstream's defaults filled in.
///
/// See: Kubernetes API reference, core/v1 Probe.
public struct ProbeSettings: Sendable, Equatable {
    public var initialDelay: Duration
    public var period: Duration
    public var timeout: Duration
    public var successThreshold: Int
    public var failureThreshold: Int
    /// Replaces the pod's grace period when this probe's failure kills the container; nil: the pod's.
    public var terminationGracePeriodSeconds: Int?

    public init(
        initialDelay: Duration = .zero, period: Duration = .seconds(10), timeout: Duration = .seconds(1),
        successThreshold: Int = 1, failureThreshold: Int = 3, terminationGracePeriodSeconds: Int? = nil
    ) {
        self.initialDelay = initialDelay
        self.period = max(period, .milliseconds(1))
        self.timeout = max(timeout, .milliseconds(1))
        self.successThreshold = max(1, successThreshold)
        self.failureThreshold = max(1, failureThreshold)
        self.terminationGracePeriodSeconds = terminationGracePeriodSeconds
    }
}

/// One way to ask. Ports are numbers and hosts are filled in by the caller.
public enum ProbeAction: Sendable, Equatable {
    case httpGet(HTTPGet)
    case tcpSocket(host: String, port: Int)
    case grpc(host: String, port: Int, service: String)
    case exec(command: [String])
    /// `swiftlet.dev/probe-export`: an exported function of type `() -> i32`; 0 is healthy.
    case export(name: String)
    /// A probe that can never pass; `reason` is what people read.
    case unusable(reason: String)
}

/// An HTTP GET.
public struct HTTPGet: Sendable, Equatable {
    public var scheme: String
    public var host: String
    public var port: Int
    public var path: String
    public var headers: [(name: String, value: String)]

    public init(
        scheme: String = "HTTP", host: String, port: Int, path: String = "/",
        headers: [(name: String, value: String)] = []
    ) {
        self.scheme = scheme.uppercased()
        self.host = host
        self.port = port
        self.path = path.hasPrefix("/") ? path : "/" + path
        self.headers = headers
    }

    /// The address as people write it.
    public var url: String { "\(scheme.lowercased())://\(host):\(port)\(path)" }

    public static func == (left: HTTPGet, right: HTTPGet) -> Bool {
        left.url == right.url && left.headers.elementsEqual(right.headers) { $0 == $1 }
    }
}

/// A probe, ready to run.
public struct ProbeSpecification: Sendable, Equatable {
    public var kind: ProbeKind
    public var action: ProbeAction
    public var settings: ProbeSettings

    public init(kind: ProbeKind, action: ProbeAction, settings: ProbeSettings = ProbeSettings()) {
        self.kind = kind
        self.action = action
        self.settings = settings
    }
}

/// What one attempt found out.
public struct ProbeOutcome: Sendable, Equatable {
    public enum Verdict: Sendable, Equatable {
        case success
        /// Passed, with something to tell (a redirect to another host).
        case warning
        case failure
        /// The question could not be asked (the container is gone, say): counts for nothing.
        case unknown
    }

    public var verdict: Verdict
    /// Why it failed, or the beginning of the answer.
    public var message: String

    public init(_ verdict: Verdict, _ message: String = "") {
        self.verdict = verdict
        self.message = message
    }

    public var hasPassed: Bool { verdict == .success || verdict == .warning }
}
