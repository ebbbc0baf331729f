// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where the command starts.

import ArgumentParser
import Dispatch
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
    Task {
        await Swiftlet.main()
        exit(EXIT_SUCCESS)
    }
    dispatchMain()
}
