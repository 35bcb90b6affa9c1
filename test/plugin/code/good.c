/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers for two slots, one with a context that counts in the host how many are open. */
#include "mine.h"
#include <stdlib.h>

static int open_counted(void **ctx, const char *config, void *env, struct croom_error *err)
{
	int *open = env;

	if (*config)
		return croom_error_set(err, -22, CROOM_ERROR_BAD_CONFIG, NULL, "takes nothing");
	*ctx = malloc(16);
	++*open;
	return *ctx ? 0 : -12;
}

static void close_counted(void *ctx, void *env)
{
	int *open = env;

	free(ctx);
	--*open;
}

static int warmed;

static int warm(struct croom_error *err)
{
	note one = { .value = 1 };

	(void)err;
	warmed = mine_run(NULL, &one);
	return 0;
}

/* A million that only a call after the warm-up sees. */
static int counted_call(void *ctx, note *n)
{
	return ctx && warmed ? mine_call(ctx, n) + 1000000 : -1;
}
CROOM_RUN(counted, counted_call, void, note);

static const struct croom_class mine = { .name = "mine", .help = "a number", CROOM_RUNS(mine) };
static const struct croom_class counted = { .name = "counted", .help = "a larger one", CROOM_RUNS(counted), .open = open_counted,
	.close = close_counted };

CROOM_PLUGIN(good, "1.0", "as it should be", warm, { "printer", &mine }, { "filter", &counted });
