/* SPDX-License-Identifier: BSD-2-Clause */
/* Would show that its code ran although it was refused: for another slot than there is, and its constructor says so. */
#include "mine.h"
#include <stdlib.h>

__attribute__((constructor)) static void say(void)
{
	setenv("CROOM_TEST_MARK", "ran", 1);
}

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine) };
CROOM_PLUGIN(marks, "1", "", NULL, { "prinetr", &mine });
