/* SPDX-License-Identifier: BSD-2-Clause */
/* A class that the host has already. */
#include "mine.h"

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine) };
static const struct croom_class plain = { .name = "plain", .help = "", CROOM_RUNS(mine) };
CROOM_PLUGIN(clash, "1", "", NULL, { "printer", &mine }, { "printer", &plain });
