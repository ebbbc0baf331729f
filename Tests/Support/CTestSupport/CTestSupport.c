// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a test needs of C.
#define _GNU_SOURCE
#include "CTestSupport.h"

#include <sys/wait.h>
#include <unistd.h>

int test_run_in_child(int (*body)(void *), void *context) {
    pid_t child = fork();
    if (child == 0) _exit(body(context));
    int status = -1;
    if (child > 0) waitpid(child, &status, 0);
    return status;
}

long test_system_call(long number, long a, long b, long c, long d) { return syscall(number, a, b, c, d); }
