/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ctrl-C and its like, heard by a thread of their own: main may be waiting for the room or for an output that nobody
 * reads, and a data thread is never interrupted by a handler.
 *
 * The first asks to end: what was captured is drained and written out. The second ends at once.
 */
#include "tap.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Ends a read(2) of the source thread from a pipe where nothing comes. Nobody else sends this one. */
#define KICK (SIGRTMIN + 1)

static void end_read(int number)
{
	(void)number;
}

static void ends(sigset_t *set)
{
	struct sigaction now;

	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	/* nohup has it ignored. */
	if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

void tap_signals_quiet(void)
{
	struct sigaction kick = { .sa_handler = end_read };
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigaction(KICK, &kick, NULL);
	sigemptyset(&set);
	sigaddset(&set, KICK);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* stderr may be what nobody reads. */
static void say(const char *text)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT))
		fprintf(stderr, "%scroomtap: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
}

static int next(const sigset_t *set, const struct timespec *patience)
{
	int number;

	do
		number = patience ? sigtimedwait(set, NULL, patience) : sigwaitinfo(set, NULL);
	while (number < 0 && errno == EINTR);
	return number;
}

static void *hear(void *arg)
{
	const struct timespec patience = { .tv_sec = 1 };
	struct tap *tap = arg;
	sigset_t set;
	int number;

	ends(&set);
	next(&set, NULL);
	/* relaxed: a request; nothing is read behind it. */
	croom_set_relaxed(&tap->stop, 1);
	number = next(&set, &patience);
	if (number < 0) {
		say("still writing what was captured; press Ctrl-C again to end without the rest");
		number = next(&set, NULL);
	}
	_exit(128 + number);
}

int tap_signals_hear(struct tap *tap)
{
	pthread_t thread;
	sigset_t set;
	int rc;

	ends(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	rc = pthread_create(&thread, NULL, hear, tap);
	if (rc) {
		fprintf(stderr, "croomtap: cannot start its threads: %s\n", strerror(rc));
		return -1;
	}
	pthread_setname_np(thread, "signals");
	pthread_detach(thread);
	return 0;
}

void tap_signals_take_kicks(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, KICK);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void tap_signals_kick(pthread_t thread)
{
	pthread_kill(thread, KICK);
}
