// SPDX-License-Identifier: BSD-2-Clause
/*
 * A black box: a control thread that writes to it what the room has now, twice, and another process (a thread, here) that reads
 * it. What that gets is of one moment, or it is told that it is not. Of all the words there are the first few.
 */
#include "../../lib/blackbox.c"
#include "../../lib/blackbox-read.c"
#include "room.h"

enum { WORDS = sizeof(struct box_now) / 8 + 4, LINES = 4096 };

static struct blackbox box;
static uint64_t file[LINES];
static uint64_t updated[8];              /* when each revision was written: the control thread's */
static uint64_t seen[2][WORDS];          /* the reader's */
static bool torn[2];

static void begin(void)
{
	struct box_head *head = (struct box_head *)file;

	room_begin();
	memset(file, 0, sizeof(file));
	memset(updated, 0, sizeof(updated));
	lay_out(head, room);
	box = (struct blackbox){ .head = head, .now_words = WORDS };
	box.now_shared = (uint64_t *)((unsigned char *)file + head->now_at);
	box.now = calloc(1, head->place_at - head->now_at);
	box.slot = (void *)((unsigned char *)box.now + (head->slot_at - head->now_at));
	box.gauge = (void *)((unsigned char *)box.now + (head->gauge_at - head->now_at));
	room->box = &box;
	box_update(room, false);
	updated[2] = (uint64_t)box.now->updated_ns;
}

static void control(void)
{
	for (unsigned i = 1; i <= 2; i++) {
		room_swap(i, NULL);
		updated[2 + i] = (uint64_t)box.now->updated_ns;
	}
}

static void reader(void)
{
	struct image image = { .at = (const unsigned char *)file, .bytes = sizeof(file) };

	memcpy(&image.head, file, offsetof(struct box_head, sequence));
	for (int i = 0; i < 2; i++)
		read_now(&image, seen[i], WORDS, &torn[i]);
}

static void end(void)
{
	for (int i = 0; i < 2; i++) {
		const struct box_now *now = (const struct box_now *)seen[i];

		proof_expect(torn[i] || (now->revision >= 2 && now->revision <= 4 &&
					 updated[now->revision] == (uint64_t)now->updated_ns), "a revision and a time of two moments");
	}
	room->box = NULL;
}

const struct proof_model proof_model = {
	.what = "a black box that is written twice while another process reads it",
	.orders = "box.sequence.,box.words.", .begin = begin, .thread = { control, reader }, .end = end, .executions = 20000,
};
