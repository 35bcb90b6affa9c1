/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods that load and unload code. */
#include "server.h"
#include <croom/plugin.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An unloading that waits for lanes. */
struct unloading {
	struct croom_origin origin;
	char command[256];
	char name[];
};

/* False: there are no plugins, and that was answered. */
static bool takes_plugins(const struct croom_control *control, struct client *client)
{
	if (control->plugins)
		return true;
	reply_error(client, "org.croom.Room.Failed", json_pack("{s:s}", "message", "this program takes no plugins"));
	return false;
}

static json_t *show_plugin(const struct croom_plugin_view *plugin)
{
	json_t *classes = json_array();

	for (unsigned i = 0; i < plugin->classes; i++)
		json_array_append_new(classes, json_pack("{s:o, s:o}", "slot", show_string(plugin->placed[i].slot), "class",
							 show_string(plugin->placed[i].handler_class->name)));
	if (json_array_size(classes) != plugin->classes) {
		json_decref(classes);
		classes = NULL;
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:I, s:b, s:b, s:o, s:I, s:o}", "name", show_string(plugin->name), "version",
			 show_string(plugin->version), "help", show_string(plugin->help), "path", show_string(plugin->path), "sha256",
			 plugin->sha256, "abi", json_sprintf("%u.%u", plugin->major, plugin->minor), "mapped", (json_int_t)plugin->mapped,
			 "locked", plugin->locked, "retired", plugin->retired, "why", show_string(plugin->why), "since_ns",
			 (json_int_t)plugin->since_ns, "classes", classes);
}

static int add_plugin(void *env, const struct croom_plugin_view *plugin)
{
	return json_array_append_new(env, show_plugin(plugin)) ? -ENOMEM : 0;
}

void do_plugins(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const none[] = { NULL };
	json_t *list;

	if (!only(client, parameters, none) || !takes_plugins(control, client))
		return;
	list = json_array();
	if (croom_plugins_each(control->plugins, add_plugin, list)) {
		json_decref(list);
		list = NULL;
	}
	reply(client, json_pack("{s:o}", "plugins", list), false);
}

struct wanted {
	const char *name;
	json_t *shown;
};

static int see_wanted(void *env, const struct croom_plugin_view *plugin)
{
	struct wanted *wanted = env;

	if (plugin->retired || strcmp(plugin->name, wanted->name))
		return 0;
	wanted->shown = show_plugin(plugin);
	return 1;
}

void do_load(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "path", "command", NULL };
	char name[CROOM_NAME_MAX + 1];
	struct wanted wanted = { name, NULL };
	struct request request;
	struct croom_error err;
	const char *path;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request) ||
	    !(path = read_string(client, parameters, "path")) || !takes_plugins(control, client))
		return;
	if (croom_plugins_load(control->plugins, path, &(struct croom_plugin_load){ .origin = &request.origin }, name, &err)) {
		reply_croom_error(client, &err);
		return;
	}
	croom_plugins_each(control->plugins, see_wanted, &wanted);
	reply(client, json_pack("{s:o}", "plugin", wanted.shown), false);
}

void unload_poll(struct croom_control *control, struct client *client, int64_t now)
{
	struct unloading *unloading = client->unloading;
	struct croom_plugin_end end;
	struct croom_error err;
	int rc = croom_plugins_unload(control->plugins, unloading->name, &unloading->origin, now < client->wait_until_ns, &end, &err);

	if (rc == -EAGAIN && now < client->wait_until_ns)
		return;
	free(unloading);
	client->unloading = NULL;
	if (rc)
		reply_croom_error(client, &err);
	else
		reply(client, json_pack("{s:b, s:o}", "retired", end.retired, "why", show_string(end.why)), false);
}

void unload_gone(struct croom_control *control, struct client *client)
{
	char text[200];

	if (!client->unloading)
		return;
	snprintf(text, sizeof(text), "did not unload plugin %.60s: who asked has gone before its lanes had moved", client->unloading->name);
	croom_room_note(control->room, &client->unloading->origin, text);
	free(client->unloading);
	client->unloading = NULL;
}

void do_unload(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "name", "wait_ms", "command", NULL };
	struct unloading *unloading;
	struct request request;
	const char *name;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request) ||
	    !(name = read_string(client, parameters, "name")) || !takes_plugins(control, client))
		return;
	unloading = malloc(sizeof(*unloading) + strlen(name) + 1);
	if (!unloading) {
		reply(client, NULL, false);
		return;
	}
	strcpy(unloading->name, name);
	memcpy(unloading->command, request.command, sizeof(unloading->command));
	unloading->origin = (struct croom_origin){ client->uid, client->pid, unloading->command };
	client->unloading = unloading;
	client->wait_until_ns = now_ns() + (client->oneway ? 0 : request.wait_ms) * 1000000;
	unload_poll(control, client, now_ns());
}
