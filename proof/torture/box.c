// SPDX-License-Identifier: BSD-2-Clause
/*
 * A black box that is read while the room runs, as another process would: through a mapping of its own. (So TSan does not
 * see that the two are the same memory, and finds no missing order here.)
 */
#include "swap.h"
#include <croom/blackbox.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static char path[64];

/* Before the first lane. */
int blackbox_start(void)
{
	static const char *const decisions[] = { "done", NULL };
	struct croom_error err;
	int rc;

	if (!torture_on(ACTOR_BLACKBOX))
		return 0;
	snprintf(path, sizeof(path), "/dev/shm/croomtorture-%d", (int)getpid());
	rc = croom_blackbox_open(torture.room, path, decisions, &err);
	if (rc)
		fprintf(stderr, "croomtorture: %s; or leave it out: --actors all,-blackbox\n", err.text);
	return rc;
}

/* After the room is closed. */
void blackbox_end(void)
{
	if (path[0])
		unlink(path);
}

static void look_handlers(const struct croom_blackbox *box)
{
	for (unsigned i = 0; i < box->slots; i++) {
		const char *colon = strchr(box->slot[i].handler, ':'), *first = strchr(box->slot[0].handler, ':');

		if (box->slot[i].since_revision > box->revision)
			found(FOUND_BOX, "slot %u is as it is since revision %llu, and that is %llu", i,
			      (big)box->slot[i].since_revision, (big)box->revision);
		if (!colon || !first || (i < torture.group && strcmp(colon, first)))
			found(FOUND_BOX, "revision %llu has %s in slot %u, beside %s", (big)box->revision,
			      box->slot[i].handler, i, box->slot[0].handler);
	}
}

/* The decisions are of records that follow each other, and say what the lane says of each. */
static void look_lane(const struct croom_blackbox_lane *lane)
{
	/* One that has gone meanwhile may have been overwritten by the one that came after. */
	if (!lane_there(lane->name))
		return;
	for (unsigned i = 0; i < lane->decisions; i++) {
		const struct croom_blackbox_decision *one = &lane->decision[i];
		uint64_t record = lane->decision[0].record + i;

		if (one->record != record || one->what != lane_decision(record)) {
			found(FOUND_BOX, "lane %s, decision %u of %u is %#x about record %llu, and %llu begins them",
			      lane->name, i, lane->decisions, (unsigned)one->what, (big)one->record,
			      (big)lane->decision[0].record);
			return;
		}
	}
}

void blackbox_body(struct crew *self)
{
	uint64_t revision = 0;

	while (!torture_over()) {
		struct croom_blackbox *box;
		struct croom_error err;
		int rc = croom_blackbox_read(path, &box, &err);

		if (rc) {
			found(FOUND_BOX, "the black box cannot be read: %s", err.text);
			return;
		}
		/* A writer that does not run for a tenth of a second leaves it torn, as is its right. */
		if (!box->torn) {
			look_handlers(box);
			if (box->revision < revision)
				found(FOUND_BOX, "revision %llu comes after %llu", (big)box->revision, (big)revision);
			revision = box->revision;
			torture_done(ACTOR_BLACKBOX, 1);
		}
		for (unsigned i = 0; i < box->lanes; i++)
			look_lane(&box->lane[i]);
		croom_blackbox_free(box);
		crew_rest(&self->luck, 10000);
	}
}
