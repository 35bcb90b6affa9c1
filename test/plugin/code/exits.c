/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends the process that loads it. */
#include "mine.h"
#include <unistd.h>

__attribute__((constructor)) static void leave(void)
{
	_exit(77);
}

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine) };
CROOM_PLUGIN(exits, "1", "", NULL, { "printer", &mine });
