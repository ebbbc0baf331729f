// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the log subresource of pods.
public import KubernetesAPI
import ObjectStore

/// Where a container's log is; nil if this run of it has none.
///
/// The node knows: for the current run, or with `previous` for the one before it. Rotated files lie beside it as
/// `PATH.1` and so on.
public typealias LogPathProvider =
    @Sendable (_ pod: Pod, _ container: String, _ previous: Bool) -> String?

/// Answers `GET …/pods/NAME/log`.
struct PodLogs: Sendable {
    let store: ObjectStore
    let path: LogPathProvider
    let now: @Sendable () -> MicroTime

    // LIMIT: how long a follower waits before it looks for more; a person does not notice.
    private static let pollInterval = Duration.milliseconds(100)

    func respond(_ target: ResourceTarget, _ request: APIRequest) throws -> APIResponse {
        guard request.method == "GET" else { throw APIError.methodNotAllowed(request.method) }
        let name = target.name ?? ""
        guard let pod = store.get(Pod.self, namespace: target.namespace ?? "", name: name) else {
            throw APIError(StoreError(.notFound, "pods \"\(name)\" not found", resource: "pods", name: name))
        }
        let container = try container(of: pod, request.query["container"] ?? "")
        let selection = try selection(request)
        let isPrevious = request.query["previous"] != nil && request.flag("previous")
        guard let file = path(pod, container, isPrevious) else { throw noLog(of: pod, container, isPrevious) }
        let isFollowing = request.query["follow"] != nil && request.flag("follow") && !isPrevious
        let (output, continuation) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .unbounded)
        var response = APIResponse(contentType: "text/plain", body: .stream(output))
        response.pump = ResponsePump {
            await self.send(file, selection, to: continuation) {
                isFollowing && self.isWriting(pod, container)
            }
            continuation.finish()
        }
        return response
    }

    // MARK: - Request

    private func container(of pod: Pod, _ wanted: String) throws(APIError) -> String {
        let all = pod.spec.initContainers + pod.spec.containers
        let name = pod.metadata.name
        if !wanted.isEmpty {
            guard all.contains(where: { $0.name == wanted }) else {
                throw .badRequest("container \(wanted) is not valid for pod \(name)")
            }
            return wanted
        }
        if let preferred = pod.metadata.annotations["kubectl.kubernetes.io/default-container"],
            all.contains(where: { $0.name == preferred })
        {
            return preferred
        }
        guard pod.spec.containers.count == 1, let only = pod.spec.containers.first else {
            let names = pod.spec.containers.map { $0.name }.joined(separator: " ")
            var message = "a container name must be specified for pod \(name), choose one of: [\(names)]"
            if !pod.spec.initContainers.isEmpty {
                message += " or one of the init containers: ["
                message += pod.spec.initContainers.map { $0.name }.joined(separator: " ") + "]"
            }
            throw .badRequest(message)
        }
        return only.name
    }

    private func selection(_ request: APIRequest) throws(APIError) -> LogSelection {
        var selection = LogSelection()
        selection.tailLines = try number("tailLines", request)
        selection.bytesMax = try number("limitBytes", request)
        selection.hasTimestamps = request.query["timestamps"] != nil && request.flag("timestamps")
        if let seconds = try number("sinceSeconds", request) {
            let micros = now().microsecondsSinceEpoch - Int64(seconds) * 1_000_000
            selection.since = MicroTime(microsecondsSinceEpoch: micros)
        }
        if let text = request.query["sinceTime"] {
            guard let time = MicroTime(text) else {
                throw .badRequest("sinceTime: expected an RFC 3339 time, found \"\(text)\"")
            }
            selection.since = time
        }
        return selection
    }

    private func number(_ name: String, _ request: APIRequest) throws(APIError) -> Int? {
        guard let text = request.query[name], !text.isEmpty else { return nil }
        // LIMIT: a hundred years in seconds, and any sensible number of lines or bytes.
        guard let value = Int(text), (0...3_000_000_000).contains(value) else {
            throw .badRequest("\(name): expected a number from 0, found \"\(text)\"")
        }
        return value
    }

    private func noLog(of pod: Pod, _ container: String, _ isPrevious: Bool) -> APIError {
        let name = pod.metadata.name
        if isPrevious {
            return .badRequest("previous terminated container \"\(container)\" in pod \"\(name)\" not found")
        }
        let status = statuses(of: pod).first { $0.name == container }
        let reason = status?.state.waiting?.reason ?? "ContainerCreating"
        return .badRequest("container \"\(container)\" in pod \"\(name)\" is waiting to start: \(reason)")
    }

    private func statuses(of pod: Pod) -> [ContainerStatus] {
        pod.status.containerStatuses + pod.status.initContainerStatuses
    }

    /// Whether the run that was asked for may still write.
    private func isWriting(_ pod: Pod, _ container: String) -> Bool {
        let metadata = pod.metadata
        guard let current = store.get(Pod.self, namespace: metadata.namespace, name: metadata.name),
            current.metadata.uid == metadata.uid
        else { return false }
        func status(_ pod: Pod) -> ContainerStatus? { statuses(of: pod).first { $0.name == container } }
        let isSameRun = status(current)?.restartCount == status(pod)?.restartCount
        return isSameRun && status(current)?.state.terminated == nil
    }

    // MARK: - Content

    private func send(
        _ path: String, _ selection: LogSelection, to output: AsyncStream<[UInt8]>.Continuation,
        while isFollowing: @Sendable () -> Bool
    ) async {
        var reader = CRILogReader(selection)
        let follower = LogFileReader(path: path)
        sendPast(path, selection, &reader, follower, output)
        while !Task.isCancelled, !reader.isFull {
            // Asked before reading: what was written before the end is then still read.
            let goesOn = isFollowing()
            while let chunk = follower.next(), !reader.isFull {
                let text = reader.read(chunk[...])
                if !text.isEmpty { output.yield(text) }
            }
            guard goesOn else { return }
            try? await Task.sleep(for: Self.pollInterval)
        }
    }

    /// Sends what of the rotated files is wanted and puts the follower where the current file's part begins.
    private func sendPast(
        _ path: String, _ selection: LogSelection, _ reader: inout CRILogReader, _ follower: LogFileReader,
        _ output: AsyncStream<[UInt8]>.Continuation
    ) {
        let files = LogFileReader.files(of: path)
        guard let tail = selection.tailLines else {
            for file in files.dropLast() {
                let text = reader.read(LogFileReader.content(of: file)[...])
                if !text.isEmpty { output.yield(text) }
            }
            return
        }
        var missing = tail
        var parts: [[UInt8]] = []
        for (index, file) in files.enumerated().reversed() {
            let content = LogFileReader.content(of: file)
            let (offset, found) = CRILogReader.tailOffset(of: content, lines: missing)
            missing -= found
            if index == files.count - 1 {
                follower.seek(to: offset)
            } else {
                parts.append(Array(content[offset...]))
            }
            if missing <= 0 { break }
        }
        for part in parts.reversed() {
            let text = reader.read(part[...])
            if !text.isEmpty { output.yield(text) }
        }
    }
}
