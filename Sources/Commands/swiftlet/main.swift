// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where the command starts.
//
// `swiftlet run` promises to be quick, and each megabyte of program and each conformance that is looked up is paid for
// before the first instruction. So this program is small and does that verb; everything else, help included, is the
// program beside it. See docs/RATIONALE.md.

import Glibc
import Linux
import ModuleRun

if CommandLine.arguments.dropFirst().first == "run", let request = RunRequest(words: CommandLine.arguments.dropFirst(2))
{
    exit(request.execute())
}
try? Descriptors.writeAll(STDERR_FILENO, "swiftlet: \(OtherVerbs.execute())\n")
exit(125)
