// SPDX-License-Identifier: Apache-2.0
// Swiftlet: starting a process. The child borrows the caller's memory until exec (as vfork does), so nothing is copied
// and the caller may have threads; the child therefore only makes system calls and writes to its own stack.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// LIMIT: descriptors that one spawn hands over.
enum { descriptors_max = 256, stack_bytes = 64 * 1024 };

struct child {
    const struct swl_spawn *what;
    sigset_t mask;
    // `0 ID 1` of the caller, for the maps of a new user namespace.
    char user_map[24], group_map[24];
    // Written by the child, read by the caller after the child has exec'd or died.
    volatile int error;
    const char *volatile step;
};

static int fail(struct child *child, const char *step) {
    child->error = errno;
    child->step = step;
    return 127;
}

/// Writes `0 ID 1`: inside, the caller is root.
static void format_map(char *map, unsigned id) {
    char digits[10];
    int count = 0;
    do digits[count++] = (char)('0' + id % 10);
    while ((id /= 10) > 0);
    *map++ = '0';
    *map++ = ' ';
    while (count > 0) *map++ = digits[--count];
    *map++ = ' ';
    *map++ = '1';
    *map = 0;
}

static int write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    size_t length = strlen(text);
    ssize_t count = write(file, text, length);
    int error = errno;
    close(file);
    errno = error;
    return count == (ssize_t)length ? 0 : -1;
}

/// Makes the caller's identity root in the new user namespace (user_namespaces(7)), so that exec keeps what it gives.
/// The child itself does it: the caller waits in vfork.
static int map_identity(const struct child *child) {
    if (write_file("/proc/self/uid_map", child->user_map) < 0) return -1;
    // Who may not give up groups must not map one either.
    if (write_file("/proc/self/setgroups", "deny") < 0 && errno != ENOENT) return -1;
    return write_file("/proc/self/gid_map", child->group_map);
}

/// Moves the descriptors through numbers above all targets, so that no target overwrites a source still needed.
static int arrange_descriptors(const struct swl_spawn *what) {
    int moved[descriptors_max];
    int highest = 2;
    for (int i = 0; i < what->descriptor_count; i++)
        if (what->targets[i] > highest) highest = what->targets[i];
    for (int i = 0; i < what->descriptor_count; i++) {
        moved[i] = fcntl(what->sources[i], F_DUPFD_CLOEXEC, highest + 1);
        if (moved[i] < 0) return -1;
    }
    for (int target = 0; target <= highest; target++) {
        int source = -1;
        for (int i = 0; i < what->descriptor_count; i++)
            if (what->targets[i] == target) source = moved[i];
        if (source < 0)
            close(target);
        else if (dup2(source, target) < 0)
            return -1;
    }
    return (int)syscall(SYS_close_range, (unsigned)highest + 1, ~0u, 0);
}

static int run_child(void *argument) {
    struct child *child = argument;
    const struct swl_spawn *what = child->what;
    // Handlers are the caller's code: none may run here. exec resets caught signals, but not ignored ones.
    struct sigaction normal = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction current;
        if (sigaction(signal, NULL, &current) == 0 && current.sa_handler != SIG_DFL)
            sigaction(signal, &normal, NULL);
    }
    if (what->namespaces & CLONE_NEWUSER && map_identity(child) < 0) return fail(child, "user namespace");
    if (what->new_session && setsid() < 0) return fail(child, "setsid");
    if (what->directory && chdir(what->directory) < 0) return fail(child, "chdir");
    if (arrange_descriptors(what) < 0) return fail(child, "dup2");
    if (what->controls_terminal && ioctl(0, TIOCSCTTY, 0) < 0) return fail(child, "ioctl TIOCSCTTY");
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(what->path, what->arguments, what->environment);
    return fail(child, "execve");
}

pid_t swl_spawn_process(const struct swl_spawn *what, int *pidfd, const char **step) {
    *step = "clone";
    if (what->descriptor_count > descriptors_max) return -EMFILE;
    char *stack = mmap(NULL, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -errno;
    struct child child = {.what = what};
    format_map(child.user_map, geteuid());
    format_map(child.group_map, getegid());
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &child.mask);
    int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | (int)what->namespaces;
    pid_t process = clone(run_child, stack + stack_bytes, flags, &child, pidfd);
    int error = process < 0 ? errno : child.error;
    pthread_sigmask(SIG_SETMASK, &child.mask, NULL);
    munmap(stack, stack_bytes);
    if (process < 0) return -error;
    if (error == 0) return process;
    // The child is dead: it told why and left. Its entry in the process table goes too.
    struct swl_exit ignored;
    swl_wait_pidfd(*pidfd, 1, &ignored);
    close(*pidfd);
    *pidfd = -1;
    *step = child.step;
    return -error;
}
