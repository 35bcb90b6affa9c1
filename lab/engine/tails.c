/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How even calls are. Every call is timed, with and without swaps from the other processor, beside a direct call
 * timed in the same way: what that shows is the machine's, what goes beyond is ours.
 */
#include "peer/peer.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 20000, SUBJECTS = 8, SLOW_NS = 100 };

struct swapper {
	const struct lab_peer *peer;
	void *self;
	double gap_ticks;
	uint64_t *id;
	int stop __attribute__((aligned(128)));
	uint64_t done __attribute__((aligned(128)));
};

static void swap_on(void *arg)
{
	struct swapper *swapper = arg;
	double next = (double)lab_ticks() + swapper->gap_ticks;

	while (!__atomic_load_n(&swapper->stop, __ATOMIC_RELAXED)) {
		if (swapper->gap_ticks <= 0 || (double)lab_ticks() < next) {
			lab_relax();
			continue;
		}
		next += swapper->gap_ticks;
		if (next < (double)lab_ticks())
			next = (double)lab_ticks() + swapper->gap_ticks;
		if (!swapper->peer->publish)
			continue;
		swapper->peer->publish(swapper->self, (*swapper->id)++);
		if (swapper->peer->unused)
			swapper->peer->unused(swapper->self);
		__atomic_store_n(&swapper->done, swapper->done + 1, __ATOMIC_RELAXED);
	}
}

static uint64_t above(const struct lab_counts *counts, uint64_t ticks)
{
	uint64_t sum = 0;

	for (unsigned i = lab_bucket(ticks) + 1; i < LAB_BUCKETS; i++)
		sum += counts->bucket[i];
	return sum;
}

static uint64_t middle(const struct lab_counts *counts)
{
	uint64_t all = above(counts, 0) + counts->bucket[0], seen = 0;

	for (unsigned i = 0; i < LAB_BUCKETS; i++)
		if ((seen += counts->bucket[i]) * 2 >= all)
			return lab_bucket_edge(i);
	return 0;
}

/* ns that the slow calls of a block took beyond a middling one. */
static double excess(const struct lab_counts *counts, uint64_t limit, uint64_t usual)
{
	double sum = 0;

	for (unsigned i = lab_bucket(limit) + 1; i < LAB_BUCKETS; i++)
		if (counts->bucket[i])
			sum += (double)counts->bucket[i] * lab_ns(lab_bucket_edge(i) - usual);
	return sum;
}

static struct {
	const struct lab_peer *peer;
	void *self;
	uint64_t id;
	struct lab_counts *all;
	double calls, swaps;
} one[SUBJECTS];
static unsigned subjects;
static struct lab_record *record;

/* One block of timed calls of subject i, swaps going on; adds to its counts, returns how many swaps there were. */
static uint64_t block(unsigned i, double per_second, struct lab_counts *counts)
{
	static struct swapper swapper;

	memset(&swapper, 0, sizeof(swapper));
	swapper.peer = one[i].peer;
	swapper.self = one[i].self;
	swapper.id = &one[i].id;
	swapper.gap_ticks = per_second > 0 ? 1e9 / per_second * lab.ticks_per_ns : 0;
	memset(counts, 0, sizeof(*counts));
	lab_helper_start(swap_on, &swapper);
	one[i].peer->throughput(one[i].self, record, 1000);
	one[i].peer->timed(one[i].self, record, BLOCK, counts);
	__atomic_store_n(&swapper.stop, 1, __ATOMIC_RELAXED);
	while (!lab_helper_done())
		one[i].peer->throughput(one[i].self, record, 1);
	return swapper.done;
}

static void add(struct lab_counts *to, const struct lab_counts *from)
{
	for (unsigned i = 0; i < LAB_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
	to->max = from->max > to->max ? from->max : to->max;
}

static void pace(double per_second, const char *name, unsigned rounds)
{
	/* At a low pace a round has one swap, and whatever interrupts it counts as much. */
	struct lab_case *slow = per_second > 10000 ? lab_case_open("tails", "calls", "lower", "liburcu-qsbr", rounds, "slow calls per swap, %s",
							       name) : NULL;
	struct lab_case *stall = per_second > 10000 ? lab_case_open("tails", "ns", "lower", "liburcu-qsbr", rounds, "reader stall per swap, %s",
								name) : NULL;
	static struct lab_counts counts[SUBJECTS];
	unsigned number[SUBJECTS] = { 0 };

	for (unsigned i = 0; i < subjects; i++) {
		memset(one[i].all, 0, sizeof(*one[i].all));
		one[i].calls = one[i].swaps = 0;
		if (slow)
			number[i] = lab_case_subject(slow, one[i].peer->name, one[i].peer->ours);
		if (stall)
			lab_case_subject(stall, one[i].peer->name, one[i].peer->ours);
	}
	for (unsigned round = 0; round < rounds; round++) {
		uint64_t swaps[SUBJECTS] = { 0 }, limit;
		struct lab_guard guard;
		double base;
		const char *why;

		lab_guard_begin(&guard, true);
		for (unsigned i = 0; i < subjects; i++) {
			unsigned at = (i + round) % subjects;

			swaps[at] = block(at, per_second, &counts[at]);
		}
		why = lab_guard_end(&guard, true);
		/* 100 ns over the control's middle, as a number of calls over what the control has of them. */
		limit = middle(&counts[0]) + (uint64_t)(SLOW_NS * lab.ticks_per_ns);
		base = (double)above(&counts[0], limit);
		for (unsigned i = 0; i < subjects && slow; i++)
			lab_case_sample(slow, number[i], round, swaps[i] ? ((double)above(&counts[i], limit) - base) / (double)swaps[i] : NAN);
		/* The same in time. */
		base = excess(&counts[0], limit, middle(&counts[0]));
		for (unsigned i = 0; i < subjects && stall; i++)
			lab_case_sample(stall, number[i], round, swaps[i] ? (excess(&counts[i], limit, middle(&counts[0])) - base) /
					(double)swaps[i] : NAN);
		if (slow) {
			lab_case_round_trip(slow, round, guard.round_trip_ns);
			lab_case_round_trip(stall, round, guard.round_trip_ns);
		}
		if (why) {
			if (slow) {
				lab_case_drop(slow, round, why);
				lab_case_drop(stall, round, why);
			}
			/* An interrupted round stays in the distribution: interruptions are what a tail is made of. */
			if (strcmp(why, "both threads on one core") == 0 || strcmp(why, "not at the same time") == 0)
				continue;
		}
		for (unsigned i = 0; i < subjects; i++) {
			add(one[i].all, &counts[i]);
			one[i].calls += BLOCK;
			one[i].swaps += (double)swaps[i];
		}
	}
	struct lab_subject_counts out[SUBJECTS];

	for (unsigned i = 0; i < subjects; i++)
		out[i] = (struct lab_subject_counts){ one[i].peer->name, one[i].peer->ours, one[i].all, one[i].calls, one[i].swaps };
	lab_distribution("tails", name, "direct call", out, subjects);
	if (slow) {
		lab_case_close(slow);
		lab_case_close(stall);
	}
}

void suite_tails(void)
{
	static const char *const names[SUBJECTS] = { "direct call", "slot and observe", "plain pointer", "liburcu-qsbr", "liburcu-memb",
		"ck_epoch", "rwlock", "membarrier" };
	unsigned rounds = lab.quick ? 20 : 600;

	record = lab_alloc(sizeof(*record));
	record->sum = UINT64_MAX;
	lab_peers_missing("tails");
	for (unsigned i = 0; i < SUBJECTS; i++) {
		const struct lab_peer *peer = lab_peer_named(names[i]);
		void *self = peer ? peer->open(lab_add) : NULL;

		if (!self)
			continue;
		peer->enter(self);
		one[subjects].peer = peer;
		one[subjects].self = self;
		one[subjects].id = 2;
		one[subjects++].all = lab_alloc(sizeof(struct lab_counts));
	}
	lab_progress("tails", 0, 3, "no swaps");
	pace(0, "no swaps", rounds);
	lab_progress("tails", 1, 3, "1 k swaps/s");
	pace(1000, "1 k swaps/s", rounds);
	lab_progress("tails", 2, 3, "100 k swaps/s");
	pace(100000, "100 k swaps/s", rounds);
	lab_progress("tails", 3, 3, "done");
	for (unsigned i = 0; i < subjects; i++) {
		one[i].peer->leave(one[i].self);
		one[i].peer->close(one[i].self);
		free(one[i].all);
	}
	subjects = 0;
	free(record);
}
