// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the kernel's event interfaces that the Glibc module leaves out.
#pragma once
#include <sys/epoll.h>
#include <sys/signalfd.h>

/// SO_PEERCRED: the user who connected this unix socket; -1 with errno set on failure.
long swiftlet_peer_user(int descriptor);

/// PR_SET_CHILD_SUBREAPER: orphans below this process become its children.
int swiftlet_become_subreaper(void);
