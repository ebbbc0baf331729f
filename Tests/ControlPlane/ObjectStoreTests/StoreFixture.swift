// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the object store's tests share.
import Glibc
import KubernetesAPI
import ObjectStore
import Synchronization

/// A clock that stands still until told otherwise.
final class ManualClock: Sendable {
    private let seconds = Atomic<Int64>(1_700_000_000)

    var now: Time { Time(secondsSinceEpoch: seconds.load(ordering: .relaxed)) }

    func advance(seconds count: Int64) { seconds.add(count, ordering: .relaxed) }

    var environment: StoreEnvironment { StoreEnvironment(now: { self.now }) }
}

/// A folder that disappears with its owner.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/swl-store-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    deinit {
        for name in ["store.db", "store.db-wal", "store.db-shm", "copy.db", "copy.db-wal", "copy.db-shm"] {
            unlink("\(path)/\(name)")
        }
        rmdir(path)
    }

    var database: String { "\(path)/store.db" }

    /// Copies database and log as they are at this moment: what a killed process leaves behind.
    func copyDatabase() throws -> String {
        for suffix in ["", "-wal"] { try copy("\(path)/store.db\(suffix)", to: "\(path)/copy.db\(suffix)") }
        unlink("\(path)/copy.db-shm")
        return "\(path)/copy.db"
    }

    private struct CopyFailed: Error { var path: String }

    private func copy(_ source: String, to target: String) throws {
        guard let input = fopen(source, "r"), let output = fopen(target, "w") else { throw CopyFailed(path: source) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, input), count > 0 { fwrite(buffer, 1, count, output) }
        fclose(input)
        fclose(output)
    }
}

func makePod(_ name: String, node: String = "", labels: [String: String] = [:], grace: Int64? = nil) -> Pod {
    var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default", labels: labels))
    pod.spec.containers = [Container(name: "app", image: "app.wasm")]
    pod.spec.nodeName = node
    pod.spec.terminationGracePeriodSeconds = grace
    return pod
}
