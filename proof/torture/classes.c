// SPDX-License-Identifier: BSD-2-Clause
/*
 * Classes that come while the lanes run, are swapped in, and go again when no handler of theirs is open; and gauges.
 */
#include "swap.h"
#include <errno.h>
#include <stdint.h>

enum { LATE_MAX = 8, GAUGES_MAX = 16 };

static double gauge_read(void *env)
{
	return (double)(uintptr_t)env;
}

/* Its value is its number, which is in its name; look.c reads them. */
static void gauge_comes_or_goes(struct luck *luck)
{
	static char names[GAUGES_MAX][16];
	static bool there[GAUGES_MAX];
	unsigned number = luck_below(luck, GAUGES_MAX);
	bool goes = luck_below(luck, 2) != 0;
	int must = 0, rc;

	if (!names[number][0])
		snprintf(names[number], sizeof(names[0]), "g%u", number);
	if (goes)
		rc = croom_room_gauge_remove(torture.room, names[number]);
	else
		rc = croom_room_gauge_add(torture.room, names[number], "drops", gauge_read, (void *)(uintptr_t)number);
	if (goes != there[number])
		must = goes ? -ENOENT : -EEXIST;
	there[number] = !goes;
	if (rc != must)
		found(FOUND_ANSWER, "%s gauge %u had to say %d, and said %d", goes ? "removing" : "adding", number, must,
		      rc);
}

static void class_comes(struct crew *self, unsigned slot, const char *name, bool there)
{
	int rc = class_late_add(slot, name), must = there ? -EEXIST : 0;
	char handler[48];
	uint64_t revision;

	if (rc != must)
		found(FOUND_ANSWER, "registering class %s had to say %d, and said %d", name, must, rc);
	snprintf(handler, sizeof(handler), "%s:%llu", name, (big)stamp_new());
	swap_one(self, slot, handler, &revision);
}

/* False: a handler of it is open, as is its right. */
static bool class_goes(unsigned slot, const char *name)
{
	struct croom_error err;
	int rc = croom_room_class_remove(torture.room, slot_name(slot), name, &err);

	if (rc && rc != -EBUSY && rc != -EAGAIN)
		found(FOUND_ANSWER, "removing class %s said %d: %s", name, rc, err.text);
	return rc == 0;
}

void class_body(struct crew *self)
{
	unsigned slot = torture.set.slots - 1;
	bool there[LATE_MAX] = { false };

	while (!torture_over()) {
		unsigned number = luck_below(&self->luck, LATE_MAX);
		char name[16];

		snprintf(name, sizeof(name), "late%u", number);
		if (there[number] && luck_below(&self->luck, 2)) {
			there[number] = !class_goes(slot, name);
		} else {
			class_comes(self, slot, name, there[number]);
			there[number] = true;
		}
		gauge_comes_or_goes(&self->luck);
		torture_done(ACTOR_CLASS, 1);
		crew_rest(&self->luck, 3000);
	}
}
