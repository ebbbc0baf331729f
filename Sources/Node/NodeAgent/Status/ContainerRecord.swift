// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the node knows of one container of a pod.

import KubernetesAPI
import OCI

/// Observed state of a container, over all its attempts.
struct ContainerRecord: Sendable, Equatable {
    var name: String
    var image: String
    var isInit: Bool
    /// Which run this is; the first is 0. Also the restart count.
    var attempt = 0
    var state = ContainerState(waiting: ContainerStateWaiting(reason: "ContainerCreating"))
    var lastState = ContainerState()
    var isReady = false
    /// Whether the startup probe has passed.
    var isStarted = false
    var imageID = ""
    var containerID = ""

    init(_ container: Container, isInit: Bool) {
        name = container.name
        image = container.image
        self.isInit = isInit
    }

    /// The id by which the shim knows the current attempt.
    var taskID: String { "\(name)-\(attempt)" }

    var status: ContainerStatus {
        ContainerStatus(
            name: name, state: state, lastState: lastState, ready: isReady, restartCount: Int32(clamping: attempt),
            image: image, imageID: imageID, containerID: containerID, started: isStarted)
    }

    /// Takes up what an earlier agent has reported.
    mutating func restore(_ status: ContainerStatus) {
        attempt = Int(status.restartCount)
        state = status.state
        lastState = status.lastState
        isStarted = status.started ?? false
        imageID = status.imageID
        containerID = status.containerID
    }

    mutating func wait(_ reason: String, _ message: String = "") {
        if state.terminated != nil { lastState = state }
        state = ContainerState(waiting: ContainerStateWaiting(reason: reason, message: message))
        isReady = false
        isStarted = false
    }

    mutating func run(since time: Time) {
        if state.terminated != nil { lastState = state }
        state = ContainerState(running: ContainerStateRunning(startedAt: time))
    }

    mutating func end(_ exit: ContainerExit, now: Time) {
        let startedAt = exit.startedAt ?? state.running?.startedAt ?? now
        state = ContainerState(
            terminated: ContainerStateTerminated(
                exitCode: exit.code, signal: exit.signal, reason: exit.reason, message: exit.message,
                startedAt: startedAt, finishedAt: exit.finishedAt ?? now, containerID: containerID))
        isReady = false
        isStarted = false
    }
}

/// How a container ended, from the shim's `exit.json`.
struct ContainerExit: Sendable, Equatable {
    // LIMIT: bytes of a termination message, as upstream.
    static let messageBytesMax = 4096

    var code: Int32
    var signal: Int32 = 0
    var reason: String
    var message = ""
    var startedAt: Time?
    var finishedAt: Time?

    init(code: Int32, signal: Int32 = 0, reason: String? = nil, message: String = "") {
        self.code = code
        self.signal = signal
        self.reason = reason ?? (code == 0 ? "Completed" : "Error")
        self.message = Self.clipped(message)
    }

    /// nil: the file is not there or not readable as one.
    init?(bundle: String) {
        guard let bytes = FileTree.read("\(bundle)/exit.json"), let json = try? JSON(parsing: bytes),
            case .number(let code) = json["exitCode"], let code = Int32(code)
        else { return nil }
        func text(_ name: String) -> String {
            if case .string(let value) = json[name] { value } else { "" }
        }
        var signal: Int32 = 0
        if case .number(let value) = json["signal"] { signal = Int32(value) ?? 0 }
        // Upstream has no reason for a trap; the message tells.
        let reason = text("reason") == "Trapped" ? "Error" : text("reason")
        self.init(code: code, signal: signal, reason: reason.isEmpty ? nil : reason, message: text("message"))
        startedAt = Time(text("startedAt"))
        finishedAt = Time(text("finishedAt"))
    }

    private static func clipped(_ text: String) -> String {
        guard text.utf8.count > messageBytesMax else { return text }
        return String(decoding: text.utf8.prefix(messageBytesMax), as: UTF8.self)
    }
}
