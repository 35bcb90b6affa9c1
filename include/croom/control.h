/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lets operators drive a room over a Unix socket that speaks varlink: `croomctl`, or any varlink client.
 *
 *	croom_control_open(&control, room, NULL, &error);
 *	croom_control_start(control);                 // an own thread, or:
 *	epoll_ctl(..., croom_control_fd(control));    // the host's event loop; croom_control_dispatch() when readable
 *	croom_control_close(control);
 *
 * Link with libcroom-control. The interface is org.croom.Room (control/org.croom.Room.varlink). Data threads are
 * never waited for. Starts a thread only with croom_control_start(); installs no signal handler.
 */
#ifndef CROOM_CONTROL_H
#define CROOM_CONTROL_H

#include <croom/error.h>
#include <croom/room.h>

#ifdef __cplusplus
extern "C" {
#endif

struct croom_control;
struct croom_journal;
struct croom_policy;
struct croom_plugins;

struct croom_control_options {
	const char *path;          /* of the socket; NULL: NAME.socket in the runtime directory, see below */
	const char *program;       /* shown to operators, such as "croomtap 0.1.0 -i eth0"; NULL: the process's name */
	unsigned clients_max;      /* 0: 64; at most 4096. For one more a client is given up that says nothing, sends or
				      reads no more, or has asked nothing for a minute; else it is told so and closed. */
	struct croom_journal *journal;   /* shown to operators, and croom_journal_tick()ed; must outlive it. NULL: none */
	const struct croom_policy *policy;   /* who may connect and do what, <croom/policy.h>; must outlive it. NULL: none */
	struct croom_plugins *plugins;   /* what operators load and unload; must outlive it. NULL: they cannot */
};

#pragma GCC visibility push(default)

/*
 * Where rooms of this user live: $CROOM_RUNTIME_DIR, else $XDG_RUNTIME_DIR/croom if $XDG_RUNTIME_DIR belongs to this
 * user (root may have kept another's: sudo -E, su), else /run/croom for root, else /tmp/croom-UID. Made with mode 0700 by
 * croom_control_open(), or 0755 where a policy names others; one that belongs to somebody else is refused.
 * 0 or -ENAMETOOLONG. Any thread.
 */
int croom_control_directory(char *path, size_t size);

/*
 * Open the socket (mode 0600; root and this process's own uid may connect. Where the policy names others 0666: each is asked
 * who he is, and turned away without a role; the directories above must let him come so far). A socket left by a dead process is
 * replaced; one that a live process serves is not: -EADDRINUSE. Control thread. The room must outlive it.
 * A child that forks without exec holds the name, too: until it has ended, its parent's successor gets -EADDRINUSE.
 */
int croom_control_open(struct croom_control **control, struct croom_room *room,
		       const struct croom_control_options *options, struct croom_error *err);

const char *croom_control_path(const struct croom_control *control);

/* Readable when croom_control_dispatch() has something to do. */
int croom_control_fd(const struct croom_control *control);

/* Do what is to be done now; does not block (a handler class's open() may). 0 or -errno. One thread at a time. */
int croom_control_dispatch(struct croom_control *control);

/* Serve from an own thread (all signals blocked in it) until closed. 0 or -errno. */
int croom_control_start(struct croom_control *control);

/* Close every connection, remove the socket, end the thread. NULL is allowed. */
void croom_control_close(struct croom_control *control);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
