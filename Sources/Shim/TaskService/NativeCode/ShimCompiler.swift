// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code for the containers of one shim, made beside everything else that the shim does.
import EventLoop
import Glibc
import Linux
import NativeCache
import TTRPC

/// Compiles for containers: now, where one waits for it, or later, for their next start.
///
/// Under containerd there is no process of ours but the shims, so a shim does it. A node agent does it for all its pods
/// and tells their shims to leave it (`SWIFTLET_BACKGROUND_COMPILER=off`).
final class ShimCompiler {
    // LIMIT: looks at the profile of a container before its module is compiled, and the time between them. What ends
    // within these five seconds without having done much would not gain.
    private static let profileLooks = 10
    private static let profileLookNanoseconds: UInt64 = 500_000_000
    // LIMIT: seconds between looks at a compiler that works, and at an entry that another process makes.
    private static let lookSeconds: UInt64 = 5
    // LIMIT: seconds between tries while another process of this machine compiles in the background.
    private static let turnSeconds: UInt64 = 10

    typealias Opening = () throws(Status) -> OwnedDescriptor

    private final class Work {
        let job: NativeJob
        let name: String
        var processDescriptor: Int32?
        /// Of the machine's one compilation in the background.
        var slot: OpenSlot?
        var completion: ((Result<NativeJob.Made, any Error>) -> Void)?
        /// What is to be made of the module after this, and how to get it.
        var steps: [CompileRequest] = []
        var open: Opening?

        init(_ job: NativeJob, _ name: String) { (self.job, self.name) = (job, name) }
    }

    private final class OpenSlot {
        let descriptor: OwnedDescriptor

        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    private let loop: EventLoop
    private let allowsBackground: Bool
    private var works: [ObjectIdentifier: Work] = [:]
    /// Containers whose modules are to be compiled in the background, by id.
    private var wishes: [String: EventLoop.Timer] = [:]

    init(loop: EventLoop) {
        self.loop = loop
        allowsBackground = getenv("SWIFTLET_BACKGROUND_COMPILER").map { String(cString: $0) } != "off"
    }

    /// Compilers that are not reaped yet; the shim must not take their exit status.
    var livingProcesses: [Int32] { works.values.compactMap(\.job.processIdentifier) }

    // MARK: - Now

    /// Makes native code of a module, all of it, and calls back. When the time is over it calls back with a failure and
    /// goes on: the next container finds what there is by then.
    func compile(
        _ module: consuming OwnedDescriptor, name: String, withinNanoseconds limit: UInt64,
        _ completion: @escaping (Result<Void, Status>) -> Void
    ) {
        let job: NativeJob
        do {
            let cache = try NativeCache(making: NativeCache.standardRoot)
            job = try NativeJob(
                module, CompileRequest(name: name), in: cache, compiler: try NativeCompiler(), heedsFailures: true)
        } catch { return completion(.failure(Self.refusal(error))) }
        let work = Work(job, name)
        let timer = loop.schedule(afterNanoseconds: limit) { [weak work] in
            guard let work else { return }
            work.completion = nil
            let share = work.job.percentDone.map { " (\($0) % done)" } ?? ""
            completion(
                .failure(
                    Status(
                        .deadlineExceeded,
                        "engine aot: \(name) was not compiled within \(limit / 1_000_000_000) s\(share); compiling goes on, "
                            + "and another start finds it done")))
        }
        work.completion = { [loop] result in
            loop.cancel(timer)
            switch result {
            case .success: completion(.success(()))
            case .failure(let error): completion(.failure(Self.refusal(error)))
            }
        }
        begin(work)
    }

    private static func refusal(_ error: any Error) -> Status { Status(.failedPrecondition, "engine aot: \(error)") }

    // MARK: - Later

    /// Compiles the module of a container that runs interpreted, in a while, once the machine has nothing else of this
    /// kind to do, and if the container still runs then.
    ///
    /// - Parameters:
    ///   - profile: path of what the sandbox tells about its time; hot functions are compiled first.
    ///   - open: gives the module; called when it is needed, so that nothing keeps a file system busy.
    func wish(_ id: String, name: String, profile: String, _ open: @escaping Opening) {
        guard allowsBackground, wishes[id] == nil, (try? NativeCompiler()) != nil else { return }
        wait(Wish(id: id, name: name, profile: profile, open: open), Self.profileLooks)
    }

    private struct Wish {
        var id: String
        var name: String
        var profile: String
        var open: Opening
    }

    private func wait(_ wish: Wish, _ looks: Int) {
        wishes[wish.id] = loop.schedule(afterNanoseconds: Self.profileLookNanoseconds) { [unowned self] in
            if looks <= 1 || GuestProfile.isRich(wish.profile) { fulfil(wish) } else { wait(wish, looks - 1) }
        }
    }

    /// The container has ended.
    func forget(_ id: String) {
        guard let timer = wishes.removeValue(forKey: id) else { return }
        loop.cancel(timer)
    }

    private func fulfil(_ wish: Wish) {
        wishes[wish.id] = nil
        do {
            let cache = try NativeCache(making: NativeCache.standardRoot)
            guard let slot = try cache.takeBackgroundSlot() else {
                wishes[wish.id] = loop.schedule(afterNanoseconds: Self.turnSeconds * 1_000_000_000) { [unowned self] in
                    fulfil(wish)
                }
                return
            }
            let module = try wish.open()
            let steps = GuestProfile.requests(
                CompileRequest(name: wish.name, isBackground: true, cgroupPath: CompilerGroup.prepare()),
                moduleBytes: Int(try Descriptors.status(module.rawValue).st_size), profile: wish.profile)
            try begin(steps, module, OpenSlot(slot), wish.open)
        } catch { ShimLog.write(.warning, "native code of \(wish.name): \(error)") }
    }

    /// The first of the steps; the others follow it.
    private func begin(
        _ steps: [CompileRequest], _ module: consuming OwnedDescriptor, _ slot: OpenSlot, _ open: @escaping Opening
    ) throws {
        guard let first = steps.first else { return }
        let cache = try NativeCache(making: NativeCache.standardRoot)
        let job = try NativeJob(module, first, in: cache, compiler: try NativeCompiler(), heedsFailures: true)
        let work = Work(job, first.name)
        (work.slot, work.steps, work.open) = (slot, Array(steps.dropFirst()), open)
        begin(work)
    }

    private func goOn(after work: Work) {
        guard let slot = work.slot, let open = work.open, !work.steps.isEmpty else { return }
        do { try begin(work.steps, try open(), slot, open) } catch {
            ShimLog.write(.warning, "native code of \(work.name): \(error)")
        }
    }

    // MARK: - Steps

    private func begin(_ work: Work) {
        works[ObjectIdentifier(work)] = work
        step(work)
    }

    private func step(_ work: Work) {
        guard works[ObjectIdentifier(work)] != nil else { return }
        do {
            switch try work.job.advance() {
            case .working: again(work, afterNanoseconds: 0)
            case .taken:
                // In the background it is enough that somebody does it.
                if work.slot != nil { return end(work, nil) }
                again(work, afterNanoseconds: 200_000_000)
            case .compiling(let descriptor):
                if work.processDescriptor == nil {
                    work.processDescriptor = descriptor
                    try loop.watch(descriptor, for: .read) { [unowned self, weak work] _ in
                        if let work { step(work) }
                    }
                }
                again(work, afterNanoseconds: Self.lookSeconds * 1_000_000_000)
            case .finished(let made): end(work, .success(made))
            }
        } catch { end(work, .failure(error)) }
    }

    private func again(_ work: Work, afterNanoseconds delay: UInt64) {
        loop.schedule(afterNanoseconds: delay) { [weak self, weak work] in
            if let work { self?.step(work) }
        }
    }

    private func end(_ work: Work, _ result: Result<NativeJob.Made, any Error>?) {
        if let descriptor = work.processDescriptor { loop.unwatch(descriptor) }
        works[ObjectIdentifier(work)] = nil
        switch result {
        case .success(let made)?:
            ShimLog.write(.info, "native code of \(work.name): \(made)")
            goOn(after: work)
        // What is known already was told when it happened.
        case .failure(NativeCacheError.hasFailed)?, nil: break
        case .failure(let error)?: ShimLog.write(.warning, "native code of \(work.name): \(error)")
        }
        if let result { work.completion?(result) }
    }

    /// Ends all compilers.
    func cancelAll() {
        for timer in wishes.values { loop.cancel(timer) }
        wishes = [:]
        for work in works.values {
            if let descriptor = work.processDescriptor { loop.unwatch(descriptor) }
            work.job.cancel()
        }
        works = [:]
    }
}
