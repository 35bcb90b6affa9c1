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
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	BALLS = 200,
	/*
	 * Two cores of one chip were seen to hand a line back and forth within 50 ns, and not slow each other down; siblings of
	 * one core share its first cache and take less. Both threads on one logical processor take turns by the scheduler.
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

/* The first of those that share a core with this one; the processor itself where that cannot be told. */
static int core_of(int cpu)
{
	char path[96];
	FILE *file;
	int first;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	file = fopen(path, "r");
	if (!file)
		return cpu;
	if (fscanf(file, "%d", &first) != 1)
		first = cpu;
	fclose(file);
	return first;
}

void lab_choose_cpus(void)
{
	cpu_set_t set;
	int found = 0, second = -1;

	if (sched_getaffinity(0, sizeof(set), &set))
		lab_die("cannot tell which processors there are");
	for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++) {
		if (!CPU_ISSET((unsigned)cpu, &set))
			continue;
		if (found == 0 || core_of(cpu) != core_of(lab.cpu[0]))
			lab.cpu[found++] = cpu;
		else if (second < 0)
			second = cpu;
	}
	if (found == 1)
		lab.cpu[1] = second < 0 ? lab.cpu[0] : second;
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

/* Timed by tens, since some clocks step by ten nanoseconds. */
double lab_round_trip(void)
{
	enum { TOGETHER = 10, TIMES = BALLS / TOGETHER };
	static uint64_t took[TIMES];
	uint64_t n = 1;

	pair.ball = 0;
	lab_helper_start(ball_back, NULL);
	for (unsigned i = 0; i < TIMES; i++) {
		uint64_t start = lab_ticks();

		for (unsigned k = 0; k < TOGETHER; k++, n += 2) {
			__atomic_store_n(&pair.ball, n, __ATOMIC_RELEASE);
			while (__atomic_load_n(&pair.ball, __ATOMIC_ACQUIRE) != n + 1)
				;
		}
		took[i] = lab_ticks() - start;
	}
	lab_helper_wait();
	qsort(took, TIMES, sizeof(took[0]), by_value);
	return (lab_ns(took[TIMES / 2]) - lab.ticks_cost_ns) / TOGETHER;
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

void lab_guard_usual(double times)
{
	control_ns *= times;
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
	if (control_ns <= 0 || control_ns > 1e9)
		lab_die("the clock must be started before the threads: the control loop took %g ns", control_ns);
}
