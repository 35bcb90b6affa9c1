// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tap's counters in their seqlock: a lane that leaves two rounds there, and the handler's thread that takes them. All
 * figures are of one round, or there are none. The first round is also where the thread counts from.
 */
#include "../../tap/handlers/metrics.c"
#include "proof.h"

static struct metrics metrics;

/* No file is ever opened here. */
int tap_check_replaceable(const char *path, struct croom_error *err)
{
	(void)path;
	(void)err;
	return -ENOENT;
}

static void begin(void)
{
	memset(&metrics, 0, sizeof(metrics));
	metrics.first = true;
	metrics.socket = -1;
}

static void lane(void)
{
	for (uint64_t round = 1; round <= 2; round++) {
		tap_counters now;

		for (size_t i = 0; i < WORDS; i++)
			((uint64_t *)&now)[i] = round;
		metrics_run_counters(&metrics, &now);
	}
}

static void check(void)
{
	tap_counters now;

	if (take(&metrics, &now))
		for (size_t i = 1; i < WORDS; i++)
			proof_expect(((uint64_t *)&now)[i] == ((uint64_t *)&now)[0], "figures of two rounds");
}

static void thread(void)
{
	check();
	check();
	/* There is no file to write: it takes, and looks at where it counts from. */
	push(&metrics);
}

const struct proof_model proof_model = {
	.what = "the tap's metrics, two rounds left and taken",
	.orders = "metrics.", .begin = begin, .thread = { lane, thread }, .executions = 50000,
};
