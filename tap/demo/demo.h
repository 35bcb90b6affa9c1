/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * croomtap demo: real servers and clients in a private network, a croomtap between them that is rewired all the
 * time, and at the end the account, held against the kernel's own counter.
 *
 *	demo.c   the acts, and the account     net.c   the private network and its counter
 *	load.c   servers and clients           room.c  a client of the control socket     screen.c  the tap's output
 *
 * One thread but for the reader of the tap's output (screen.c).
 */
#ifndef TAP_DEMO_H
#define TAP_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DEMO_SERVER "10.99.0.1"
#define DEMO_SERVER6 "fd99::1"
#define DEMO_NET "10.99.0.1/24"
#define DEMO_NET6 "fd99::1/64"
#define DEMO_NAMES "--listen-address=10.99.0.1"
#define DEMO_URL "http://10.99.0.1/"
#define DEMO_URL6 "http://[fd99::1]/index.html"
#define DEMO_RESOLVER "@10.99.0.1"
#define DEMO_INTERFACE "tap0"

/* net.c: two network namespaces of our own with a cable between them. Without root a user namespace as well.
   -1: a message says what to do. This process stays in the servers' one. */
int net_open(void);
/* Whether there is IPv6. */
bool net_ip6(void);
/* From here on this process (a child that is about to start a client) is in the clients' one. */
int net_enter_clients(void);
/* Pull the cable: nothing more is sent. */
void net_cut(void);
/* Packets that went over the servers' end in both directions, as the kernel counts them. */
uint64_t net_packets(void);
/* Wait until that counter has stood still; false when it does not. */
bool net_settle(void);
/* Run a program and wait: its exit code, 127 when it is not there. */
int net_run(const char *const *argv);

/* load.c: start what is installed; says what is not. The number of clients that run. */
int load_start(const char *folder);
void load_stop(void);
/* A child in a process group of its own which ends with this process. In the child returns 0. */
pid_t load_fork(void);

/* room.c: the control socket. */
struct demo_reply {
	bool refused;
	uint64_t revision, first_record;
	char message[400];
};
int room_connect(const char *path);
void room_disconnect(void);
/* change: "slot=handler slot=handler ...", a handler with spaces in single quotes. Returns -1 when the room is gone. */
int room_swap(const char *change, struct demo_reply *reply);
int room_rollback(struct demo_reply *reply);

/* screen.c: takes what the tap prints, counts packets and keeps the newest lines. */
int screen_start(int fd);
void screen_end(void);
/* Print up to `lines` lines that come in from now on, waiting for them at most so long. */
void screen_show(int lines, int wait_ms);
uint64_t screen_packets(void);

#endif
