/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls what nobody has. */
#include "note.h"

int croom_no_such_function(void);

static int call_it(void *ctx, note *n)
{
	(void)ctx;
	(void)n;
	return croom_no_such_function();
}
CROOM_RUN(bad, call_it, void, note);

static const struct croom_class bad = { .name = "bad", .help = "", CROOM_RUNS(bad) };
CROOM_PLUGIN(undefined, "1", "", NULL, { "printer", &bad });
