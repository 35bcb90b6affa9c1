/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records from one thread to the other: how many a second, and how long one takes there and back. Every record is
 * filled in by its number and compared on the other side; a wrong one fails the run.
 */
#include "peer/ring.h"
#include <string.h>

enum { RINGS_MAX = 8, TRIPS = 2000 };

struct flow {
	const struct lab_ring *ring;
	void *there, *back;
	uint64_t first, count, wrong, ticks;
	unsigned burst;
};

static void produce(void *arg)
{
	struct flow *flow = arg;

	flow->ring->produce(flow->there, flow->first, flow->count, flow->burst);
}

static void consume(void *arg)
{
	struct flow *flow = arg;
	uint64_t start = lab_ticks();

	flow->wrong = flow->ring->consume(flow->there, flow->first, flow->count, flow->burst);
	flow->ticks = lab_ticks() - start;
}

static void send_back(void *arg)
{
	struct flow *flow = arg;

	for (uint64_t i = 0; i < flow->count; i++) {
		flow->wrong += flow->ring->consume(flow->there, flow->first + i, 1, 1);
		flow->ring->produce(flow->back, flow->first + i, 1, 1);
	}
}

static void send_there(void *arg)
{
	struct flow *flow = arg;
	uint64_t start = lab_ticks(), wrong = 0;

	for (uint64_t i = 0; i < flow->count; i++) {
		flow->ring->produce(flow->there, flow->first + i, 1, 1);
		wrong += flow->ring->consume(flow->back, flow->first + i, 1, 1);
	}
	flow->ticks = lab_ticks() - start;
	flow->wrong += wrong;
}

/* The rings of one size, opened. */
static unsigned open_rings(struct flow *flow, unsigned size, unsigned capacity)
{
	unsigned count = 0;

	for (unsigned i = 0; i < lab_rings_count; i++) {
		if (lab_rings[i]->size != size)
			continue;
		memset(&flow[count], 0, sizeof(flow[count]));
		flow[count].ring = lab_rings[i];
		flow[count].there = lab_rings[i]->open(capacity);
		flow[count].back = flow[count].there ? lab_rings[i]->open(capacity) : NULL;
		if (flow[count].back)
			count++;
	}
	return count;
}

static void close_rings(struct flow *flow, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		flow[i].ring->close(flow[i].there);
		flow[i].ring->close(flow[i].back);
	}
}

/* ns per record or per round trip; a wrong record fails the run, whether or not the round counts. */
static double measure(struct flow *flow, bool trip)
{
	flow->wrong = 0;
	if (trip)
		lab_pair(send_back, send_there, flow);
	else
		lab_pair(produce, consume, flow);
	flow->first += flow->count;
	if (flow->wrong)
		lab_failed("ring", flow->ring->name, "%llu of %llu records of %u bytes were lost, doubled, out of order or torn",
			   (unsigned long long)flow->wrong, (unsigned long long)flow->count, flow->ring->size);
	return lab_ns(flow->ticks) / (double)flow->count;
}

/* What one case is, and how far it has come. */
struct plan {
	struct lab_case *one;
	unsigned size, capacity, burst, count;   /* burst 0: there and back */
	unsigned round;
};

static void some_rounds(struct plan *plan, unsigned rounds)
{
	struct flow flow[RINGS_MAX];
	unsigned count = open_rings(flow, plan->size, plan->capacity);

	for (unsigned end = plan->round + rounds; plan->round < end; plan->round++) {
		for (unsigned i = 0; i < count; i++) {
			unsigned at = ((plan->round % 2 ? count - 1 - i : i) + plan->round) % count;

			flow[at].burst = plan->burst;
			flow[at].count = plan->count;
			for (unsigned tries = 0; tries < LAB_TRIES; tries++) {
				struct lab_guard guard;
				const char *why;
				double ns;

				lab_guard_begin(&guard, true);
				ns = measure(&flow[at], !plan->burst);
				why = lab_guard_end(&guard, true);
				lab_case_round_trip(plan->one, plan->round, guard.round_trip_ns);
				if (why) {
					lab_case_dropped(plan->one, why);
					continue;
				}
				/* The rings of a size are in the same order each time, as are the subjects. */
				lab_case_sample(plan->one, at, plan->round, plan->burst ? 1000 / ns : ns);
				break;
			}
		}
	}
	close_rings(flow, count);
}

static struct plan plan_of(unsigned size, unsigned capacity, unsigned burst, unsigned count, unsigned rounds)
{
	struct plan plan = { .size = size, .capacity = capacity, .burst = burst, .count = count };

	if (burst)
		plan.one = lab_case_open("ring", "M/s", "higher", "boost::lockfree::spsc_queue", rounds,
					 "throughput, %u B, capacity %u, burst %u", size, capacity, burst);
	else
		plan.one = lab_case_open("ring", "ns", "lower", "boost::lockfree::spsc_queue", rounds, "round trip, %u B", size);
	lab_case_number(plan.one, "size", size);
	if (burst) {
		lab_case_number(plan.one, "capacity", capacity);
		lab_case_number(plan.one, "burst", burst);
	}
	for (unsigned i = 0; i < lab_rings_count; i++)
		if (lab_rings[i]->size == size)
			lab_case_subject(plan.one, lab_rings[i]->name, lab_rings[i]->ours);
	return plan;
}

/*
 * The machine alone, to hold the queues against: whole cache lines that the other side has just read, written once more
 * and read once more, in turns, nothing between them. A queue whose consumer lags behind can be faster: its lines have
 * left the other side's first cache.
 */
enum { LINES = 4096 };

static struct lines {
	uint64_t word[8];
} *lines;

static uint64_t read_ticks, read_sum;

static void read_lines(void *arg)
{
	uint64_t start = lab_ticks(), sum = 0;

	(void)arg;
	for (unsigned i = 0; i < LINES; i++)
		for (unsigned k = 0; k < 8; k++)
			sum |= lines[i].word[k];
	LAB_KEEP(sum);
	read_sum = sum;
	read_ticks = lab_ticks() - start;
}

static uint64_t write_lines(uint64_t value, bool ask)
{
	uint64_t start = lab_ticks();

	for (unsigned i = 0; i < LINES; i++) {
		if (ask) {
#if defined(__x86_64__)
			__asm__ volatile("prefetchw %0" : : "m"(lines[(i + 8) % LINES]));
#else
			__builtin_prefetch(&lines[(i + 8) % LINES], 1);
#endif
		}
		for (unsigned k = 0; k < 8; k++)
			lines[i].word[k] = value;
		LAB_FORGET();
	}
	return lab_ticks() - start;
}

static void bare_lines(unsigned rounds)
{
	static const char *const names[] = { "write", "write, asked for 8 lines ahead", "read" };
	struct lab_case *one = lab_case_open("ring", "ns", "lower", "write", rounds, "bare cache lines");
	unsigned subject[3];

	lines = lab_alloc(LINES * sizeof(*lines));
	for (unsigned i = 0; i < 3; i++)
		subject[i] = lab_case_subject(one, names[i], false);
	for (unsigned round = 0; round < rounds; round++) {
		double figure[3] = { 0 };
		struct lab_guard guard;
		const char *why;

		lab_guard_begin(&guard, true);
		for (unsigned ask = 0; ask < 2; ask++) {
			figure[ask] = lab_ns(write_lines(round + 1, ask)) / LINES;
			lab_helper_start(read_lines, NULL);
			lab_helper_wait();
			figure[2] += lab_ns(read_ticks) / LINES / 2;
			if (read_sum != round + 1)
				lab_failed("ring", "bare cache lines", "a line came with what was in it before");
		}
		why = lab_guard_end(&guard, true);
		lab_case_round_trip(one, round, guard.round_trip_ns);
		for (unsigned i = 0; i < 3; i++)
			lab_case_sample(one, subject[i], round, figure[i]);
		if (why)
			lab_case_drop(one, round, why);
	}
	lab_case_close(one);
	free(lines);
}

/*
 * Every case has a few rounds in each of several passes: where a hypervisor moves the processors about, each case then
 * has rounds of both kinds, and none is measured in one place alone.
 */
void suite_ring(void)
{
	static const struct { unsigned size, count; } sizes[] = { { 8, 200000 }, { 64, 80000 }, { 256, 30000 }, { 1500, 8000 } };
	static const unsigned capacities[] = { 1024, 8192 }, bursts[] = { 1, 4, 16, 64 };
	enum { CASES = 4 * 2 * 4 + 4 };
	unsigned passes = lab.quick ? 1 : 11, per_pass = lab.quick ? 7 : 11, plans = 0;
	struct plan plan[CASES];

	lab_rings_missing();
	bare_lines(passes * per_pass * 4);
	for (unsigned s = 0; s < 4; s++) {
		for (unsigned c = 0; c < 2; c++)
			for (unsigned b = 0; b < 4; b++)
				plan[plans++] = plan_of(sizes[s].size, capacities[c], bursts[b],
							lab.quick ? sizes[s].count / 4 : sizes[s].count, passes * per_pass);
		plan[plans++] = plan_of(sizes[s].size, 1024, 0, lab.quick ? TRIPS / 4 : TRIPS, passes * per_pass);
	}
	for (unsigned pass = 0; pass < passes; pass++) {
		for (unsigned i = 0; i < plans; i++) {
			if (i % 9 == 0)
				lab_progress("ring", pass * plans + i, passes * plans, "records from thread to thread");
			some_rounds(&plan[i], per_pass);
		}
	}
	for (unsigned i = 0; i < plans; i++)
		lab_case_close(plan[i].one);
	lab_progress("ring", passes * plans, passes * plans, "done");
}
