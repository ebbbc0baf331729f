// SPDX-License-Identifier: Apache-2.0
// Swiftlet: an instance from start to its orderly end.

import APIClient
import Glibc
import Logging

/// Runs an `Instance` until a signal asks to stop, then ends it.
struct Session: Sendable {
    let instance: Instance
    let client: APIClient
    private let lock: InstanceLock

    init(root: String, apiPort: Int?, logLevel: Logger.Level) throws {
        if let apiPort, !(1...65535).contains(apiPort) {
            throw CommandFailure("--api-port \(apiPort): expected a port from 1 to 65535")
        }
        lock = try InstanceLock(root: root)
        var logger = Logger(label: "swiftlet") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = logLevel
        instance = try Instance(root: root, apiPort: apiPort, logger: logger)
        client = APIClient(socketPath: root + "/api.sock")
    }

    private enum Ending: Sendable {
        case signal
        case failed(any Error)
    }

    /// Starts everything, does `work` once the API answers, and goes on until a signal.
    ///
    /// A second signal while pods end kills what is left of them at once.
    func run(removesPodsAtEnd: Bool, work: @escaping @Sendable () async throws -> Void) async throws {
        let (endings, announce) = AsyncStream.makeStream(of: Ending.self)
        let signals = StopSignals.stream()
        Task { for await _ in signals { announce.yield(.signal) } }
        let instance = instance
        let running = Task {
            do {
                try await instance.run()
            } catch is CancellationError {
                return
            } catch {
                announce.yield(.failed(error))
            }
        }
        let working = Task {
            do {
                try await waitUntilServing()
                try await work()
            } catch is CancellationError {
                return
            } catch {
                announce.yield(.failed(error))
            }
        }
        var iterator = endings.makeAsyncIterator()
        let ending = await iterator.next()
        working.cancel()
        await end(removesPods: removesPodsAtEnd, endings: endings)
        running.cancel()
        await running.value
        if removesPodsAtEnd { instance.removeRoot() }
        if case .failed(let error) = ending { throw error }
    }

    private func end(removesPods: Bool, endings: AsyncStream<Ending>) async {
        guard removesPods else { return await instance.leavePods() }
        if instance.hasPods { writeError("stopping pods; Ctrl-C again kills them\n") }
        let instance = instance
        let impatience = Task {
            for await _ in endings {
                await instance.killPods()
                return
            }
        }
        await instance.removePods()
        impatience.cancel()
    }

    private func waitUntilServing() async throws {
        for _ in 0..<500 {
            if access(client.socketPath, F_OK) == 0,
                let version = try? await client.send(APIClient.Request("GET", "/version")), version.isSuccess
            {
                return
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw CommandFailure("\(client.socketPath): the API did not answer within 2.5 s")
    }
}
