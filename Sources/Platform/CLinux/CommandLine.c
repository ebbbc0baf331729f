// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where `CommandLine.arguments` comes from.
//
// The standard library's own version looks for the arguments on the stack, whose place it reads from /proc/self/maps
// before main: 60 µs of each process. The loader hands them to a constructor.

static int count;
static char **values;

__attribute__((constructor(101))) static void remember(int argument_count, char **arguments) {
    count = argument_count;
    values = arguments;
}

/// What the standard library calls; the array lives as long as the process.
char **_swift_stdlib_getUnsafeArgvArgc(int *argument_count) {
    *argument_count = count;
    return values;
}

/// For those who run Swift code in a process that is not its own.
void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int argument_count) { remember(argument_count, arguments); }
