/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a call costs that somebody else may replace. Every subject runs a block of calls per round, one after the
 * other in an order that changes by the round, so that none always follows the same one.
 */
#include "peer/peer.h"
#include <math.h>
#include <string.h>

enum { CALLS = 2000, SUBJECTS_MAX = 64 };

static struct reader {
	const struct lab_peer *peer;
	void *self;
} reader[SUBJECTS_MAX];
static struct lab_record *record;

static void open_all(void)
{
	for (unsigned i = 0; i < lab_peers_count; i++) {
		reader[i].peer = lab_peers[i];
		reader[i].self = lab_peers[i]->open(lab_add);
		if (reader[i].self)
			reader[i].peer->enter(reader[i].self);
		else
			lab_skip("call", lab_peers[i]->name, "this kernel does not let it start");
	}
}

static void close_all(void)
{
	for (unsigned i = 0; i < lab_peers_count; i++) {
		if (!reader[i].self)
			continue;
		reader[i].peer->leave(reader[i].self);
		reader[i].peer->close(reader[i].self);
	}
}

typedef void loop_fn(void *self, struct lab_record *record, unsigned n);

static loop_fn *loop_of(const struct lab_peer *peer, unsigned mode)
{
	return mode == 0 ? peer->throughput : mode == 1 ? peer->chain : peer->fenced;
}

/* Each round begins with another subject and goes the other way round. */
static unsigned turn(unsigned i, unsigned round)
{
	return ((round % 2 ? lab_peers_count - 1 - i : i) + round) % lab_peers_count;
}

static void count_instructions(struct lab_case *one, const unsigned *subject, unsigned mode)
{
	for (unsigned i = 0; i < lab_peers_count; i++) {
		uint64_t before[LAB_COUNTERS], after[LAB_COUNTERS];

		if (!reader[i].self)
			continue;
		lab_counters_read(before);
		loop_of(reader[i].peer, mode)(reader[i].self, record, CALLS * 10);
		lab_counters_read(after);
		for (int k = 0; k < LAB_COUNTERS; k++)
			if (lab_counter_there((enum lab_counter)k))
				lab_case_counter(one, subject[i], lab_counter_name[k], (double)(after[k] - before[k]) / (CALLS * 10));
	}
}

static void declare(struct lab_case *one, unsigned subject[SUBJECTS_MAX])
{
	for (unsigned i = 0; i < lab_peers_count; i++)
		subject[i] = reader[i].self ? lab_case_subject(one, reader[i].peer->name, reader[i].peer->ours) : 0;
}

static void warm_round(struct lab_case *one, const unsigned *subject, unsigned mode, unsigned calls, unsigned round)
{
	for (unsigned i = 0; i < lab_peers_count; i++) {
		unsigned at = turn(i, round);
		loop_fn *loop = loop_of(reader[at].peer, mode);
		uint64_t before;

		if (!reader[at].self)
			continue;
		loop(reader[at].self, record, 64);
		before = lab_ticks();
		loop(reader[at].self, record, calls);
		lab_case_sample(one, subject[at], round, (lab_ns(lab_ticks() - before) - lab.ticks_cost_ns) / calls);
	}
}

static void warm(unsigned mode, const char *name, unsigned rounds)
{
	struct lab_case *one = lab_case_open("call", "ns", "lower", "plain pointer", rounds, "%s", name);
	unsigned subject[SUBJECTS_MAX], calls = mode == 2 ? CALLS / 4 : CALLS;

	declare(one, subject);
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned tries = 0; tries < LAB_TRIES; tries++) {
			struct lab_guard guard;
			const char *why;

			lab_guard_begin(&guard, false);
			warm_round(one, subject, mode, calls, round);
			why = lab_guard_end(&guard, false);
			if (!why)
				break;
			lab_case_drop(one, round, why);
		}
	}
	lab_case_number(one, "calls", calls);
	if (mode == 0)
		count_instructions(one, subject, mode);
	lab_case_close(one);
}

/* 1,024 places to jump to and as many branches that go either way, so that no predictor knows the next call. */
#define TARGET(n) __attribute__((noinline)) static uint64_t target_##n(uint64_t x) { return (x >> (n & 31)) & 1 ? x * 3 + n : x ^ n; }
#define T4(n) TARGET(n##0) TARGET(n##1) TARGET(n##2) TARGET(n##3)
#define T16(n) T4(n##0) T4(n##1) T4(n##2) T4(n##3)
#define T64(n) T16(n##0) T16(n##1) T16(n##2) T16(n##3)
#define N4(n) target_##n##0, target_##n##1, target_##n##2, target_##n##3,
#define N16(n) N4(n##0) N4(n##1) N4(n##2) N4(n##3)
#define N64(n) N16(n##0) N16(n##1) N16(n##2) N16(n##3)
T64(1) T64(2) T64(3) T64(4) T64(5) T64(6) T64(7)
static uint64_t (*const target[])(uint64_t) = { N64(1) N64(2) N64(3) N64(4) N64(5) N64(6) N64(7) };

static uint64_t thrash(uint64_t x, unsigned char *junk, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 64)
		x += junk[i]++;
	for (unsigned i = 0; i < 4000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		x = target[x % (sizeof(target) / sizeof(target[0]))](x);
	}
	return x | 1;
}

/* A batch of one call after 4 MiB of something else: out of the first two caches and the predictors, not of a large third. */
static void cold(unsigned rounds)
{
	struct lab_case *one = lab_case_open("call", "ns", "lower", "plain pointer", rounds, "cold");
	size_t junk_bytes = 4 << 20;
	unsigned char *junk = lab_alloc(junk_bytes);
	unsigned subject[SUBJECTS_MAX];
	uint64_t x = 88172645463325252;

	declare(one, subject);
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < lab_peers_count; i++) {
			unsigned at = turn(i, round);
			struct lab_guard guard;
			const char *why;
			uint64_t before, took;

			if (!reader[at].self)
				continue;
			x = thrash(x, junk, junk_bytes);
			guard.switches[0] = lab_switches();
			before = lab_ticks();
			reader[at].peer->throughput(reader[at].self, record, 1);
			took = lab_ticks() - before;
			why = lab_guard_end(&guard, false);
			if (why)
				lab_case_dropped(one, why);
			else
				lab_case_sample(one, subject[at], round, lab_ns(took) - lab.ticks_cost_ns);
		}
	}
	LAB_KEEP(x);
	free(junk);
	lab_case_close(one);
}

struct swapper {
	struct reader *reader;
	double gap_ticks;
	uint64_t id;
	int stop __attribute__((aligned(128)));
	uint64_t done __attribute__((aligned(128)));
};

/* The writer, on the other processor. */
static void swap_on(void *arg)
{
	struct swapper *swapper = arg;
	double next = (double)lab_ticks();

	while (!__atomic_load_n(&swapper->stop, __ATOMIC_RELAXED)) {
		if ((double)lab_ticks() < next) {
			lab_relax();
			continue;
		}
		next += swapper->gap_ticks;
		swapper->reader->peer->publish(swapper->reader->self, swapper->id++);
		if (swapper->reader->peer->unused)
			swapper->reader->peer->unused(swapper->reader->self);
		__atomic_store_n(&swapper->done, swapper->done + 1, __ATOMIC_RELAXED);
	}
}

static bool is_swapped(const struct reader *at)
{
	return at->self && at->peer->publish && !strchr(at->peer->name, '(');
}

/* ns per call while the other processor swaps; adds to the swaps a second. */
static double swapped_block(struct reader *at, unsigned per_second, uint64_t first_id, double *swaps)
{
	uint64_t before, took = 0, calls = 0, least = (uint64_t)(1e6 * lab.ticks_per_ns);
	static struct swapper swapper;

	memset(&swapper, 0, sizeof(swapper));
	swapper.reader = at;
	swapper.id = first_id;
	swapper.gap_ticks = 1e9 / per_second * lab.ticks_per_ns;
	lab_helper_start(swap_on, &swapper);
	while (!__atomic_load_n(&swapper.done, __ATOMIC_RELAXED))
		at->peer->throughput(at->self, record, 64);
	before = lab_ticks();
	/* At least a millisecond, so that the slow pace, too, has its swaps. */
	while (took < least) {
		at->peer->throughput(at->self, record, CALLS);
		calls += CALLS;
		took = lab_ticks() - before;
	}
	*swaps = (double)__atomic_load_n(&swapper.done, __ATOMIC_RELAXED) / lab_ns(took) * 1e9;
	__atomic_store_n(&swapper.stop, 1, __ATOMIC_RELAXED);
	/* The writer may wait for this thread. */
	while (!lab_helper_done())
		at->peer->throughput(at->self, record, 1);
	return lab_ns(took) / (double)calls;
}

static void swapped(unsigned per_second, const char *name, unsigned rounds)
{
	struct lab_case *one = lab_case_open("call", "ns", "lower", "plain pointer", rounds, "throughput, %s swaps/s", name);
	double reached[SUBJECTS_MAX] = { 0 };
	unsigned subject[SUBJECTS_MAX], good[SUBJECTS_MAX] = { 0 };

	for (unsigned i = 0; i < lab_peers_count; i++)
		if (is_swapped(&reader[i]))
			subject[i] = lab_case_subject(one, reader[i].peer->name, reader[i].peer->ours);
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < lab_peers_count; i++) {
			struct reader *at = &reader[turn(i, round)];

			for (unsigned tries = 0; is_swapped(at) && tries < LAB_TRIES; tries++) {
				struct lab_guard guard;
				double swaps, took;
				const char *why;

				lab_guard_begin(&guard, true);
				took = swapped_block(at, per_second, 2 + (uint64_t)round * 10000, &swaps);
				why = lab_guard_end(&guard, true);
				lab_case_round_trip(one, round, guard.round_trip_ns);
				if (why) {
					lab_case_dropped(one, why);
					continue;
				}
				lab_case_sample(one, subject[at - reader], round, took);
				reached[at - reader] += swaps;
				good[at - reader]++;
				break;
			}
		}
	}
	for (unsigned i = 0; i < lab_peers_count; i++)
		if (good[i])
			lab_case_counter(one, subject[i], "swaps/s", reached[i] / good[i]);
	lab_case_number(one, "swaps_per_s", per_second);
	lab_case_close(one);
}

void suite_call(void)
{
	unsigned rounds = lab.quick ? 301 : 2001;

	record = lab_alloc(sizeof(*record));
	record->sum = UINT64_MAX;
	lab_peers_missing("call");
	open_all();
	lab_progress("call", 0, 6, "throughput");
	warm(0, "throughput", rounds);
	lab_progress("call", 1, 6, "chain");
	warm(1, "chain", rounds);
	lab_progress("call", 2, 6, "fenced");
	warm(2, "fenced", rounds);
	lab_progress("call", 3, 6, "cold");
	cold(lab.quick ? 51 : 501);
	if (lab.cpu[0] == lab.cpu[1]) {
		lab_skip("call", "calls while the handler is swapped", "it takes two processors, and there is one");
	} else {
		lab_progress("call", 4, 6, "1 k swaps/s");
		swapped(1000, "1 k", lab.quick ? 11 : 151);
		lab_progress("call", 5, 6, "1 M swaps/s");
		swapped(1000000, "1 M", lab.quick ? 11 : 151);
	}
	lab_progress("call", 6, 6, "done");
	close_all();
	free(record);
}
