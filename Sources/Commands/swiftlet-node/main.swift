// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where the command starts.

import ArgumentParser
import Glibc

// Signals are blocked before there is a second thread, so that none of them is ever interrupted by one.
if let verb = CommandLine.arguments.dropFirst().first, ["up", "node", "compile"].contains(verb) { StopSignals.block() }
Task.detached {
    await Swiftlet.main()
    exit(EXIT_SUCCESS)
}
while true { pause() }
