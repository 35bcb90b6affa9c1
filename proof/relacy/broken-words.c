// SPDX-License-Identifier: BSD-2-Clause
/* Negative control: a function and its context as two atomics. Whoever gets both may get one of each. */
#include "proof.h"
#include <croom/wire.h>

static uint64_t is_first(const uint64_t *context)
{
	return *context == 1;
}

static uint64_t is_second(const uint64_t *context)
{
	return *context == 2;
}

static uint64_t numbers[2];
static uint64_t (*run)(const uint64_t *context);
static const uint64_t *context;

static void begin(void)
{
	numbers[0] = 1;
	numbers[1] = 2;
	run = is_first;
	context = &numbers[0];
}

static void control(void)
{
	croom_wire_set(&context, &numbers[1]);
	croom_wire_set(&run, is_second);
}

static void lane(void)
{
	uint64_t (*now)(const uint64_t *) = croom_wire_get(&run);

	proof_expect(now(croom_wire_get(&context)), "a function with another's context");
}

const struct proof_model proof_model = {
	.what = "a swap of a function and its context", .broken = "function and context as two atomics",
	.begin = begin, .thread = { control, lane }, .preemptions = 2,
};
