/* SPDX-License-Identifier: BSD-2-Clause */
/* The registry: opening, unloading, looking, closing. */
#include "plugin-impl.h"
#include <croom/trial.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int croom_plugins_open(struct croom_plugins **out, struct croom_room *room, const struct croom_plugins_options *options,
		       struct croom_error *err)
{
	struct croom_plugins *plugins = calloc(1, sizeof(*plugins));

	*out = plugins;
	if (!plugins)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	plugins->room = room;
	plugins->policy = options ? options->policy : NULL;
	plugins->env = options ? options->env : NULL;
	plugins->barrier = plugin_barrier_have();
	pthread_mutex_init(&plugins->mutex, NULL);
	return 0;
}

int plugin_thawed(struct croom_plugins *plugins, struct croom_error *err)
{
	char why[300];

	if (!croom_room_frozen(plugins->room, why, sizeof(why)))
		return 0;
	return croom_error_set(err, -EPERM, CROOM_ERROR_FROZEN, NULL, "the room is frozen: %s; thaw it first", why);
}

/* Where the pointer to it is; NULL and *err says which there are. */
static struct plugin **find(struct croom_plugins *plugins, const char *name, struct croom_error *err)
{
	struct croom_near near = { 0 };
	char all[200] = "";

	for (struct plugin **at = &plugins->loaded; *at; at = &(*at)->next) {
		size_t used = strlen(all);

		if (strcmp((*at)->name, name) == 0)
			return at;
		croom_near_look(&near, name, strlen(name), (*at)->name);
		snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "", (*at)->name);
	}
	if (*near.names)
		croom_error_set(err, -ENOENT, CROOM_ERROR_OTHER, name, "no plugin '%.40s'; did you mean %s?", name, near.names);
	else if (*all)
		croom_error_set(err, -ENOENT, CROOM_ERROR_OTHER, name, "no plugin '%.40s'; there is: %s", name, all);
	else
		croom_error_set(err, -ENOENT, CROOM_ERROR_OTHER, name, "no plugin '%.40s'; none is loaded", name);
	snprintf(err->near, sizeof(err->near), "%s", near.names);
	return NULL;
}

static int unload(struct croom_plugins *plugins, struct plugin **at, const struct croom_origin *origin, struct croom_plugin_end *end,
		  struct croom_error *err)
{
	char name[CROOM_NAME_MAX + 1], sha256[65];
	struct plugin *plugin = *at;
	int rc = croom_room_classes_remove(plugins->room, plugin->placed, plugin->classes, err);

	if (rc)
		return rc;
	snprintf(name, sizeof(name), "%s", plugin->name);
	memcpy(sha256, plugin->sha256, sizeof(sha256));
	*at = plugin->next;
	end->retired = !plugin_end(plugins, plugin);
	if (end->retired)
		snprintf(end->why, sizeof(end->why), "%s", plugin->why);
	if (end->retired)
		plugin_note(plugins, origin, "retired plugin %s (sha256 %s), still mapped because %s", name, sha256, end->why);
	else
		plugin_note(plugins, origin, "unloaded plugin %s (sha256 %s)", name, sha256);
	return 0;
}

int croom_plugins_unload(struct croom_plugins *plugins, const char *name, const struct croom_origin *origin, bool quiet,
			 struct croom_plugin_end *end, struct croom_error *err)
{
	struct croom_plugin_end own_end = { 0 };
	struct croom_error own = { 0 };
	struct plugin **at;
	int rc;

	err = err ? err : &own;
	end = end ? end : &own_end;
	*err = (struct croom_error){ 0 };
	*end = (struct croom_plugin_end){ 0 };
	pthread_mutex_lock(&plugins->mutex);
	plugin_ends(plugins);
	at = find(plugins, name, err);
	rc = at ? plugin_thawed(plugins, err) : -ENOENT;
	rc = rc ? rc : unload(plugins, at, origin, end, err);
	if (rc && !(quiet && rc == -EAGAIN))
		plugin_note(plugins, origin, "refused to unload plugin %.60s: %s", name, err->text);
	pthread_mutex_unlock(&plugins->mutex);
	return rc;
}

static int see(int (*visit)(void *env, const struct croom_plugin_view *plugin), void *env, const struct plugin *plugin, bool retired)
{
	struct croom_plugin_view view = { .name = plugin->name ? plugin->name : "?", .version = plugin->version ? plugin->version : "",
		.help = plugin->help ? plugin->help : "", .path = plugin->path, .major = plugin->image.major,
		.minor = plugin->image.minor, .mapped = plugin_bytes(&plugin->map), .locked = plugin->locked, .retired = retired,
		.why = plugin->why, .since_ns = plugin->since_ns, .classes = plugin->classes, .placed = plugin->placed };

	memcpy(view.sha256, plugin->sha256, sizeof(view.sha256));
	return visit(env, &view);
}

int croom_plugins_each(struct croom_plugins *plugins, int (*visit)(void *env, const struct croom_plugin_view *plugin), void *env)
{
	int rc = 0;

	pthread_mutex_lock(&plugins->mutex);
	plugin_ends(plugins);
	for (const struct plugin *one = plugins->loaded; one && rc == 0; one = one->next)
		rc = see(visit, env, one, false);
	for (const struct plugin *one = plugins->retired; one && rc == 0; one = one->next)
		rc = see(visit, env, one, true);
	pthread_mutex_unlock(&plugins->mutex);
	return rc;
}

void croom_plugins_close(struct croom_plugins *plugins)
{
	struct plugin *next;

	if (!plugins)
		return;
	plugins->room = NULL;
	for (struct plugin *one = plugins->loaded; one; one = next) {
		next = one->next;
		plugin_end(plugins, one);
	}
	for (struct plugin *one = plugins->retired; one; one = next) {
		next = one->next;
		/* Open for ever: the dynamic linker goes on to know it by this number. */
		one->sealed = -1;
		plugin_free(one);
	}
	pthread_mutex_destroy(&plugins->mutex);
	free(plugins);
}
