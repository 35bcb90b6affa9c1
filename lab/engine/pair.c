/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second thread, and the checks that say whether a round may be believed.
 *
 * `ticket` hands work to the helper: main writes work and arg, then stores an odd number (release); the helper loads
 * it (acquire), runs, and stores the next even number (release), which main waits for (acquire). Either may be
 * stopped by the kernel anywhere; the other then spins, and the round is dropped because of the context switch.
 */
#include "lab.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	BALLS = 200,
	/*
	 * A line that goes back and forth within one core takes 10 to 40 ns on x86 made since 2015, between cores
	 * 50 ns and more. Both threads on one logical processor take turns by the scheduler: milliseconds.
	 */
	SHARED_CORE_NS = 40,
	NOT_AT_ONCE_NS = 20000,
	CONTROL = 16000,     /* additions, about 5 us */
};

static struct {
	uint64_t ticket __attribute__((aligned(128)));
	void (*work)(void *arg);
	void *arg;
	uint64_t ready __attribute__((aligned(128)));
	uint64_t ball __attribute__((aligned(128)));
	long switches __attribute__((aligned(128)));
	double control;
} pair;

static double control_ns;   /* the control loop, undisturbed */

void lab_choose_cpus(void)
{
	cpu_set_t set;
	int found = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		lab_die("cannot tell which processors there are");
	for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET((unsigned)cpu, &set))
			lab.cpu[found++] = cpu;
	if (found == 1)
		lab.cpu[1] = lab.cpu[0];
}

void lab_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		lab_die("cannot run on processor %d; see taskset -p $$, or choose others with --cpus", cpu);
}

static void *serve(void *arg)
{
	(void)arg;
	lab_pin(lab.cpu[1]);
	for (uint64_t next = 1;; next += 2) {
		/* Asleep before long: what one thread measures by itself must not pay for a sibling that spins. */
		for (unsigned spins = 0; __atomic_load_n(&pair.ticket, __ATOMIC_ACQUIRE) != next; spins++) {
			struct timespec pause = { .tv_nsec = 20000 };

			if (spins < 5000)
				lab_relax();
			else
				nanosleep(&pause, NULL);
		}
		pair.work(pair.arg);
		__atomic_store_n(&pair.ticket, next + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

void lab_helper_start(void (*helper)(void *arg), void *arg)
{
	pair.work = helper;
	pair.arg = arg;
	__atomic_store_n(&pair.ticket, pair.ticket + 1, __ATOMIC_RELEASE);
}

bool lab_helper_done(void)
{
	return !(__atomic_load_n(&pair.ticket, __ATOMIC_ACQUIRE) & 1);
}

void lab_helper_wait(void)
{
	while (__atomic_load_n(&pair.ticket, __ATOMIC_ACQUIRE) & 1)
		lab_relax();
}

struct both {
	void (*helper)(void *arg);
	void *arg;
	uint64_t go;
};

static void start_together(void *arg)
{
	struct both *both = arg;

	__atomic_store_n(&pair.ready, both->go, __ATOMIC_RELEASE);
	both->helper(both->arg);
}

void lab_pair(void (*helper)(void *arg), void (*main_part)(void *arg), void *arg)
{
	static uint64_t go;
	struct both both = { helper, arg, ++go };

	lab_helper_start(start_together, &both);
	while (__atomic_load_n(&pair.ready, __ATOMIC_ACQUIRE) != go)
		lab_relax();
	main_part(arg);
	lab_helper_wait();
}

static void ball_back(void *arg)
{
	(void)arg;
	for (uint64_t n = 1; n < 2 * BALLS; n += 2) {
		while (__atomic_load_n(&pair.ball, __ATOMIC_ACQUIRE) != n)
			;
		__atomic_store_n(&pair.ball, n + 1, __ATOMIC_RELEASE);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

double lab_round_trip(void)
{
	static uint64_t took[BALLS];

	pair.ball = 0;
	lab_helper_start(ball_back, NULL);
	for (uint64_t n = 1; n < 2 * BALLS; n += 2) {
		uint64_t start = lab_ticks();

		__atomic_store_n(&pair.ball, n, __ATOMIC_RELEASE);
		while (__atomic_load_n(&pair.ball, __ATOMIC_ACQUIRE) != n + 1)
			;
		took[n / 2] = lab_ticks() - start;
	}
	lab_helper_wait();
	qsort(took, BALLS, sizeof(took[0]), by_value);
	return lab_ns(took[BALLS / 2]) - lab.ticks_cost_ns;
}

long lab_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

static double control(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t took = lab_additions(CONTROL);

		best = took < best ? took : best;
	}
	return lab_ns(best);
}

static void look(void *arg)
{
	(void)arg;
	pair.switches = lab_switches();
	pair.control = control();
}

void lab_guard_begin(struct lab_guard *guard, bool two_threads)
{
	guard->round_trip_ns = 0;
	if (two_threads) {
		lab_helper_start(look, NULL);
		lab_helper_wait();
		guard->switches[1] = pair.switches;
		guard->round_trip_ns = lab_round_trip();
	}
	guard->switches[0] = lab_switches();
}

/*
 * The control loop's time is known: when it takes a quarter longer, something else runs on the core, or its clock
 * fell. A context switch against our will is one, too, wherever in the round it came.
 */
const char *lab_guard_end(struct lab_guard *guard, bool two_threads)
{
	bool torn = lab_switches() != guard->switches[0], slow = control() > 1.25 * control_ns;
	double after;

	if (two_threads) {
		if (guard->round_trip_ns < SHARED_CORE_NS)
			return "both threads on one core";
		if (guard->round_trip_ns > NOT_AT_ONCE_NS)
			return "not at the same time";
		after = lab_round_trip();
		if (after < SHARED_CORE_NS)
			return "both threads on one core";
		if (after > NOT_AT_ONCE_NS)
			return "not at the same time";
		lab_helper_start(look, NULL);
		lab_helper_wait();
		torn = torn || pair.switches != guard->switches[1];
		slow = slow || pair.control > 1.25 * control_ns;
	}
	return torn ? "interrupted by another process" : slow ? "the control loop was slow" : NULL;
}

void lab_pair_start(void)
{
	pthread_t thread;

	lab_pin(lab.cpu[0]);
	if (pthread_create(&thread, NULL, serve, NULL))
		lab_die("cannot start a thread");
	pthread_detach(thread);
	control_ns = 1e18;
	for (int i = 0; i < 50; i++) {
		double took = control();

		control_ns = took < control_ns ? took : control_ns;
	}
}
