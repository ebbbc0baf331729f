// SPDX-License-Identifier: Apache-2.0
// Swiftlet: system calls that Swift cannot reach through Glibc. Each returns its result, or -errno.
#pragma once

#include "CLinuxPath.h"
#include "CLinuxIO.h"
#include "CLinuxCopy.h"
#include "CLinuxContainer.h"

#include <stdint.h>
#include <stddef.h>

/// What to start and how. Nothing of Swift runs between clone and exec: the child shares the caller's memory.
struct swl_spawn {
    const char *path;
    char *const *arguments;
    char *const *environment;
    /// descriptor `sources[i]` of the caller becomes `targets[i]` of the child; all others are closed.
    const int *sources;
    const int *targets;
    int descriptor_count;
    /// CLONE_NEW* flags.
    uint64_t namespaces;
    /// Whether the child leads a session of its own, away from the caller's terminal.
    int new_session;
    /// Whether target 0 is a terminal that becomes the session's.
    int controls_terminal;
    /// Working directory, or NULL.
    const char *directory;
    /// Open `tasks` files of version 1's hierarchies: the child enters these groups before it does anything else.
    const int *cgroup_tasks;
    int cgroup_task_count;
    /// Open directory of a version 2 group that the child is born in, or -1.
    int cgroup_directory;
};

/// Returns the child's process id and stores its pidfd (close-on-exec), or -errno with the failed step in `*step`.
int swl_spawn_process(const struct swl_spawn *what, int *pidfd, const char **step);

struct swl_exit {
    /// CLD_EXITED, CLD_KILLED or CLD_DUMPED.
    int code;
    /// Exit code or signal.
    int status;
    int64_t user_microseconds;
    int64_t system_microseconds;
    int64_t resident_kibibytes_max;
};

/// Reaps the process behind a pidfd: 1 when `*out` is filled, 0 when it still runs (only with `wait == 0`).
int swl_wait_pidfd(int pidfd, int wait, struct swl_exit *out);

/// Both ends close-on-exec.
int swl_pipe(int ends[2]);
int swl_memfd_create(const char *name);
/// The same with a size that nobody can change any more (F_ADD_SEALS of fcntl(2)).
int swl_memfd_create_sized(const char *name, int64_t byte_count);
struct swl_event {
    uint32_t readiness;
    uint64_t token;
};
int swl_epoll_create(void);
/// `operation`: 1 add, 2 remove, 3 modify (EPOLL_CTL_*).
int swl_epoll_control(int queue, int operation, int descriptor, uint32_t interest, uint64_t token);
/// At most 64 events.
int swl_epoll_wait(int queue, struct swl_event *events, int timeout_milliseconds);
int swl_eventfd(void);
int swl_pidfd_open(int process);
int swl_pidfd_send_signal(int pidfd, int signal);
int swl_close_range(unsigned first, unsigned last, unsigned flags);
int swl_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int swl_ioctl_int(int descriptor, unsigned long request, int *value);
int swl_fcntl(int descriptor, int command, long argument);
/// A detached copy of the mount below a directory: its `..` ends at the directory (open_tree(2)).
int swl_open_tree_clone(int directory);
/// Adds MOUNT_ATTR_* to a detached mount (mount_setattr(2)).
int swl_mount_set_attributes(int mount, uint64_t attributes);
int swl_setresuid(uint32_t user);
int swl_setresgid(uint32_t group);
/// Empties the supplementary groups.
int swl_setgroups_none(void);
/// Empties the effective, permitted and inheritable sets of capabilities.
int swl_capset_none(void);
/// Lowers soft and hard limit of RLIMIT_`resource` to `value`; a lower one stays.
int swl_lower_limit(int resource, uint64_t value);
/// dup3(2), close-on-exec.
int swl_replace(int source, int target);
int swl_capset_only(uint64_t capabilities);
/// The effective set of capabilities, one bit each.
int swl_capget_effective(uint64_t *effective);
/// struct landlock_ruleset_attr and landlock_path_beneath_attr of linux/landlock.h, as newer kernels have them.
struct swl_landlock_ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};
struct swl_landlock_path {
    uint64_t allowed_access;
    int32_t parent_descriptor;
};
int swl_landlock_create_ruleset(const void *attributes, size_t size, uint32_t flags);
int swl_landlock_add_rule(int ruleset, int type, const void *attributes);
int swl_landlock_restrict_self(int ruleset);
/// Loads a classic BPF program of `count` instructions as this thread's system call filter.
int swl_seccomp_load(const void *instructions, unsigned short count);
/// `ENOENT` for 2, or NULL.
const char *swl_errno_name(int error);
