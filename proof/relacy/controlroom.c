// SPDX-License-Identifier: BSD-2-Clause
/*
 * example/controlroom.c, whole: its producer, its consumer, and main, which changes the handlers as it does by itself, and ends.
 * Every message that was produced is handled.
 */
#define main controlroom_main
#include "../../example/controlroom.c"
#undef main
#include "proof.h"

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	(void)set;
	(void)info;
	(void)timeout;
	proof_yield();
	return -1;
}

static void begin(void)
{
	room = (struct ControlRoom){ 0 };
	metrics = (struct metrics){ 0 };
	messages = 2;
	rate = 1;
	produced = 0;
	stop = 0;
	total = 0;
}

static void run_main(void)
{
	char name[] = "controlroom", *arguments[] = { name, NULL };

	proof_expect(controlroom_main(1, arguments) == 0, "a message was left behind");
}

const struct proof_model proof_model = {
	.what = "the example with the bare wires, from its first message to its last",
	.orders = "controlroom.", .begin = begin, .thread = { run_main }, .spawned = 2, .executions = 40000,
};
