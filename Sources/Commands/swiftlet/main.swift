// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where the command starts.

import ArgumentParser
import Glibc

// Synchronous on purpose: `swiftlet run` promises to be quick, and the concurrency runtime is paid for by the verbs that
// use it. See docs/RATIONALE.md.
if CommandLine.arguments.dropFirst().first == "run" {
    do {
        var command = try Swiftlet.parseAsRoot()
        try command.run()
    } catch {
        Swiftlet.exit(withError: error)
    }
} else {
    // Signals are blocked before there is a second thread, so that none of them is ever interrupted by one.
    if let verb = CommandLine.arguments.dropFirst().first, verb == "up" || verb == "node" { StopSignals.block() }
    Task.detached {
        await Swiftlet.main()
        exit(EXIT_SUCCESS)
    }
    while true { pause() }
}
