// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ring suite with queues of the test's own, each with one defect: the run must fail. And the harness's arithmetic:
 * buckets, ticks.
 */
#include "../../lab/engine/peer/ring.h"
#include "check.h"
#include <unistd.h>

enum { PLACES = 1024 };

/* A plain ring of numbers under one lock-free index each; `defect` is what it does to one record in the middle. */
struct self {
	struct record record[PLACES];
	uint64_t head __attribute__((aligned(128)));
	uint64_t tail __attribute__((aligned(128)));
};

static enum { NONE, LOSE, DOUBLE, SWAP, TEAR, DEFECTS } defect;

static unsigned put(struct self *self, uint64_t first, unsigned n)
{
	uint64_t head = self->head, tail = __atomic_load_n(&self->tail, __ATOMIC_ACQUIRE);
	unsigned went = 0;

	for (; went < n && head - tail < PLACES; went++, head++) {
		struct record *to = &self->record[head % PLACES];
		uint64_t number = first + went;

		if (number % 1000 == 500 && defect == LOSE)
			number++;
		if (number % 1000 == 501 && defect == DOUBLE)
			number--;
		if (number % 1000 / 2 == 250 && defect == SWAP)
			number ^= 1;
		fill(to, number);
		if (number % 1000 == 500 && defect == TEAR)
			to->word[sizeof(to->word) / 8 - 1]++;
	}
	__atomic_store_n(&self->head, head, __ATOMIC_RELEASE);
	return went;
}

static unsigned take(struct self *self, uint64_t first, unsigned n, uint64_t *wrong)
{
	uint64_t head = __atomic_load_n(&self->head, __ATOMIC_ACQUIRE);
	unsigned came = 0;

	for (; came < n && self->tail + came < head; came++)
		*wrong += differs(&self->record[(self->tail + came) % PLACES], first + came);
	__atomic_store_n(&self->tail, self->tail + came, __ATOMIC_RELEASE);
	return came;
}

#include "../../lab/engine/peer/ring-loops.h"

static void *ring_open(unsigned capacity)
{
	(void)capacity;
	return lab_alloc(sizeof(struct self));
}

static const struct lab_ring broken = { "broken", true, SIZE, ring_open, free, LAB_RING_LOOPS };
const struct lab_ring *const lab_rings[] = { &broken };
const unsigned lab_rings_count = 1;

void lab_rings_missing(void)
{
}

/* What the suite prints does not belong between our lines. */
static bool suite_finds_it(void)
{
	int out = dup(1);

	if (lab.cpu[0] == lab.cpu[1]) {
		SKIP("it takes two processors");
		return defect != NONE;
	}
	fflush(stdout);
	if (!freopen("/dev/null", "w", stdout))
		return false;
	lab_wrong = false;
	suite_ring();
	fflush(stdout);
	dup2(out, 1);
	close(out);
	clearerr(stdout);
	return lab_wrong;
}

static void a_good_ring_passes(void)
{
	defect = NONE;
	CHECK(!suite_finds_it());
}

static void a_lost_record_fails_the_run(void)
{
	defect = LOSE;
	CHECK(suite_finds_it());
}

static void a_doubled_record_fails_the_run(void)
{
	defect = DOUBLE;
	CHECK(suite_finds_it());
}

static void records_out_of_order_fail_the_run(void)
{
	defect = SWAP;
	CHECK(suite_finds_it());
}

static void a_torn_record_fails_the_run(void)
{
	defect = TEAR;
	CHECK(suite_finds_it());
}

static void a_slow_control_loop_is_noticed(void)
{
	struct lab_guard guard;
	const char *why = NULL;

	/* As if it had taken a hundredth before. Whatever else disturbs may be named instead, so ask more than once. */
	lab_guard_usual(0.01);
	for (int i = 0; i < 100 && (!why || strcmp(why, "the control loop was slow")); i++) {
		lab_guard_begin(&guard, false);
		why = lab_guard_end(&guard, false);
	}
	CHECK(why && strcmp(why, "the control loop was slow") == 0);
	lab_guard_usual(100);
	why = "";
	for (int i = 0; i < 100 && why; i++) {
		lab_guard_begin(&guard, false);
		why = lab_guard_end(&guard, false);
		CHECK(!why || strcmp(why, "the control loop was slow"));
	}
}

static void every_value_is_below_the_edge_of_its_bucket(void)
{
	for (uint64_t value = 0; value < UINT64_C(1) << 62; value = value < 5000 ? value + 1 : value + value / 61) {
		unsigned bucket = lab_bucket(value);

		CHECK(bucket < LAB_BUCKETS);
		CHECK(value < lab_bucket_edge(bucket));
		CHECK(bucket == 0 || value >= lab_bucket_edge(bucket - 1));
		/* Within 1/64 of the value. */
		CHECK(lab_bucket_edge(bucket) - value <= 1 + value / 64);
	}
}

static void ticks_are_nanoseconds_by_the_kernels_clock(void)
{
	struct timespec before, after;
	uint64_t start;
	double kernel, ours;

	clock_gettime(CLOCK_MONOTONIC, &before);
	start = lab_ticks();
	do
		clock_gettime(CLOCK_MONOTONIC, &after);
	while ((kernel = (double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec)) < 20e6);
	ours = lab_ns(lab_ticks() - start);
	/* The two readings at each end may lie apart, however far: only one side is sure. */
	CHECK(ours > 0.5 * kernel);
	CHECK(lab_ns((uint64_t)(1e9 * lab.ticks_per_ns)) > 0.999999e9 && lab_ns((uint64_t)(1e9 * lab.ticks_per_ns)) < 1.000001e9);
}

int main(void)
{
	lab.quick = true;
	lab_choose_cpus();
	lab_clock_start();
	lab_pair_start();
	RUN(a_good_ring_passes);
	RUN(a_lost_record_fails_the_run);
	RUN(a_doubled_record_fails_the_run);
	RUN(records_out_of_order_fail_the_run);
	RUN(a_torn_record_fails_the_run);
	RUN(a_slow_control_loop_is_noticed);
	RUN(every_value_is_below_the_edge_of_its_bucket);
	RUN(ticks_are_nanoseconds_by_the_kernels_clock);
	return check_result();
}
