// SPDX-License-Identifier: BSD-2-Clause
/*
 * Negative control: instead of echoing the revision, a lane counts its own boundaries, and the control side waits until the
 * count has moved. The count may show before a load that was made earlier, and then the lane still holds the old panel. No
 * order short of a fence helps, which is why a prototype crashed on x86 within seconds.
 */
#include "proof.h"
#include <croom/wire.h>
#include <stdlib.h>

enum { BOUNDARIES = 3 };

struct thing {
	uint64_t number;
};

static const struct thing *wire;
static uint64_t boundaries;

static const struct thing *thing_new(uint64_t number)
{
	struct thing *made = malloc(sizeof(*made));

	made->number = number;
	return made;
}

static void begin(void)
{
	wire = thing_new(1);
	boundaries = 0;
}

static void control(void)
{
	const struct thing *old = wire;
	uint64_t before;

	croom_wire_set(&wire, thing_new(2));
	before = croom_get_acquire(broken.count.look, &boundaries);
	for (int i = 0; i < BOUNDARIES; i++)
		if (croom_get_acquire(broken.count.wait, &boundaries) != before) {
			free((void *)(uintptr_t)old);
			return;
		}
}

static void lane(void)
{
	for (int i = 0; i < BOUNDARIES; i++) {
		croom_set_release(broken.count.tick, &boundaries, boundaries + 1);
		proof_expect(croom_wire_get(&wire)->number > 0, "nothing");
	}
}

const struct proof_model proof_model = {
	.what = "a swap that waits for a lane's own counter", .broken = "a counter instead of the echoed revision",
	.begin = begin, .thread = { control, lane }, .preemptions = 3,
};
