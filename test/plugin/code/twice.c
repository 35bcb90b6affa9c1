/* SPDX-License-Identifier: BSD-2-Clause */
/* Two classes of one name for one slot. */
#include "mine.h"

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine) };
CROOM_PLUGIN(twice, "1", "", NULL, { "printer", &mine }, { "filter", &mine }, { "printer", &mine });
