/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose warm-up fails. */
#include "mine.h"

static int warm(struct croom_error *err)
{
	return croom_error_set(err, -5, CROOM_ERROR_OTHER, NULL, "the table is not there");
}

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine) };
CROOM_PLUGIN(cold, "1", "", warm, { "printer", &mine });
