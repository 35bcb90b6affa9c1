/* SPDX-License-Identifier: BSD-2-Clause */
/* A class that is none. */
#include "mine.h"

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine) };
CROOM_PLUGIN(empty, "1", "", NULL, { "printer", &mine }, { "printer", NULL });
