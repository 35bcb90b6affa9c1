// SPDX-License-Identifier: BSD-2-Clause
/*
 * A bare wire: a thread makes two things, one after the other, and sets the wire to each; another gets it.
 * Whoever gets the pointer sees what was written before it was set.
 */
#include "proof.h"
#include <croom/wire.h>
#include <stdlib.h>

struct thing {
	int number, square;
};

static const struct thing *wire;

static void begin(void)
{
	wire = NULL;
}

static void setter(void)
{
	for (int i = 2; i <= 3; i++) {
		struct thing *made = malloc(sizeof(*made));

		made->number = i;
		made->square = i * i;
		croom_wire_set(&wire, made);
	}
}

static void getter(void)
{
	int last = 0;

	for (int i = 0; i < 3; i++) {
		const struct thing *got = croom_wire_get(&wire);

		if (!got)
			continue;
		proof_expect(got->square == got->number * got->number, "a thing that is half made");
		proof_expect(got->number >= last, "the wire went back");
		last = got->number;
	}
}

const struct proof_model proof_model = {
	.what = "a bare pointer, set twice and got three times",
	.orders = "wire.", .begin = begin, .thread = { setter, getter }, .preemptions = 4,
};
