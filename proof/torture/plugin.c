// SPDX-License-Identifier: BSD-2-Clause
/*
 * A plugin that is loaded, swapped in, swapped out and unloaded while the lanes run, by the loader of <croom/plugin.h>. It is
 * unloaded when no handler of it is open: then no lane is in its code nor ever will be, a rollback to it is refused, and
 * nothing of it is mapped any more.
 */
#include "swap.h"
#include <croom/plugin.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct croom_plugins *plugins;
/* Of the plugin's class; the plugin has its address. */
__attribute__((visibility("default"))) char torture_plugin_slot[16];

/* The file beside the program, or what $TORTURE_PLUGIN names. */
static void find(char *path)
{
	const char *given = getenv("TORTURE_PLUGIN");
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length < 0 ? 0 : length] = 0;
	if (given)
		snprintf(path, PATH_MAX, "%s", given);
	else
		snprintf(path, PATH_MAX, "%.4000s/libtorture-plugin.so", dirname(self));
}

/* Out, until no handler of it is open. False: the run ended first, and the code has to stay. */
static bool unload(struct crew *self, unsigned slot)
{
	struct croom_plugin_end end;
	struct croom_error err;
	char handler[48];
	uint64_t revision;
	int rc;

	for (unsigned i = 0;; i++) {
		rc = croom_plugins_unload(plugins, "torture", NULL, true, &end, &err);
		if (!swap_must_wait(rc, &err) && rc != -EAGAIN)
			break;
		/* It sits there, or somebody has rolled back to it, or a lane is late. */
		if (i % 16 == 0) {
			snprintf(handler, sizeof(handler), "blue:%llu", (big)stamp_new());
			swap_one(self, slot, handler, &revision);
		}
		if (torture_over())
			return false;
		crew_rest(&self->luck, 300);
	}
	if (rc)
		found(FOUND_ANSWER, "to unload a plugin had to be 0 or busy, and was %d: %s", rc, err.text);
	else if (end.retired)
		found(FOUND_ANSWER, "a plugin is still mapped: %s", end.why);
	return rc == 0;
}

static bool once(struct crew *self, const char *path, unsigned slot)
{
	struct croom_error err;
	char handler[48];
	uint64_t revision;
	int rc;

	/* Signals come all the time, also without SA_RESTART; and the room is frozen now and then. */
	for (;;) {
		rc = croom_plugins_load(plugins, path, &(struct croom_plugin_load){ .trusted = true }, NULL, &err);
		if ((rc != -EINTR && !swap_must_wait(rc, &err)) || torture_over())
			break;
		crew_rest(&self->luck, 300);
	}
	if (rc) {
		if (rc != -EINTR && !swap_must_wait(rc, &err))
			found(FOUND_DISTURBED, "a plugin cannot be loaded: %s", err.text);
		return false;
	}
	snprintf(handler, sizeof(handler), "plugged:%llu", (big)stamp_new());
	swap_one(self, slot, handler, &revision);
	crew_rest(&self->luck, 2000);
	return unload(self, slot);
}

void plugin_body(struct crew *self)
{
	unsigned slot = torture.set.slots - 1;
	char path[PATH_MAX];

	find(path);
	while (!torture_over() && once(self, path, slot)) {
		torture_done(ACTOR_PLUGIN, 1);
		crew_rest(&self->luck, 3000);
	}
}

/* Before there is any other thread. */
int plugins_start(void)
{
	const struct croom_plugins_options options = { .env = class_env(torture.set.slots - 1, KIND_PLUGIN) };

	snprintf(torture_plugin_slot, sizeof(torture_plugin_slot), "%s", slot_name(torture.set.slots - 1));
	return croom_plugins_open(&plugins, torture.room, &options, NULL);
}

/* After the room was closed. */
void plugins_end(void)
{
	croom_plugins_close(plugins);
}
