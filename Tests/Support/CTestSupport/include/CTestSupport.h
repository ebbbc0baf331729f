// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a test needs of C.
#pragma once

/// Runs `body` in a forked child, whose exit code is what it returns, and returns wait(2)'s status.
int test_run_in_child(int (*body)(void *), void *context);
/// syscall(2) with four arguments.
long test_system_call(long number, long a, long b, long c, long d);
