// SPDX-License-Identifier: BSD-2-Clause
/*
 * Decisions of a lane in a black box, in a ring of four words, and another process (a thread, here) that reads them. What it
 * gets are the numbers of consecutive records, the last of them the newest that was counted.
 */
#include <croom/blackbox.h>
#include <croom/lane.h>
enum { RING = 4 };
#define CROOM_DECISIONS RING
#include "../../lib/blackbox-read.c"
#include "proof.h"

enum { BEFORE = 5, DURING = 3 };

/* As box_lane() lays it out: the lane, then its ring. */
static struct {
	struct croom_lane lane;
	uint64_t ring[RING];
} shared;

static void begin(void)
{
	memset(&shared, 0, sizeof(shared));
	shared.lane.decision = shared.ring;
	shared.lane.decision_mask = RING - 1;
	for (uint64_t record = 1; record <= BEFORE; record++)
		croom_lane_decide(&shared.lane, record, 7);
}

static void lane(void)
{
	for (uint64_t record = BEFORE + 1; record <= BEFORE + DURING; record++)
		croom_lane_decide(&shared.lane, record, 7);
}

static void reader(void)
{
	const struct image image = { .head = { .decided_at = offsetof(struct croom_lane, decided), .decision_at = sizeof(shared.lane) } };

	for (int i = 0; i < 2; i++) {
		struct croom_blackbox_lane got = { .decided = 0 };

		proof_expect(read_decisions(&image, (const unsigned char *)&shared, &got) == 0, "no memory");
		for (unsigned k = 0; k < got.decisions; k++)
			proof_expect(got.decision[k].record == got.decided - got.decisions + 1 + k && got.decision[k].what == 7,
				     "a decision that is not the next");
	}
}

const struct proof_model proof_model = {
	.what = "the last decisions of a lane, read by another process",
	.orders = "box.decision.,box.decided.", .begin = begin, .thread = { lane, reader }, .preemptions = 2,
};
