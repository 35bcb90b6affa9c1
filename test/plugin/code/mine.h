/* SPDX-License-Identifier: BSD-2-Clause */
/* A handler that returns a number. */
#ifndef MINE_H
#define MINE_H

#include "note.h"

#ifndef VALUE
#define VALUE 1
#endif

static int mine_call(void *ctx, note *n)
{
	(void)ctx;
	n->seen++;
	return VALUE;
}
CROOM_RUN(mine, mine_call, void, note);

#endif
