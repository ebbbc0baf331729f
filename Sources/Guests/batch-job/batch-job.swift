// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: a batch job. Counts the primes below its argument (default 100,000) with a sieve.

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    let limit = arguments().dropFirst().first.flatMap { integer($0) } ?? 100_000
    guard limit >= 2, limit <= 100_000_000 else {
        write(.text("usage: batch-job [LIMIT], LIMIT from 2 to 100000000\n"), to: 2)
        exit(2)
    }
    var isComposite = [Bool](repeating: false, count: limit)
    var count = 0
    for candidate in 2..<limit where !isComposite[candidate] {
        count += 1
        // A guest's Int has 32 bits: the square of a large candidate would overflow.
        guard candidate <= limit / candidate else { continue }
        var multiple = candidate * candidate
        while multiple < limit {
            isComposite[multiple] = true
            multiple += candidate
        }
    }
    var message = Bytes.text("primes below ")
    message.add(limit)
    message.add(": ")
    message.add(count)
    printLine(message)
}
