/*
 * sandbox - what a thread that faces peers gives up before it sees the first
 * one (DESIGN promise 2): a seccomp filter without socket, connect and new
 * programs, and Landlock, where the kernel has it, without files and ports.
 *
 * Only the calling thread and those that it starts later are bound. Threads
 * that were started before (NATS, events) keep what they need; that is the order in which daemon.c starts things.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <stdbool.h>

enum sandbox {
	SANDBOX_NONE,
	SANDBOX_NO_PROGRAMS, /* no programs, no other processes; all else stays: for the gateway */
	SANDBOX_REACHES, /* no programs, no listening, files for reading only; TCP and UDP stay possible: the courier */
	SANDBOX_DIALS, /* no programs, no files, no listening; TCP connections stay possible */
	SANDBOX_SERVES, /* and no connections: it answers those who came */
};

/* False: the kernel refuses the filter (errno says why); nothing may be served then. Can't be undone. */
bool sandbox_enter(enum sandbox kind);

#endif
