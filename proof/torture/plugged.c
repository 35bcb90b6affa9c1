// SPDX-License-Identifier: BSD-2-Clause
/* The plugin that comes and goes. Its contexts are the program's, so that they outlive it. */
#include "context.h"
#include <croom/plugin.h>

extern char torture_plugin_slot[16];
int torture_context_open(void **ctx, const char *config, void *env, struct croom_error *err);
void torture_context_close(void *ctx, void *env);

static int judge(struct context *context, drop *d)
{
	return context_judge(context, d, KIND_PLUGIN);
}
CROOM_RUN(judge, judge, struct context, drop);

static const struct croom_class plugged = { .name = "plugged", .help = "checks its context", .syntax = "N", CROOM_RUNS(judge),
	.open = torture_context_open, .close = torture_context_close, .traits = CROOM_PURE };
CROOM_PLUGIN(torture, "1", "for croomtorture", NULL, { torture_plugin_slot, &plugged });
