// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from a module's file to an entry of the cache, step by step.

internal import Glibc
public import Linux
public import NativeImage

/// Makes native code of one module: copies it, takes its digest, lets the compiler work, keeps what it made.
///
/// Nothing waits in here: ``advance()`` does what can be done now and says when to call it again, so that an event loop
/// can do it beside other things. Giving the job up ends its compiler and leaves nothing behind.
public final class NativeJob {
    /// What to wait for until the next call of ``advance()``.
    public enum State: Sendable, Equatable {
        /// For nothing: there is more to do at once.
        case working
        /// For the end of the compiler: the descriptor becomes readable. Ask every few seconds anyway, for its deadline.
        case compiling(processDescriptor: Int32)
        /// Another process makes the entry. Ask again in a while, or leave it to that one.
        case taken
        case finished(Made)
    }

    /// An entry that is there now.
    public struct Made: Sendable, Equatable {
        public var key: NativeCacheKey
        /// Of the image.
        public var byteCount: Int64
        /// nil: it was there before.
        public var summary: NativeCompiler.Summary?
    }

    private let cache: NativeCache
    private let compiler: NativeCompiler
    private let request: CompileRequest
    private let heedsFailures: Bool
    private let reading: NativeCache.FileReading
    private var snapshot: ModuleSnapshot
    private var key: NativeCacheKey?
    private var work: (process: CompilerProcess, writer: NativeCacheWriter)?

    /// - Parameters:
    ///   - module: the job's from now on; its position does not matter.
    ///   - heedsFailures: whether a failure that is remembered is this job's, too, without another try.
    public init(
        _ module: consuming OwnedDescriptor, _ request: CompileRequest, in cache: NativeCache,
        compiler: NativeCompiler, heedsFailures: Bool
    ) throws(NativeCacheError) {
        self.cache = cache
        self.compiler = compiler
        self.request = request
        self.heedsFailures = heedsFailures
        do {
            reading = try NativeCache.FileReading(module.rawValue)
            snapshot = try ModuleSnapshot(of: module)
        } catch { throw .system(error) }
    }

    /// Nil before the module is read.
    public var digest: ModuleDigest? { key?.module }

    /// Of the compiler, while it works.
    public var processIdentifier: Int32? { work?.process.processIdentifier }

    /// The share of the compiler's work that is done, in percent; nil while nobody knows.
    public var percentDone: Int? { work?.process.percentDone() }

    /// Does what can be done without waiting. Throws ``NativeFailure`` or ``NativeCacheError``; the job is over then.
    public func advance() throws -> State {
        guard let key else { return try copy() }
        guard let work else { return try begin(key) }
        let result: NativeCompiler.Summary?
        do { result = try work.process.result() } catch {
            self.work = nil
            if let failure = error as? NativeFailure { cache.remember(failure, of: key) }
            throw error
        }
        guard let result else { return .compiling(processDescriptor: work.process.processDescriptor) }
        self.work = nil
        do { try work.writer.commit() } catch {
            // An image that is not sound is the compiler's doing; the rest is the disk's.
            if case .image(let problem) = error {
                let failure = NativeFailure("\(request.name): the compiler's image: \(problem)", isLasting: true)
                cache.remember(failure, of: key)
                throw failure
            }
            throw error
        }
        return .finished(made(key, result))
    }

    private func copy() throws -> State {
        guard let digest = try snapshot.advance() else { return .working }
        cache.remember(digest, of: snapshot.source.rawValue, since: reading)
        key = NativeCacheKey(digest, request.level)
        return .working
    }

    private func begin(_ key: NativeCacheKey) throws -> State {
        if heedsFailures, let failure = cache.rememberedFailure(key) { throw NativeCacheError.hasFailed(failure) }
        do throws(NativeCacheError) {
            switch try cache.begin(key) {
            case .taken: return .taken
            case .present:
                if try cache.isSound(key) { return .finished(made(key, nil)) }
                try cache.remove(key)
                return .working
            case .begun(let writer):
                return try start(key, writer)
            }
        } catch {
            // Somebody put a file into our folder: whoever could do that needs no native code. It is not run, and goes.
            guard case .untrusted(cache.path(of: key), _) = error else { throw error }
            try cache.remove(key)
            return .working
        }
    }

    private func start(_ key: NativeCacheKey, _ writer: NativeCacheWriter) throws(NativeCacheError) -> State {
        do {
            let process = try CompilerProcess(
                request, executablePath: compiler.executablePath, module: snapshot.copy.rawValue, digest: key.module,
                image: writer.descriptor)
            work = (process, writer)
            return .compiling(processDescriptor: process.processDescriptor)
        } catch { throw .system(error) }
    }

    private func made(_ key: NativeCacheKey, _ summary: NativeCompiler.Summary?) -> Made {
        cache.noteModule(ofBytes: snapshot.byteCount)
        // Code of a part is of no use to anybody who finds code of the whole.
        if request.level == .full { try? cache.remove(NativeCacheKey(key.module, .hot)) }
        var status = stat()
        let byteCount = lstat(cache.path(of: key), &status) == 0 ? Int64(status.st_size) : 0
        return Made(key: key, byteCount: byteCount, summary: summary)
    }

    /// Ends the compiler, if it works. What it has made is lost.
    public func cancel() { work = nil }
}

extension NativeJob {
    /// Waits for the end.
    ///
    /// - Parameters:
    ///   - progress: called about every second with the seconds gone and the percent done, where that is known.
    ///   - isCancelled: asked ten times a second; true ends it.
    /// - Throws: ``NativeFailure`` or ``NativeCacheError``.
    public func run(
        progress: (_ seconds: Int, _ percent: Int?) -> Void = { _, _ in }, isCancelled: () -> Bool = { false }
    ) throws -> Made {
        let start = Clock.monotonicNanoseconds()
        var told = 0
        while !isCancelled() {
            switch try advance() {
            case .working: continue
            case .finished(let made): return made
            case .taken: usleep(100_000)
            case .compiling(let descriptor): _ = Poll.wait(descriptor, for: .readable, timeoutMilliseconds: 100)
            }
            let seconds = Int((Clock.monotonicNanoseconds() - start) / 1_000_000_000)
            if seconds > told {
                told = seconds
                progress(seconds, percentDone)
            }
        }
        cancel()
        throw NativeFailure("\(request.name): compiling was given up", isLasting: false)
    }
}

extension NativeJob.Made: CustomStringConvertible {
    /// `sha256:3f2a1b0c9d8e, level full: 812 of 830 functions, 1592 KiB, 22.2 s of processor time`.
    public var description: String {
        let size = "\((byteCount + 1023) / 1024) KiB"
        let name = "sha256:\("\(key.module)".prefix(12)), level \(key.level)"
        guard let summary else { return "\(name): in the cache, \(size)" }
        let tenths = (summary.processorMilliseconds + 50) / 100
        return "\(name): \(summary.compiled) of \(summary.compiled + summary.interpreted) functions, \(size), "
            + "\(tenths / 10).\(tenths % 10) s of processor time"
    }
}
