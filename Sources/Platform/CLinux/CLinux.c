// SPDX-License-Identifier: Apache-2.0
// Swiftlet: system calls that Swift cannot reach through Glibc.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int result(long value) { return value < 0 ? -errno : (int)value; }

int swl_pipe(int ends[2]) { return result(pipe2(ends, O_CLOEXEC)); }

int swl_memfd_create(const char *name) { return result(syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */)); }

int swl_memfd_create_sized(const char *name, int64_t byte_count) {
    int file = (int)syscall(SYS_memfd_create, name, 3u /* MFD_CLOEXEC | MFD_ALLOW_SEALING */);
    if (file < 0) return -errno;
    // F_ADD_SEALS: F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW
    if (ftruncate(file, byte_count) == 0 && fcntl(file, 1033, 1 | 2 | 4) == 0) return file;
    int error = errno;
    close(file);
    return -error;
}

int swl_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

int swl_epoll_control(int queue, int operation, int descriptor, uint32_t interest, uint64_t token) {
    struct epoll_event event = {.events = interest, .data.u64 = token};
    return result(epoll_ctl(queue, operation, descriptor, &event));
}

int swl_epoll_wait(int queue, struct swl_event *events, int timeout_milliseconds) {
    struct epoll_event found[64];
    int count = result(epoll_wait(queue, found, 64, timeout_milliseconds));
    for (int i = 0; i < count; i++) events[i] = (struct swl_event){found[i].events, found[i].data.u64};
    return count;
}

int swl_eventfd(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int swl_pidfd_open(pid_t process) { return result(syscall(SYS_pidfd_open, process, 0)); }

int swl_pidfd_send_signal(int pidfd, int signal) {
    return result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int swl_close_range(unsigned first, unsigned last, unsigned flags) {
    return result(syscall(SYS_close_range, first, last, flags));
}

int swl_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return result(prctl(option, a, b, c, d));
}

int swl_ioctl_int(int descriptor, unsigned long request, int *value) {
    return result(ioctl(descriptor, request, value));
}

int swl_fcntl(int descriptor, int command, long argument) { return result(fcntl(descriptor, command, argument)); }

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

int swl_open_tree_clone(int directory) {
    // OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH
    return result(syscall(SYS_open_tree, directory, "", 1u | O_CLOEXEC | 0x8000u | AT_EMPTY_PATH));
}

int swl_mount_set_attributes(int mount, uint64_t attributes) {
    struct {
        uint64_t set, clear, propagation, user_namespace;
    } change = {.set = attributes};
    return result(syscall(SYS_mount_setattr, mount, "", 0x8000u | AT_EMPTY_PATH, &change, sizeof change));
}

int swl_setresuid(uint32_t user) { return result(setresuid(user, user, user)); }

int swl_setresgid(uint32_t group) { return result(setresgid(group, group, group)); }

int swl_setgroups_none(void) { return result(setgroups(0, NULL)); }

int swl_capset_only(uint64_t capabilities) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)capabilities, .permitted = (uint32_t)capabilities},
        {.effective = (uint32_t)(capabilities >> 32), .permitted = (uint32_t)(capabilities >> 32)},
    };
    return result(syscall(SYS_capset, &header, data));
}

int swl_capset_none(void) { return swl_capset_only(0); }

int swl_lower_limit(int resource, uint64_t value) {
    struct rlimit limit = {0};
    // Nothing is lower than nothing.
    if (value == 0) return result(setrlimit(resource, &limit));
    if (getrlimit(resource, &limit) < 0) return -errno;
    if (value < limit.rlim_max) limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return result(setrlimit(resource, &limit));
}

int swl_replace(int source, int target) { return result(dup3(source, target, O_CLOEXEC)); }

int swl_capget_effective(uint64_t *effective) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    int status = result(syscall(SYS_capget, &header, data));
    *effective = data[0].effective | (uint64_t)data[1].effective << 32;
    return status;
}

int swl_landlock_create_ruleset(const void *attributes, size_t size, uint32_t flags) {
    return result(syscall(444, attributes, size, flags));
}

int swl_landlock_add_rule(int ruleset, int type, const void *attributes) {
    return result(syscall(445, ruleset, type, attributes, 0));
}

int swl_landlock_restrict_self(int ruleset) { return result(syscall(446, ruleset, 0)); }

int swl_seccomp_load(const void *instructions, unsigned short count) {
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)instructions};
    return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

const char *swl_errno_name(int error) { return strerrorname_np(error); }

int swl_wait_pidfd(int pidfd, int wait, struct swl_exit *out) {
    siginfo_t info = {0};
    struct rusage usage = {0};
    long status;
    do {
        status = syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | (wait ? 0 : WNOHANG), &usage);
    } while (status < 0 && errno == EINTR);
    if (status < 0) return -errno;
    if (info.si_pid == 0) return 0;
    out->code = info.si_code;
    out->status = info.si_status;
    out->user_microseconds = usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
    out->system_microseconds = usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
    out->resident_kibibytes_max = usage.ru_maxrss;
    return 1;
}
