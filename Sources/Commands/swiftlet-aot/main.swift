// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the compiler's process. It is started by `swiftlet run`, never by people: the module is
// descriptor 3, the image goes to descriptor 4, the last word to standard output. See docs/guide/aot.md.

import Glibc

exit(Compilation(words: Array(CommandLine.arguments.dropFirst())).run())
