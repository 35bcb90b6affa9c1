// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the machine may do to a program at any time: signals, a thread that does not run for a while, another processor,
 * a fork, pages that have to be fetched again.
 *
 * One thread cannot be sent SIGSTOP without the rest of its process. So a thread is stopped inside a signal handler
 * that sleeps: between any two of its instructions, in its batch, in the library, with or without the room's mutex.
 */
#include "torture.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STORM = 32, PIECES = 64, PIECE_MAX = 256 * 1024,
       /* A sanitizer has as much again to do for each page. */
       AREA = TORTURE_SANITIZED ? 256 * 1024 : 4 * 1024 * 1024 };

static int stall_ms;
static cpu_set_t all_cpus;

static void on_usr1(int signal)
{
	(void)signal;
}

/* poll() may be called in a signal handler. */
static void on_usr2(int signal)
{
	int saved = errno;

	(void)signal;
	poll(NULL, 0, __atomic_load_n(&stall_ms, __ATOMIC_RELAXED));
	errno = saved;
}

static int on(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	return sigaction(signal, &action, NULL);
}

int disturb_start(void)
{
	if (on(SIGUSR1, on_usr1, SA_RESTART) || on(SIGUSR2, on_usr2, SA_RESTART) ||
	    sched_getaffinity(0, sizeof(all_cpus), &all_cpus))
		return -errno;
	return 0;
}

static void send_usr1(struct crew *one, struct luck *luck)
{
	(void)luck;
	if (pthread_kill(one->thread, SIGUSR1))
		found(FOUND_DISTURBED, "a signal could not be sent to %s", one->name);
}

static void send_usr2(struct crew *one, struct luck *luck)
{
	(void)luck;
	if (pthread_kill(one->thread, SIGUSR2))
		found(FOUND_DISTURBED, "a signal could not be sent to %s", one->name);
}

void signal_body(struct crew *self)
{
	while (!torture_over()) {
		/* With SA_RESTART, and without: sleeps and waits then end early. */
		on(SIGUSR1, on_usr1, luck_below(&self->luck, 2) ? SA_RESTART : 0);
		for (int i = 0; i < STORM; i++)
			crew_pick(&self->luck, send_usr1);
		torture_done(ACTOR_SIGNAL, STORM);
		crew_rest(&self->luck, 2000);
	}
}

void stall_body(struct crew *self)
{
	while (!torture_over()) {
		__atomic_store_n(&stall_ms, 1 + (int)luck_below(&self->luck, 8), __ATOMIC_RELAXED);
		crew_pick(&self->luck, send_usr2);
		torture_done(ACTOR_STALL, 1);
		crew_rest(&self->luck, 30000);
	}
}

/* One of the processors that the program had, or all of them again. */
static void move(struct crew *one, struct luck *luck)
{
	cpu_set_t to = all_cpus;
	unsigned count = (unsigned)CPU_COUNT(&all_cpus), left = luck_below(luck, count * 2);
	int rc;

	for (unsigned cpu = 0; left < count && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all_cpus) && left-- == 0) {
			CPU_ZERO(&to);
			CPU_SET(cpu, &to);
			break;
		}
	rc = pthread_setaffinity_np(one->thread, sizeof(to), &to);
	if (rc)
		found(FOUND_DISTURBED, "%s could not be moved: %s", one->name, strerror(rc));
}

void affinity_body(struct crew *self)
{
	while (!torture_over()) {
		crew_pick(&self->luck, move);
		torture_done(ACTOR_AFFINITY, 1);
		crew_rest(&self->luck, 5000);
	}
}

void fork_body(struct crew *self)
{
	while (!torture_over()) {
		bool runs = luck_below(&self->luck, 2) != 0;
		pid_t child = fork();
		int status = 0;

		if (child == 0) {
			/* The other threads are not here, and what they held is as it was. */
			if (runs)
				execl("/bin/true", "true", (char *)NULL);
			_exit(runs ? 127 : 0);
		}
		if (child < 0) {
			found(FOUND_DISTURBED, "fork: %s", strerror(errno));
			return;
		}
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (status)
			found(FOUND_DISTURBED, "a child that %s ended with status %#x", runs ? "execs" : "exits",
			      (unsigned)status);
		torture_done(ACTOR_FORK, 1);
		crew_rest(&self->luck, 50000);
	}
}

/* Pages are touched, given back, touched again; pieces of all sizes go through the allocator that the room uses. */
static void press(struct luck *luck, unsigned char *area, void **piece)
{
	static const int advice[] = { MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_NORMAL };

	for (size_t at = 0; at < AREA; at += 4096)
		area[at]++;
	/* A kernel that lacks one of them says so; the pages stay then. */
	(void)madvise(area, AREA, advice[luck_below(luck, 4)]);
	for (unsigned i = 0; i < PIECES; i++) {
		size_t size = 1 + luck_below(luck, luck_below(luck, 4) ? 512 : PIECE_MAX);

		free(piece[i]);
		piece[i] = malloc(size);
		if (piece[i])
			memset(piece[i], 0xa5, size);
	}
}

void memory_body(struct crew *self)
{
	unsigned char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *piece[PIECES] = { NULL };

	if (area == MAP_FAILED) {
		found(FOUND_DISTURBED, "no memory to press with: %s", strerror(errno));
		return;
	}
	while (!torture_over()) {
		press(&self->luck, area, piece);
		torture_done(ACTOR_MEMORY, 1);
		crew_rest(&self->luck, 10000);
	}
	for (unsigned i = 0; i < PIECES; i++)
		free(piece[i]);
	munmap(area, AREA);
}
