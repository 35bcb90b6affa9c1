/* SPDX-License-Identifier: BSD-2-Clause */
/* The note is there, and what it announces is not exported. */
#define croom_plugin_descriptor croom_plugin_somewhere_else
#include "mine.h"

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine) };
CROOM_PLUGIN(hidden, "1", "", NULL, { "printer", &mine });
