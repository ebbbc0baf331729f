// SPDX-License-Identifier: Apache-2.0
// Swiftlet: seccomp filters that libseccomp has made of SyscallPolicy, one for each set of grants.
#pragma once

#include <stddef.h>

/// The instructions (struct sock_filter) of the filter for a set of grants, as SyscallGrants numbers them.
///
/// Returns NULL when there is none. `count` is then 0.
const void *swl_syscall_filter(unsigned grants, unsigned short *count);
