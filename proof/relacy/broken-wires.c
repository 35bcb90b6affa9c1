// SPDX-License-Identifier: BSD-2-Clause
/* Negative control: a wire for each of two slots, in place of one panel for both. A change of both is not one change. */
#include "proof.h"
#include <croom/wire.h>

struct handler {
	uint64_t change;
};

static struct handler handlers[2];
static const struct handler *one, *other;

static void begin(void)
{
	handlers[0].change = 1;
	handlers[1].change = 2;
	one = other = &handlers[0];
}

static void control(void)
{
	croom_wire_set(&one, &handlers[1]);
	croom_wire_set(&other, &handlers[1]);
}

static void lane(void)
{
	const struct handler *first = croom_wire_get(&one);

	proof_expect(croom_wire_get(&other)->change == first->change, "two slots at one record from two changes");
}

const struct proof_model proof_model = {
	.what = "a swap of two slots", .broken = "two wires instead of one panel",
	.begin = begin, .thread = { control, lane }, .preemptions = 2,
};
