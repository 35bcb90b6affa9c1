/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ctrl-C and its like, heard by a thread of their own: main may be waiting for the room or for an output that nobody
 * reads, and a data thread is never interrupted by a handler.
 *
 * The first asks to end: what was captured is drained and written out. The second gives up on what nobody reads, and counts it;
 * but not one that comes right behind the first: timeout(1) sends its signal twice, to its child and to the process group. The
 * third ends at once. SIGUSR1 asks for the figures so far.
 */
#include "say.h"
#include "tap.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TWICE_MS = 300, SAY_MS = 700, HURRY_MS = 20 };

static void end_call(int number)
{
	(void)number;
}

static void ends(sigset_t *set)
{
	struct sigaction now;

	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
	/* nohup has it ignored. */
	if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

void tap_signals_quiet(void)
{
	struct sigaction kick = { .sa_handler = end_call };
	sigset_t set;

	/* An output that nobody reads, or that has reached `ulimit -f`, is an error of its write. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigaction(TAP_KICK, &kick, NULL);
	sigemptyset(&set);
	sigaddset(&set, TAP_KICK);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* stderr may be what nobody reads. */
static void say(const char *text)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT))
		fprintf(stderr, "%scroomtap: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
}

static void say_figures(const struct tap *tap)
{
	char text[160];

	/* relaxed: figures for people. */
	snprintf(text, sizeof(text), "%" PRIu64 " received so far, LOST %" PRIu64 ", revision %" PRIu64,
		 croom_get_relaxed(&tap->received), tap_lost(tap), croom_room_revision(tap->room));
	say(text);
}

/* The next signal that wants an end, or -1 when none comes within patience_ms (-1: for ever). */
static int next(const struct tap *tap, const sigset_t *set, int64_t patience_ms)
{
	const struct timespec patience = { .tv_sec = patience_ms / 1000, .tv_nsec = patience_ms % 1000 * 1000000 };

	for (;;) {
		int number = patience_ms < 0 ? sigwaitinfo(set, NULL) : sigtimedwait(set, NULL, &patience);

		if (number == SIGUSR1)
			say_figures(tap);
		else if (number > 0 || errno != EINTR)
			return number;
	}
}

/* The main output's writer may be about to wait for its reader, and then this comes too early: again and again. */
_Noreturn static void hurry(struct tap *tap, const sigset_t *set, int number)
{
	/* relaxed: the exit code, asked for at the very end. */
	croom_set_relaxed(&tap->hurried, number);
	for (int rounds = 0; (number = next(tap, set, HURRY_MS)) < 0; rounds++) {
		tap_writer_hurry(tap->writer);
		if (rounds == 1000 / HURRY_MS)
			say("has not ended yet; press Ctrl-C again to end at once, without the account");
	}
	_exit(128 + number);
}

static void *hear(void *arg)
{
	const struct timespec twice = { .tv_nsec = TWICE_MS * 1000000 };
	struct tap *tap = arg;
	sigset_t set;
	int number;

	ends(&set);
	next(tap, &set, -1);
	/* relaxed: a request; nothing is read behind it. */
	croom_set_relaxed(&tap->stop, 1);
	nanosleep(&twice, NULL);
	while (next(tap, &set, 0) > 0)
		;
	number = next(tap, &set, SAY_MS);
	if (number < 0) {
		say("still writing what was captured; press Ctrl-C again to end without the rest");
		number = next(tap, &set, -1);
	}
	hurry(tap, &set, number);
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
		tap_say("cannot start its threads: %s", strerror(rc));
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
	sigaddset(&set, TAP_KICK);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void tap_signals_kick(pthread_t thread)
{
	pthread_kill(thread, TAP_KICK);
}
