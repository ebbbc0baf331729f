// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the one function behind CEpoll.h; struct ucred needs _GNU_SOURCE, which Swift's importer does not set.
#define _GNU_SOURCE
#include "CEpoll.h"
#include <sys/prctl.h>
#include <sys/socket.h>

long swiftlet_peer_user(int descriptor) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    return (long)peer.uid;
}

int swiftlet_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
