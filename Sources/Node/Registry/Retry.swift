// SPDX-License-Identifier: Apache-2.0
// Swiftlet: when to ask a registry again, and after which pause.

import Images

/// Tries again what may work the next time: no connection, a broken one, 408, 429, 5xx.
public struct RetryPolicy: Sendable {
    // LIMIT: attempts without any progress.
    public var attemptsMax = 5
    public var firstPause: Duration = .milliseconds(500)
    // LIMIT: also for what a registry asks for in Retry-After.
    public var pauseMax: Duration = .seconds(60)
    /// Replaced in tests.
    public var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// Spreads clients that were refused together; 0 to 1.
    public var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

    public init() {}

    static func isTemporary(_ status: Int) -> Bool {
        status == 408 || status == 429 || (500...599).contains(status) && status != 501 && status != 505
    }

    /// The pause after the attempt with this number, from 1.
    func pause(after attempt: Int, retryAfter: String?) -> Duration {
        if let retryAfter, let seconds = Int64(retryAfter.filter { $0 != " " }), seconds >= 0 {
            return min(.seconds(min(seconds, 86_400)), pauseMax)
        }
        let base = firstPause * (1 << min(attempt - 1, 16))
        return min(base + base * random() * 0.5, pauseMax)
    }
}

/// What one attempt came to.
enum Attempt<Value: Sendable>: Sendable {
    case done(Value)
    case again(ImageError, retryAfter: String?, progressed: Bool)
}

extension RetryPolicy {
    /// Repeats `body` until it is done, fails for good, or `attemptsMax` attempts in a row bring nothing.
    func run<Value: Sendable>(
        _ body: () async throws(ImageError) -> Attempt<Value>
    ) async throws(ImageError) -> Value {
        var attempt = 0
        while true {
            attempt += 1
            let failure: ImageError
            var wanted: String?
            do {
                switch try await body() {
                case .done(let value): return value
                case .again(let error, let retryAfter, let progressed):
                    failure = error
                    wanted = retryAfter
                    if progressed { attempt = 1 }
                }
            } catch {
                guard error.code == .unavailable else { throw error }
                failure = error
            }
            guard attempt < attemptsMax, !Task.isCancelled else {
                throw attempt > 1 ? ImageError(failure.code, "\(failure.message) (after \(attempt) attempts)") : failure
            }
            do { try await sleep(pause(after: attempt, retryAfter: wanted)) } catch {
                throw ImageError(.unavailable, "\(failure.message) (cancelled)")
            }
        }
    }
}
