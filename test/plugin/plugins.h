/* SPDX-License-Identifier: BSD-2-Clause */
/* The room of test/room/rig.h with a registry of plugins, one lane, and a folder of its own for what is copied there. */
#ifndef PLUGINS_H
#define PLUGINS_H

#include "../room/rig.h"
#include <croom/plugin.h>
#include <croom/trial.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static struct croom_room *room;
static struct croom_plugins *plugins;
static struct croom_lane *lane;
static const struct croom_panel *panel;
static struct croom_error err;
static struct croom_plugin_end how;
static char folder[64], heard[32768], loaded_name[CROOM_NAME_MAX + 1];
static int host_word;       /* what the plugins' env leads to */
static const struct croom_swap_options published = { .wait_ms = 0 };
static const struct croom_plugin_load trusted = { .trusted = true };

static inline void hear(void *env, const struct croom_event *event)
{
	size_t used = strlen(heard);

	(void)env;
	if (event->kind == CROOM_EVENT_NOTE)
		snprintf(heard + used, sizeof(heard) - used, "%s: %s\n", event->command, event->text);
}

static inline void begin(void)
{
	const struct croom_plugins_options options = { .env = &host_word };

	strcpy(folder, "/tmp/croom-test-XXXXXX");
	host_word = 0;
	heard[0] = 0;
	room = rig_open();
	if (!mkdtemp(folder) || croom_plugins_open(&plugins, room, &options, &err) || croom_room_lane_add(room, "feed", &lane))
		abort();
	croom_room_listen(room, hear, NULL);
	panel = croom_lane_unpark(lane);
}

static inline int remove_one(const char *path, const struct stat *stat, int type, struct FTW *at)
{
	(void)stat;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void end(void)
{
	croom_lane_park(lane);
	croom_room_close(room);
	croom_plugins_close(plugins);
	CHECK_EQ(opened, closed);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline const char *module(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s.so", MODULES, name);
	return path;
}

static inline int load_path(const char *path)
{
	return croom_plugins_load(plugins, path, &trusted, loaded_name, &err);
}

static inline int load(const char *name)
{
	return load_path(module(name));
}

static inline int unload(const char *name)
{
	return croom_plugins_unload(plugins, name, NULL, false, &how, &err);
}

static inline int swap(const char *slot, const char *handler)
{
	return rig_swap(room, slot, handler, &published, NULL, &err);
}

static inline int call_printer(void)
{
	note n = { .value = 5 };

	panel = croom_lane_observe(lane, panel);
	return croom_slot_call(printer, panel, &n);
}

static inline int call_filter(void)
{
	note n = { .value = 5 };

	panel = croom_lane_observe(lane, panel);
	return croom_slot_call(filter, panel, &n);
}

/* Nothing is there that was not; says what is. */
static inline int see_classes(void *env, const struct croom_slot_view *slot)
{
	for (unsigned i = 0; i < slot->classes; i++) {
		strcat(env, slot->handler_class[i]->name);
		strcat(env, " ");
	}
	return 0;
}

static inline bool classes_are(const char *all)
{
	char text[600] = "";

	croom_room_each_slot(room, see_classes, text);
	if (strcmp(text, all))
		printf("# classes: %s\n", text);
	return strcmp(text, all) == 0;
}

static const char own_classes[] = "off number plain all number ";

static inline int see_plugin(void *env, const struct croom_plugin_view *plugin)
{
	char *text = env;
	size_t used = strlen(text);

	snprintf(text + used, 600 - used, "%s%s %s", used ? ", " : "", plugin->name, plugin->retired ? "retired" : plugin->version);
	for (unsigned i = 0; i < plugin->classes; i++)
		strcat(strcat(strcat(strcat(text, " "), plugin->placed[i].slot), "="), plugin->placed[i].handler_class->name);
	return 0;
}

static inline bool plugins_are(const char *all)
{
	char text[600] = "";

	croom_plugins_each(plugins, see_plugin, text);
	if (strcmp(text, all))
		printf("# plugins: %s\n", text);
	return strcmp(text, all) == 0;
}

static inline void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buffer[65536];
	ssize_t got;

	if (in < 0 || out < 0)
		abort();
	while ((got = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, (size_t)got) != got)
			abort();
	close(in);
	close(out);
}

static inline const char *in_folder(const char *name)
{
	static char path[4][160];
	static unsigned at;

	snprintf(path[++at % 4], sizeof(path[0]), "%s/%s", folder, name);
	return path[at % 4];
}

/* Files in a folder of /proc. */
static inline unsigned entries(const char *path)
{
	DIR *open = opendir(path);
	unsigned count = 0;

	while (open && readdir(open))
		count++;
	if (open)
		closedir(open);
	return count;
}

/* Lines of /proc/self/maps, all or those with a word. */
static inline unsigned mappings(const char *word)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];
	unsigned count = 0;

	while (maps && fgets(line, sizeof(line), maps))
		count += !word || strstr(line, word);
	if (maps)
		fclose(maps);
	return count;
}

#endif
