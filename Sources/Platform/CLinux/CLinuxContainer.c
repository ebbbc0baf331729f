// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinuxContainer.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

int swl_setns(int descriptor, int kinds) { return setns(descriptor, kinds) < 0 ? -errno : 0; }

int swl_open_terminal(int *terminal) {
    int controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (controller < 0) return -errno;
    // By descriptor: the number in /dev/pts may mean another instance of devpts here.
    if (unlockpt(controller) == 0) {
        *terminal = ioctl(controller, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (*terminal >= 0) return controller;
    }
    int error = errno;
    close(controller);
    return -error;
}

int swl_set_terminal_size(int terminal, unsigned short columns, unsigned short rows) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(terminal, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int swl_send_descriptor(int connection, int descriptor, const char *name) {
    struct iovec text = {.iov_base = (void *)name, .iov_len = strlen(name)};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {{0}};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    return sendmsg(connection, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int swl_raise_loopback(void) {
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0) return -errno;
    struct ifreq request = {0};
    strcpy(request.ifr_name, "lo");
    int result = ioctl(any, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    if (result == 0) result = ioctl(any, SIOCSIFFLAGS, &request);
    int error = errno;
    close(any);
    return result < 0 ? -error : 0;
}
