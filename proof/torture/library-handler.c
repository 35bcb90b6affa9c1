// SPDX-License-Identifier: BSD-2-Clause
/* The code that comes and goes: copied, loaded, swapped in, swapped out, unloaded. */
#include "context.h"

static int judge(struct context *context, drop *d)
{
	return context_judge(context, d, KIND_LIBRARY);
}
CROOM_RUN(judge, judge, struct context, drop);

__attribute__((visibility("default"))) int torture_library_run(void *ctx, void *record)
{
	return judge_run(ctx, record);
}
