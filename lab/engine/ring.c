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

static void run(struct lab_case *one, struct flow *flow, unsigned count, unsigned rounds, bool trip)
{
	unsigned subject[RINGS_MAX];

	for (unsigned i = 0; i < count; i++)
		subject[i] = lab_case_subject(one, flow[i].ring->name, flow[i].ring->ours);
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < count; i++) {
			unsigned at = (i + round) % count;

			for (unsigned tries = 0; tries < LAB_TRIES; tries++) {
				struct lab_guard guard;
				const char *why;
				double ns;

				lab_guard_begin(&guard, true);
				ns = measure(&flow[at], trip);
				why = lab_guard_end(&guard, true);
				lab_case_round_trip(one, round, guard.round_trip_ns);
				if (why) {
					lab_case_dropped(one, why);
					continue;
				}
				lab_case_sample(one, subject[at], round, trip ? ns : 1000 / ns);
				break;
			}
		}
	}
	lab_case_close(one);
}

void suite_ring(void)
{
	static const struct { unsigned size, count; } sizes[] = { { 8, 200000 }, { 64, 80000 }, { 256, 30000 }, { 1500, 8000 } };
	static const unsigned capacities[] = { 1024, 8192 }, bursts[] = { 1, 4, 16, 64 };
	unsigned rounds = lab.quick ? 7 : 41, done = 0;
	struct flow flow[RINGS_MAX];

	lab_rings_missing();
	for (unsigned s = 0; s < 4; s++) {
		for (unsigned c = 0; c < 2; c++) {
			unsigned count = open_rings(flow, sizes[s].size, capacities[c]);

			for (unsigned b = 0; b < 4; b++) {
				struct lab_case *one = lab_case_open("ring", "M/s", "higher", "boost::lockfree::spsc_queue", rounds,
								     "throughput, %u B, capacity %u, burst %u", sizes[s].size,
								     capacities[c], bursts[b]);

				lab_progress("ring", done++, 36, "throughput");
				lab_case_number(one, "size", sizes[s].size);
				lab_case_number(one, "capacity", capacities[c]);
				lab_case_number(one, "burst", bursts[b]);
				for (unsigned i = 0; i < count; i++) {
					flow[i].burst = bursts[b];
					flow[i].count = lab.quick ? sizes[s].count / 4 : sizes[s].count;
				}
				run(one, flow, count, rounds, false);
			}
			close_rings(flow, count);
		}
	}
	for (unsigned s = 0; s < 4; s++) {
		unsigned count = open_rings(flow, sizes[s].size, 1024);
		struct lab_case *one = lab_case_open("ring", "ns", "lower", "boost::lockfree::spsc_queue", rounds, "round trip, %u B",
						     sizes[s].size);

		lab_progress("ring", done++, 36, "round trip");
		lab_case_number(one, "size", sizes[s].size);
		for (unsigned i = 0; i < count; i++)
			flow[i].count = lab.quick ? TRIPS / 4 : TRIPS;
		run(one, flow, count, rounds, true);
		close_rings(flow, count);
	}
	lab_progress("ring", 36, 36, "done");
}
