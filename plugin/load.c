/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading: everything that can be known is, before any of the plugin's code runs. */
#include "plugin-impl.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the dynamic linker says, without the name that only it knows the file by. */
static int cannot_link(const struct plugin *plugin, struct croom_error *err)
{
	const char *said = dlerror();
	size_t length = strlen(plugin->linker_name);

	said = said ? said : "no reason is known";
	if (strncmp(said, plugin->linker_name, length) == 0 && strncmp(said + length, ": ", 2) == 0)
		said += length + 2;
	return croom_error_set(err, -ELIBBAD, CROOM_ERROR_OTHER, NULL, "cannot be linked into this program: %.300s", said);
}

static int link_it(struct plugin *plugin, struct croom_error *err)
{
	const struct croom_plugin *descriptor;

	snprintf(plugin->linker_name, sizeof(plugin->linker_name), "/proc/self/fd/%d", plugin->sealed);
	if (plugin_mapped(plugin->linker_name, NULL))
		return croom_error_set(err, -ELIBBAD, CROOM_ERROR_OTHER, NULL, "cannot be linked: something else is known as %s",
				       plugin->linker_name);
	plugin->handle = dlopen(plugin->linker_name, RTLD_NOW | RTLD_LOCAL);
	if (!plugin->handle)
		return cannot_link(plugin, err);
	/* Under another name: an object that was there already was taken for it. */
	if (!plugin_mapped(plugin->linker_name, &plugin->map))
		return croom_error_set(err, -ELIBBAD, CROOM_ERROR_OTHER, NULL, "was taken for another file by the dynamic linker");
	descriptor = dlsym(plugin->handle, "croom_plugin_descriptor");
	if (!descriptor)
		return cannot_link(plugin, err);
	return plugin_check(plugin, descriptor, err);
}

static int warm_up(const struct plugin *plugin, struct croom_error *err)
{
	struct croom_error said = { 0 };
	int rc = plugin->warm ? plugin->warm(&said) : 0;

	if (rc == 0)
		return 0;
	rc = rc > 0 ? -rc : rc;
	return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "is not loaded: its warm-up says: %.300s",
			       said.text[0] ? said.text : strerror(-rc));
}

static int name_free(const struct croom_plugins *plugins, const struct plugin *plugin, struct croom_error *err)
{
	for (const struct plugin *one = plugins->loaded; one; one = one->next)
		if (strcmp(one->name, plugin->name) == 0)
			return croom_error_set(err, -EEXIST, CROOM_ERROR_OTHER, NULL,
					       "is a plugin '%s', and one of that name is loaded: unload it first", plugin->name);
	return 0;
}

/* It is mapped and its code may run from here on. */
static int publish(struct croom_plugins *plugins, struct plugin *plugin, struct croom_error *err)
{
	struct croom_error said = { 0 };
	struct timespec now;
	int rc;

	rc = name_free(plugins, plugin, err);
	rc = rc ? rc : warm_up(plugin, err);
	if (rc)
		return rc;
	plugin->locked = plugin_lock(&plugin->map, plugin->why, sizeof(plugin->why));
	if (plugins->barrier)
		rc = plugin_barrier();
	if (rc)
		return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "is not loaded: membarrier: %s", strerror(-rc));
	rc = croom_room_classes_add(plugins->room, plugin->placed, plugin->classes, plugins->env, &said);
	if (rc)
		return croom_error_set(err, rc, said.kind, said.subject, "is not loaded: %.400s", said.text);
	clock_gettime(CLOCK_REALTIME, &now);
	plugin->since_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	return 0;
}

static void append(struct croom_plugins *plugins, struct plugin *plugin)
{
	struct plugin **at = &plugins->loaded;

	while (*at)
		at = &(*at)->next;
	*at = plugin;
}

static void note_loaded(struct croom_plugins *plugins, const struct plugin *plugin, const struct croom_origin *origin)
{
	char list[600] = "";

	for (unsigned i = 0; i < plugin->classes; i++) {
		size_t used = strlen(list);

		snprintf(list + used, sizeof(list) - used, " %s=%s", plugin->placed[i].slot, plugin->class[i].name);
	}
	plugin_note(plugins, origin, "loaded plugin %s %.60s from %.1000s (sha256 %s):%s", plugin->name, plugin->version, plugin->path,
		    plugin->sha256, list);
}

/* Takes the sealed copy over. */
static int load_copy(struct croom_plugins *plugins, const char *path, struct plugin_copy *copy, const struct croom_origin *origin,
		     char *name, struct croom_error *err)
{
	struct plugin *plugin = calloc(1, sizeof(*plugin));
	int rc = 0;

	if (plugin) {
		plugin->sealed = -1;
		plugin->path = strdup(path);
		memcpy(plugin->sha256, copy->sha256, sizeof(plugin->sha256));
	}
	if (!plugin || !plugin->path) {
		plugin_free(plugin);
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "cannot be loaded: out of memory");
	}
	rc = plugin_image_look(copy->bytes, copy->size, &plugin->image, err);
	if (rc) {
		plugin_free(plugin);
		return rc;
	}
	plugin->sealed = copy->sealed;
	copy->sealed = -1;
	plugin_note(plugins, origin, "loads %.1000s (sha256 %s)", path, plugin->sha256);
	rc = link_it(plugin, err);
	rc = rc ? rc : publish(plugins, plugin, err);
	if (rc == 0) {
		append(plugins, plugin);
		snprintf(name, CROOM_NAME_MAX + 1, "%s", plugin->name);
		note_loaded(plugins, plugin, origin);
	} else {
		plugin_end(plugins, plugin);
	}
	return rc;
}

static int load(struct croom_plugins *plugins, const char *path, const struct croom_plugin_load *load, struct plugin_copy *copy,
		char *name, struct croom_error *err)
{
	unsigned retired = 0;
	int rc;

	for (const struct plugin *one = plugins->retired; one; one = one->next)
		retired++;
	if (path[0] != '/')
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "is no absolute path: begin it with /");
	if (!load->trusted && !plugins->policy)
		return croom_error_set(err, -EACCES, CROOM_ERROR_NOT_TRUSTED, NULL,
				       "is not loaded: no policy allows plugins; start with --policy FILE");
	rc = plugin_thawed(plugins, err);
	if (rc)
		return rc;
	if (retired >= CROOM_PLUGINS_RETIRED)
		return croom_error_set(err, -ENOSPC, CROOM_ERROR_OTHER, NULL,
				       "is not loaded: %u plugins are retired and still mapped; `croomctl plugins` says why, a restart ends it",
				       retired);
	rc = plugin_copy(copy, path, err);
	rc = rc || load->trusted ? rc : croom_policy_allows(plugins->policy, path, copy->original, copy->sealed, err);
	return rc ? rc : load_copy(plugins, path, copy, load->origin, name, err);
}

int croom_plugins_load(struct croom_plugins *plugins, const char *path, const struct croom_plugin_load *given,
		       char name[CROOM_NAME_MAX + 1], struct croom_error *err)
{
	const struct croom_plugin_load as = given ? *given : (struct croom_plugin_load){ 0 };
	struct plugin_copy copy = { .original = -1, .sealed = -1 };
	struct croom_error own = { 0 }, said = { 0 };
	char own_name[CROOM_NAME_MAX + 1];
	int rc;

	err = err ? err : &own;
	*err = (struct croom_error){ 0 };
	pthread_mutex_lock(&plugins->mutex);
	plugin_ends(plugins);
	rc = load(plugins, path, &as, &copy, name ? name : own_name, &said);
	if (rc) {
		size_t length = strlen(path), from = length > 150 ? length - 150 : 0;
		/* The policy's sentences begin with it. */
		bool named = strncmp(said.text, path, length) == 0;

		croom_error_set(err, rc, said.kind, said.subject, "%s%s%s%.340s", named || !from ? "" : "...", named ? "" : path + from,
				named ? "" : " ", said.text);
		plugin_note(plugins, as.origin, "refused to load %.1000s%s%s%s: %s", path, *copy.sha256 ? " (sha256 " : "", copy.sha256,
			    *copy.sha256 ? ")" : "", said.text);
	}
	pthread_mutex_unlock(&plugins->mutex);
	plugin_copy_close(&copy);
	return rc;
}
