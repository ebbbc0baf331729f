// SPDX-License-Identifier: Apache-2.0
// Swiftlet: starting a process. The child borrows the caller's memory until exec (as vfork does), so nothing is copied
// and the caller may have threads; the child therefore only makes system calls and writes to its own stack.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
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
    // The version 2 group that it was not born in, or -1.
    int cgroup_directory;
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

/// Enters the groups of version 1. A thread that moves only itself needs no lock against other threads' forks, for which
/// the kernel would wait several milliseconds (cgroup_procs_write_start in kernel/cgroup/cgroup.c): hence `tasks`, hence
/// 0, and hence the child.
static int enter_cgroups(const struct child *child) {
    for (int i = 0; i < child->what->cgroup_task_count; i++)
        if (write(child->what->cgroup_tasks[i], "0", 1) != 1) return -1;
    if (child->cgroup_directory < 0) return 0;
    int processes = openat(child->cgroup_directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (processes < 0) return -1;
    return write(processes, "0", 1) == 1 ? 0 : -1;
}

static int run_child(void *argument) {
    struct child *child = argument;
    const struct swl_spawn *what = child->what;
    if (enter_cgroups(child) < 0) return fail(child, "cgroup");
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

/// clone3(2) with a stack of the child's own: `function(argument)` runs there, and its result is the exit code. glibc
/// has no function for it. Returns the child's process id or -errno; -ENOSYS on a machine without code for it.
static long clone_onto_stack(struct clone_args *options, int (*function)(void *), void *argument) {
#if defined(__x86_64__)
    register long result __asm__("rax") = SYS_clone3;
    register struct clone_args *first __asm__("rdi") = options;
    register long second __asm__("rsi") = sizeof *options;
    register int (*entry)(void *) __asm__("rdx") = function;
    register void *value __asm__("r8") = argument;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "movq %%r8, %%rdi\n\t"
                     "call *%%rdx\n\t"
                     "movl %%eax, %%edi\n\t"
                     "movl %[leave], %%eax\n\t"
                     "syscall\n\t"
                     "1:"
                     : "+r"(result)
                     : "r"(first), "r"(second), "r"(entry), "r"(value), [leave] "i"(SYS_exit)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register struct clone_args *first __asm__("x0") = options;
    register long second __asm__("x1") = sizeof *options;
    register int (*entry)(void *) __asm__("x2") = function;
    register void *value __asm__("x3") = argument;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, #0\n\t"
                     "mov x0, x3\n\t"
                     "blr x2\n\t"
                     "mov x8, %[leave]\n\t"
                     "svc #0\n\t"
                     "1:"
                     : "+r"(first)
                     : "r"(number), "r"(second), "r"(entry), "r"(value), [leave] "i"(SYS_exit)
                     : "memory");
    return (long)first;
#else
    return -ENOSYS;
#endif
}

/// Starts the child in its version 2 group, if one is asked for: like `tasks` above, it saves the wait of a move.
static long start_child(struct child *child, char *stack, int *pidfd) {
    unsigned long flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | child->what->namespaces;
    if (child->what->cgroup_directory >= 0) {
        struct clone_args options = {
            .flags = flags | CLONE_INTO_CGROUP,
            .pidfd = (uintptr_t)pidfd,
            .exit_signal = SIGCHLD,
            .stack = (uintptr_t)stack,
            .stack_size = stack_bytes,
            .cgroup = (unsigned)child->what->cgroup_directory,
        };
        long process = clone_onto_stack(&options, run_child, child);
        // Kernels before 5.7, and container engines whose filters cannot see what clone3 is asked for.
        if (process != -ENOSYS && process != -EINVAL && process != -E2BIG) return process;
        child->cgroup_directory = child->what->cgroup_directory;
    }
    pid_t process = clone(run_child, stack + stack_bytes, (int)flags | SIGCHLD, child, pidfd);
    return process < 0 ? -errno : process;
}

int swl_spawn_process(const struct swl_spawn *what, int *pidfd, const char **step) {
    *step = "clone";
    if (what->descriptor_count > descriptors_max) return -EMFILE;
    char *stack = mmap(NULL, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -errno;
    struct child child = {.what = what, .cgroup_directory = -1};
    format_map(child.user_map, geteuid());
    format_map(child.group_map, getegid());
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &child.mask);
    long process = start_child(&child, stack, pidfd);
    int error = child.error;
    pthread_sigmask(SIG_SETMASK, &child.mask, NULL);
    munmap(stack, stack_bytes);
    if (process < 0) return (int)process;
    if (error == 0) return (int)process;
    // The child is dead: it told why and left. Its entry in the process table goes too.
    struct swl_exit ignored;
    swl_wait_pidfd(*pidfd, 1, &ignored);
    close(*pidfd);
    *pidfd = -1;
    *step = child.step;
    return -error;
}
