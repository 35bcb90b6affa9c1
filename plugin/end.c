/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a plugin: out of memory, and a look whether it really is. */
#include "plugin-impl.h"
#include <croom/inspect.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void plugin_free(struct plugin *plugin)
{
	if (!plugin)
		return;
	if (plugin->sealed >= 0)
		close(plugin->sealed);
	free(plugin->name);
	free(plugin->version);
	free(plugin->help);
	free(plugin->path);
	free(plugin->class);
	free(plugin->placed);
	free(plugin);
}

void plugin_note(struct croom_plugins *plugins, const struct croom_origin *origin, const char *format, ...)
{
	char text[2048];
	va_list args;

	if (!plugins->room)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	croom_room_note(plugins->room, origin, text);
}

/* It was closed, and is still there: that can have these reasons. */
static void say_why(struct plugin *plugin)
{
	const struct plugin_image *image = &plugin->image;
	size_t size = sizeof(plugin->why);

	if (image->nodelete)
		snprintf(plugin->why, size, "it was linked with -z nodelete");
	else if (*image->unique)
		snprintf(plugin->why, size, "its symbol %s has to be unique in the process (STB_GNU_UNIQUE): compile it with -fno-gnu-unique",
			 image->unique);
	else if (image->thread_ends)
		snprintf(plugin->why, size, "a thread has a thread_local of it, whose destructor is still to run");
	else
		snprintf(plugin->why, size, "something else in this process that was loaded needs it");
}

/* False: it is still mapped. */
static bool go(struct croom_plugins *plugins, struct plugin *plugin)
{
	if (plugin->handle && plugin_thread_runs(&plugin->map, plugin->why, sizeof(plugin->why)))
		return false;
	if (plugin->handle && !plugins->barrier) {
		snprintf(plugin->why, sizeof(plugin->why), "this kernel has no membarrier(2) that would let other code take its place");
		return false;
	}
	if (plugin->handle)
		dlclose(plugin->handle);
	plugin->handle = NULL;
	if (!plugin_mapped(plugin->linker_name, NULL))
		return true;
	say_why(plugin);
	return false;
}

bool plugin_end(struct croom_plugins *plugins, struct plugin *plugin)
{
	struct timespec now;

	plugin->classes = 0;
	if (go(plugins, plugin)) {
		plugin_free(plugin);
		return true;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	plugin->since_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	plugin->next = plugins->retired;
	plugins->retired = plugin;
	return false;
}

void plugin_ends(struct croom_plugins *plugins)
{
	struct plugin **at = &plugins->retired;

	while (*at) {
		struct plugin *plugin = *at;

		if (!go(plugins, plugin)) {
			at = &plugin->next;
			continue;
		}
		*at = plugin->next;
		plugin_note(plugins, NULL, "plugin %s (sha256 %s), which was retired, is unloaded", plugin->name ? plugin->name : "?",
			    plugin->sha256);
		plugin_free(plugin);
	}
}
