/* SPDX-License-Identifier: BSD-2-Clause */
/* Plugins, as an operator loads and unloads them. */
#include "ctl.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *text_of(const json_t *object, const char *key, char *buffer, size_t size)
{
	return clean(json_string_value(json_object_get(object, key)), buffer, size);
}

static void print_classes(const json_t *plugin)
{
	char slot[64], class[64];
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(plugin, "classes"), i, one)
		printf(" %s=%s", text_of(one, "slot", slot, sizeof(slot)), text_of(one, "class", class, sizeof(class)));
}

static void print_plugin(const json_t *plugin)
{
	char name[64], version[64], help[256], path[1024], sha256[80], abi[16], why[512];
	bool retired = json_is_true(json_object_get(plugin, "retired")), locked = json_is_true(json_object_get(plugin, "locked"));

	printf("%-16s %s", text_of(plugin, "name", name, sizeof(name)), text_of(plugin, "version", version, sizeof(version)));
	if (retired)
		printf("  RETIRED");
	print_classes(plugin);
	printf("\n    %s\n    %s\n    sha256 %s, ABI %s, %lld KiB%s\n", text_of(plugin, "help", help, sizeof(help)),
	       text_of(plugin, "path", path, sizeof(path)), text_of(plugin, "sha256", sha256, sizeof(sha256)),
	       text_of(plugin, "abi", abi, sizeof(abi)),
	       (long long)json_integer_value(json_object_get(plugin, "mapped")) / 1024, locked ? ", locked" : "");
	if (*text_of(plugin, "why", why, sizeof(why)))
		printf("    %s%s\n", retired ? "still mapped because " : "", why);
}

int verb_plugins(struct ctl *ctl)
{
	json_t *reply, *list, *one;
	size_t i;
	int code;

	reply = ctl_call(ctl, "org.croom.Room.Plugins", json_object(), &code);
	list = json_object_get(reply, "plugins");
	if (reply && ctl->json)
		print_json(reply, JSON_INDENT(2));
	else if (reply && json_array_size(list) == 0)
		puts("no plugin is loaded");
	else
		json_array_foreach(list, i, one)
			print_plugin(one);
	json_decref(reply);
	return code;
}

/* The program has another working directory. A link stays one: the program is to see it. */
static char *absolute(const char *path)
{
	char *directory, *whole;

	if (*path == '/')
		return strdup(path);
	directory = getcwd(NULL, 0);
	if (!directory || asprintf(&whole, "%s/%s", strcmp(directory, "/") ? directory : "", path) < 0)
		whole = NULL;
	free(directory);
	return whole;
}

int verb_load(struct ctl *ctl)
{
	char *path = ctl->argc == 1 && *ctl->argv[0] ? absolute(ctl->argv[0]) : NULL, shown[64];
	json_t *reply, *plugin;
	int code;

	if (ctl->argc != 1 || !*ctl->argv[0])
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "load takes one FILE.so; see croomctl --help");
	if (!path)
		return ctl_fail(ctl, FAILED, "org.croom.ctl.Failed", "where '%s' is cannot be said: %s", ctl->argv[0], strerror(errno));
	/* Its constructors and its warm-up take what they take. */
	ctl->patience_ms = 60000;
	plugin = json_string(path);
	free(path);
	if (!plugin)
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "the file's path is not UTF-8 text: rename it");
	reply = ctl_call(ctl, "org.croom.Room.Load", json_pack("{s:o, s:o}", "path", plugin, "command", json_text(ctl->command)), &code);
	plugin = json_object_get(reply, "plugin");
	if (reply && ctl->json) {
		print_json(reply, JSON_INDENT(2));
	} else if (reply) {
		printf("loaded %s %s:", text_of(plugin, "name", shown, sizeof(shown)), text_of(plugin, "version", (char[64]){ 0 }, 64));
		print_classes(plugin);
		putchar('\n');
	}
	json_decref(reply);
	return code;
}

int verb_unload(struct ctl *ctl)
{
	char why[512];
	json_t *reply;
	int code;

	if (ctl->argc != 1 || !*ctl->argv[0])
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "unload takes one NAME; `croomctl plugins` shows what is loaded");
	ctl->patience_ms = ANSWER_MS + (ctl->wait_ms >= 0 ? ctl->wait_ms : WAIT_DEFAULT_MS);
	reply = ctl_call(ctl, "org.croom.Room.Unload",
			 json_pack("{s:o, s:o, s:o}", "name", json_text(ctl->argv[0]), "wait_ms",
				   ctl->wait_ms < 0 ? json_null() : json_integer(ctl->wait_ms), "command", json_text(ctl->command)), &code);
	if (reply && ctl->json)
		print_json(reply, JSON_INDENT(2));
	else if (reply && json_is_true(json_object_get(reply, "retired")))
		printf("retired, still mapped because %s\n", text_of(reply, "why", why, sizeof(why)));
	else if (reply)
		puts("unloaded");
	json_decref(reply);
	return code;
}
