/* SPDX-License-Identifier: BSD-2-Clause */
/* For another layout of the record. */
#include <croom/plugin.h>

typedef struct note {
	int value, more[7];
} note;
CROOM_RECORD(note, 2);

static int mine_call(void *ctx, note *n)
{
	(void)ctx;
	return n->more[6];
}
CROOM_RUN(mine, mine_call, void, note);

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine) };
CROOM_PLUGIN(record, "1", "", NULL, { "printer", &mine });
