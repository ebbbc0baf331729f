// SPDX-License-Identifier: Apache-2.0
// Swiftlet: namespaces and terminals. Each function returns its result, or -errno.
#pragma once

/// Joins the namespaces of `kinds` (CLONE_NEW*) behind a namespace file or a pidfd (setns(2)).
int swl_setns(int descriptor, int kinds);
/// Makes a pseudoterminal: returns the controlling side and stores the other one, both close-on-exec (pty(7)).
int swl_open_terminal(int *terminal);
int swl_set_terminal_size(int terminal, unsigned short columns, unsigned short rows);
/// Sends a descriptor over an AF_UNIX socket, with `name` as the bytes that go along (SCM_RIGHTS of unix(7)).
int swl_send_descriptor(int connection, int descriptor, const char *name);
/// Turns the loopback interface of the network namespace on.
int swl_raise_loopback(void);
