// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code for the pods of a node.

import Glibc
import Linux
import NIOPosix
import NativeCache
import Synchronization
import TaskService

/// Compiles modules of this node's pods: at once for those that wait, one after the other for the rest.
///
/// A compiler is a confined process of low priority in a group of its own. It ends with the node, and whatever becomes of
/// it is no matter to any pod that runs.
public final class NodeCompiler: Sendable {
    /// What the background has to tell of a module.
    enum Outcome: Sendable {
        case made(NativeJob.Made)
        case failed(String)
    }

    /// A file that nobody has changed: several containers ask for the same one.
    private struct FileKey: Hashable {
        var numbers: [Int64]

        init(_ status: stat) {
            numbers = [
                Int64(bitPattern: UInt64(status.st_dev)), Int64(bitPattern: UInt64(status.st_ino)),
                Int64(status.st_size), Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec),
            ]
        }
    }

    private let cacheRoot: String
    private let cgroupPath: String
    private let allowsBackground: Bool
    // Threads of their own: compilers end with the thread that has started them.
    private let urgent = NIOThreadPool(numberOfThreads: 1)
    private let background = NIOThreadPool(numberOfThreads: 1)
    private let isStopped = Mutex(false)
    private let reports = Mutex<[FileKey: [@Sendable (Outcome) -> Void]]>([:])

    /// - Parameters:
    ///   - cacheRoot: nil: the standard one of this user.
    ///   - cgroupPath: below it compilers get a group each.
    ///   - allowsBackground: whether modules are compiled that nobody waits for.
    public init(cacheRoot: String? = nil, cgroupPath: String, allowsBackground: Bool = true) {
        self.cacheRoot = cacheRoot ?? NativeCache.standardRoot
        self.cgroupPath = cgroupPath
        self.allowsBackground = allowsBackground
        urgent.start()
        background.start()
    }

    /// Whether there is some of the module; what cannot be used is none.
    func hasCode(of module: Int32) -> Bool {
        guard let cache = try? NativeCache(at: cacheRoot) else { return false }
        do { return try cache.find(module, wholeOnly: true) != nil } catch { return false }
    }

    /// Waits until there is native code of the module.
    ///
    /// - Throws: `NodeError` with reason `NativeCompilationFailed`.
    func compile(_ module: consuming OwnedDescriptor, name: String) async throws -> NativeJob.Made {
        let number = module.release()
        do {
            return try await urgent.runIfActive {
                try self.run(OwnedDescriptor(owning: number), CompileRequest(name: name))
            }
        } catch let error as CancellationError { throw error } catch {
            throw NodeError("NativeCompilationFailed", "\(error)")
        }
    }

    /// Compiles the module when its turn comes, and tells what became of it; of a large one twice.
    ///
    /// - Parameter profile: path of what its sandbox tells about its time; hot functions are compiled first.
    func compileLater(
        _ module: consuming OwnedDescriptor, name: String, profile: String,
        _ report: @escaping @Sendable (Outcome) -> Void
    ) {
        // A node without the compiler's program is a node that interprets; that is no news for each pod.
        guard allowsBackground, (try? NativeCompiler()) != nil,
            let status = try? Descriptors.status(module.rawValue)
        else { return }
        let key = FileKey(status)
        let isFirst = reports.withLock { reports in
            reports[key, default: []].append(report)
            return reports[key]?.count == 1
        }
        guard isFirst else { return }
        let byteCount = Int(status.st_size)
        let number = module.release()
        background.submit { [self] state in
            let module = OwnedDescriptor(owning: number)
            guard state == .active else { return }
            let base = CompileRequest(name: name, isBackground: true, cgroupPath: "\(cgroupPath)/compiler")
            let steps = GuestProfile.requests(base, moduleBytes: byteCount, profile: profile)
            for (index, step) in steps.enumerated() {
                let isLast = index == steps.count - 1
                let outcome = compileInBackground(module.rawValue, step)
                guard let outcome else { break }
                let listeners = reports.withLock { reports in
                    isLast ? reports.removeValue(forKey: key) ?? [] : reports[key] ?? []
                }
                for listener in listeners { listener(outcome) }
                if case .failed = outcome { break }
            }
            _ = reports.withLock { $0.removeValue(forKey: key) }
        }
    }

    /// nil: the node stops.
    private func compileInBackground(_ module: Int32, _ request: CompileRequest) -> Outcome? {
        do {
            let cache = try NativeCache(making: cacheRoot)
            var slot = try cache.takeBackgroundSlot()
            while slot == nil {
                if isEnding { return nil }
                usleep(200_000)
                slot = try cache.takeBackgroundSlot()
            }
            let made = try run(try Descriptors.duplicate(module), request)
            _ = consume slot
            return isEnding ? nil : .made(made)
        } catch { return isEnding ? nil : .failed("\(error)") }
    }

    private func run(_ module: consuming OwnedDescriptor, _ request: CompileRequest) throws -> NativeJob.Made {
        let cache = try NativeCache(making: cacheRoot)
        let job = try NativeJob(module, request, in: cache, compiler: try NativeCompiler(), heedsFailures: true)
        return try job.run(isCancelled: { isEnding })
    }

    private var isEnding: Bool { isStopped.withLock { $0 } }

    /// Ends the compilers and waits for their end.
    func stop() async {
        isStopped.withLock { $0 = true }
        try? await urgent.shutdownGracefully()
        try? await background.shutdownGracefully()
    }
}
