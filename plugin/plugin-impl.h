/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of plugins. Everything here is the control side's, under `mutex`, which comes before the room's. While a plugin is
 * mapped its sealed copy stays open: the dynamic linker knows it by the name /proc/self/fd/N, so N must not become another's.
 */
#ifndef PLUGIN_PLUGIN_IMPL_H
#define PLUGIN_PLUGIN_IMPL_H

#include "image.h"
#include <croom/plugin.h>
#include <croom/policy.h>
#include <pthread.h>

enum { PLUGIN_RANGES = 16 };

/* Where it lies in memory. */
struct plugin_map {
	unsigned ranges;
	struct plugin_range {
		uintptr_t start, end;      /* whole pages */
		bool code;
	} range[PLUGIN_RANGES];
};

struct plugin_copy {
	int original, sealed;              /* -1: not open */
	size_t size;
	void *bytes;                       /* of the sealed one; NULL: not mapped */
	char sha256[65];
};

struct plugin {
	struct plugin *next;
	char *name, *version, *help, *path;   /* copies: they are told after its code has gone */
	struct plugin_image image;
	struct plugin_map map;
	char sha256[65], linker_name[32], why[256];
	int sealed;
	void *handle;                      /* NULL: dlclose() was called */
	bool locked;
	int64_t since_ns;
	unsigned classes;
	struct croom_class *class;         /* as this program has them, which may have more members than the plugin knows */
	struct croom_placed_class *placed;
	int (*warm)(struct croom_error *err);
};

struct croom_plugins {
	struct croom_room *room;           /* NULL: it was closed */
	const struct croom_policy *policy;
	void *env;
	bool barrier;                      /* the kernel can make every thread fetch its instructions anew */
	pthread_mutex_t mutex;
	struct plugin *loaded, *retired;
};

/* copy.c */
int plugin_copy(struct plugin_copy *copy, const char *path, struct croom_error *err);
void plugin_copy_close(struct plugin_copy *copy);

/* mapped.c: is the object of this name mapped, and where? map may be NULL. */
bool plugin_mapped(const char *linker_name, struct plugin_map *map);
/* Have its pages in memory, and keep them there; why: they may be taken away. */
bool plugin_lock(const struct plugin_map *map, char *why, size_t size);
uint64_t plugin_bytes(const struct plugin_map *map);

/* threads.c: does a thread run that was started by code, or with data, that lies there? */
bool plugin_thread_runs(const struct plugin_map *map, char *why, size_t size);

/* check.c: the descriptor of what was mapped, from which name, classes and the rest of *plugin are filled. */
int plugin_check(struct plugin *plugin, const struct croom_plugin *descriptor, struct croom_error *err);

/* barrier.c: can it be had in this process? From here on no thread runs instructions that it fetched before. */
bool plugin_barrier_have(void);
int plugin_barrier(void);

/* plugins.c: 0, or -EPERM while nothing may change. */
int plugin_thawed(struct croom_plugins *plugins, struct croom_error *err);

/* end.c: its classes have gone. Unload it: true, and it is freed, or false, and it says why it is still mapped. */
bool plugin_end(struct croom_plugins *plugins, struct plugin *plugin);
/* Those that were in the way may have gone meanwhile. */
void plugin_ends(struct croom_plugins *plugins);
void plugin_free(struct plugin *plugin);
void plugin_note(struct croom_plugins *plugins, const struct croom_origin *origin, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
