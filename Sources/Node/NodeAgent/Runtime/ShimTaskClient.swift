// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the Task API calls of the node agent.

import NIOCore
import Protobuf
import TTRPC
import TaskAPI

/// A pod's shim behind its socket.
struct ShimTaskClient: PodShim {
    // LIMIT: a start may have to read and compile a large module first.
    static let startTimeout = TimeAmount.seconds(300)

    let connection: ShimConnection

    private func task<Answer: ProtobufMessage>(
        _ method: String, _ message: some ProtobufMessage, as type: Answer.Type,
        timeout: TimeAmount? = ShimConnection.timeoutDefault
    ) async throws -> Answer {
        try await connection.call(ServiceName.task, method, message, as: type, timeout: timeout)
    }

    func create(_ id: String, bundle: String, stdout: String, stderr: String) async throws {
        _ = try await task(
            "Create", CreateTaskRequest(id: id, bundle: bundle, stdout: stdout, stderr: stderr),
            as: CreateTaskResponse.self)
    }

    func start(_ id: String) async throws {
        var request = StartRequest()
        request.id = id
        _ = try await task("Start", request, as: StartResponse.self, timeout: Self.startTimeout)
    }

    func state(_ id: String) async throws -> ContainerTaskState {
        var request = StateRequest()
        request.id = id
        do {
            let response = try await task("State", request, as: StateResponse.self)
            return switch TaskStatus(rawValue: response.rawStatus) {
            case .created: .created
            case .stopped: .stopped
            default: .running
            }
        } catch let error as ShimError where error.code == .notFound {
            return .missing
        }
    }

    func wait(_ id: String) async throws -> Int32 {
        var request = WaitRequest()
        request.id = id
        let response = try await task("Wait", request, as: WaitResponse.self, timeout: nil)
        return Int32(truncatingIfNeeded: response.exitStatus)
    }

    func kill(_ id: String, signal: UInt32) async throws {
        var request = KillRequest()
        request.id = id
        request.signal = signal
        request.all = signal == 9
        _ = try await task("Kill", request, as: Empty.self)
    }

    func delete(_ id: String) async throws {
        var request = DeleteRequest()
        request.id = id
        _ = try await task("Delete", request, as: DeleteResponse.self)
    }

    func exec(_ id: String, execID: String, process: [UInt8], output: String, timeout: Duration) async throws -> Int32 {
        var request = ExecProcessRequest()
        request.id = id
        request.execID = execID
        request.stdout = output
        request.stderr = output
        request.spec = AnyMessage(typeURL: "types.containerd.io/opencontainers/runtime-spec/1/Process", value: process)
        _ = try await task("Exec", request, as: Empty.self)
        var start = StartRequest()
        start.id = id
        start.execID = execID
        var wait = WaitRequest()
        wait.id = id
        wait.execID = execID
        do {
            _ = try await task("Start", start, as: StartResponse.self, timeout: timeout.timeAmount)
            let response = try await task("Wait", wait, as: WaitResponse.self, timeout: timeout.timeAmount)
            await forget(id, execID)
            return Int32(truncatingIfNeeded: response.exitStatus)
        } catch {
            var kill = KillRequest()
            kill.id = id
            kill.execID = execID
            kill.signal = 9
            _ = try? await task("Kill", kill, as: Empty.self)
            _ = try? await task("Wait", wait, as: WaitResponse.self, timeout: .seconds(5))
            await forget(id, execID)
            throw error
        }
    }

    private func forget(_ id: String, _ execID: String) async {
        var delete = DeleteRequest()
        delete.id = id
        delete.execID = execID
        _ = try? await task("Delete", delete, as: DeleteResponse.self)
    }

    func callExport(_ id: String, export: String, timeout: Duration) async throws -> Int32 {
        let nanoseconds = timeout.timeAmount.nanoseconds
        let response = try await connection.call(
            ServiceName.probe, "Call", ProbeCallRequest(id: id, export: export, timeoutNanoseconds: nanoseconds),
            as: ProbeCallResponse.self, timeout: .nanoseconds(nanoseconds) + .seconds(1))
        guard response.error.isEmpty else { throw ShimError(.refused, response.error) }
        return response.status
    }

    func shutdown() async {
        var request = ShutdownRequest()
        request.now = true
        _ = try? await task("Shutdown", request, as: Empty.self, timeout: .seconds(5))
        connection.close()
    }
}

extension Duration {
    /// For NIO's timers; at least a millisecond.
    var timeAmount: TimeAmount {
        let (seconds, attoseconds) = components
        return .nanoseconds(max(1_000_000, seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }
}
