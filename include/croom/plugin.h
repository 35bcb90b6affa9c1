/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plugins: handlers of your own, loaded into a program that runs, and unloaded again.
 *
 * For who writes one. It is one C or C++ file that says what it has:
 *
 *	#include <croom/plugin.h>
 *	#include <croomtap/record.h>                    // the records of the program that it is for
 *
 *	static int mine_print(void *ctx, tap_item *item);
 *	CROOM_RUN(mine, mine_print, void, tap_item);
 *	static const struct croom_class mine = { .name = "mine", .help = "as I like it", CROOM_RUNS(mine) };
 *	CROOM_PLUGIN(mine, "1.0", "a printer of my own", NULL, { "printer", &mine });
 *
 *	gcc -shared -fPIC -O2 $(pkg-config --cflags croom) mine.c -o mine.so
 *
 *	croomctl load mine.so && croomctl swap printer=mine      // and later
 *	croomctl swap printer=text && croomctl unload mine
 *
 * The name is one word and the plugin's: what is unloaded. Then come its version, a line of help, a warm-up or NULL, and its
 * classes, each with the slot that it is for. The warm-up runs once, after the plugin was checked and before anybody can name
 * its classes: run your handlers on records of your own there, so that the first real one finds all in place. A negative
 * return, with *err saying why, and the plugin is not loaded. Constructors run when it is loaded, destructors when
 * it is unloaded; all of it in the thread that asks the program to load, which waits for it. What a plugin calls of the
 * program itself (croom_*, and what its headers declare) is found when it is loaded.
 *
 * A plugin can be unloaded unless it holds on to itself: by a thread that it started and did not end, by -Wl,-z,nodelete, by a
 * C++ thread_local with a destructor, or by what C++ makes unique in a process (statics of inline functions and of templates:
 * compile with -fno-gnu-unique). Then it is retired: its classes are gone, its memory stays, and `croomctl plugins` says why.
 * Not looked for is what else may lead into it: a handler of a signal, a pthread key with a destructor, a function that it gave to
 * another library. A plugin takes these back itself, when its last handler is closed or in a destructor.
 *
 * For a program that takes plugins:
 *
 *	croom_plugins_open(&plugins, room, &(struct croom_plugins_options){ .policy = policy }, &error);
 *	options.plugins = plugins;                      // of croom_control_open(): croomctl load, unload, plugins
 *	...
 *	croom_control_close(control);
 *	croom_room_close(room);
 *	croom_plugins_close(plugins);                   // last: the room closes handlers, and their code must be there
 *
 * Link with libcroom-control, and so that the plugins find the program's functions (-rdynamic, or the library shared).
 * Control threads may call all of it; a mutex inside orders them. No data thread is ever waited for but to unload.
 */
#ifndef CROOM_PLUGIN_H
#define CROOM_PLUGIN_H

#include <croom/error.h>
#include <croom/room.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CROOM_PLUGIN_MAGIC = 0x43524d50,
	CROOM_PLUGIN_MAJOR = 1,            /* raised with every change that an older plugin could not bear */
	CROOM_PLUGIN_MINOR = 1,            /* raised when something is added at an end: older plugins still load */
	CROOM_PLUGIN_CLASSES = 64,         /* at most, of one plugin */
	CROOM_PLUGIN_BYTES = 64 * 1024 * 1024,   /* the largest file that is taken */
	CROOM_PLUGINS_RETIRED = 64,        /* so many may stay mapped before nothing more is loaded */
};

/* What a plugin exports as croom_plugin_descriptor. Grows at its end only, and `size` says where it ends. */
struct croom_plugin {
	uint32_t size;                     /* of this structure, as the plugin was compiled */
	uint32_t magic;
	uint16_t major, minor;
	uint32_t class_size;               /* of struct croom_class, as the plugin was compiled */
	uint32_t classes;
	uint32_t reserved;
	const struct croom_placed_class *placed;
	const char *name, *version, *help;
	/* since minor 1: */
	int (*warm)(struct croom_error *err);
};

extern const struct croom_plugin croom_plugin_descriptor __attribute__((visibility("default")));

/* The same in an ELF note, so that it can be seen before any of the plugin's code runs. */
struct croom_plugin_note {
	uint32_t name_size, data_size, type;
	char name[8];
	uint32_t magic;
	uint16_t major, minor;
};

#ifdef __cplusplus
#define CROOM_PLUGIN_EXTERN extern "C"
#else
#define CROOM_PLUGIN_EXTERN
#endif

/* CROOM_PLUGIN(NAME, "VERSION", "HELP", WARM-UP or NULL, { "SLOT", &CLASS }, ...), once, at file scope. */
#define CROOM_PLUGIN(plugin_name, plugin_version, plugin_help, plugin_warm, ...)                                  \
	static const struct croom_plugin_note croom_plugin_note_                                                  \
		__attribute__((section(".note.croom.plugin"), used, aligned(4))) = {                              \
		(uint32_t)sizeof("croom"), 8, 1, "croom", CROOM_PLUGIN_MAGIC, CROOM_PLUGIN_MAJOR, CROOM_PLUGIN_MINOR };  \
	static const struct croom_placed_class croom_plugin_placed_[] = { __VA_ARGS__ };                          \
	CROOM_PLUGIN_EXTERN const struct croom_plugin croom_plugin_descriptor = {                                 \
		(uint32_t)sizeof(struct croom_plugin), CROOM_PLUGIN_MAGIC, CROOM_PLUGIN_MAJOR,                    \
		CROOM_PLUGIN_MINOR, (uint32_t)sizeof(struct croom_class),                                         \
		(uint32_t)(sizeof(croom_plugin_placed_) / sizeof(croom_plugin_placed_[0])), 0,                    \
		croom_plugin_placed_, #plugin_name, plugin_version, plugin_help, plugin_warm }

struct croom_plugins;
struct croom_policy;

struct croom_plugins_options {
	const struct croom_policy *policy; /* asked before each load; NULL: nothing is loaded but what is `trusted`, below */
	void *env;                         /* passed to open() and close() of the plugins' classes */
};

struct croom_plugin_load {
	const struct croom_origin *origin; /* who asks, for the journal; NULL: this process */
	bool trusted;                      /* the program has chosen the file itself: no policy is asked */
};

struct croom_plugin_view {
	const char *name, *version, *help, *path;
	char sha256[65];                   /* of what was loaded, which the file at path may be no more */
	unsigned major, minor;             /* that it was compiled for */
	uint64_t mapped;                   /* bytes */
	bool locked;                       /* its pages cannot be taken from memory */
	bool retired;                      /* unloaded, and yet still mapped */
	const char *why;                   /* it is retired, or not locked; "" */
	int64_t since_ns;                  /* CLOCK_REALTIME; it was loaded, or retired */
	unsigned classes;
	const struct croom_placed_class *placed;   /* of a retired one there are none */
};

/* What became of it. */
struct croom_plugin_end {
	bool retired;                      /* false: unloaded, and it was looked whether nothing of it is mapped any more */
	char why[256];                     /* it is still mapped; "" */
};

#pragma GCC visibility push(default)

/* options may be NULL. The room must outlive all use of it but croom_plugins_close(). 0 or -ENOMEM. */
int croom_plugins_open(struct croom_plugins **plugins, struct croom_room *room, const struct croom_plugins_options *options,
		       struct croom_error *err);

/*
 * Load a file and add its classes to the room. path: absolute. What is run is a sealed copy in memory, so the file may be changed
 * or removed afterwards, and a file that was built anew is loaded anew.
 *
 * 0, or *err says what is wrong and what to do, and no class was added: -EACCES (no policy allows it), -EINVAL (no absolute
 * path), -ENOENT and what else open(2) says, -ELOOP (a symbolic link), -EFBIG, -EBUSY (it was changed meanwhile), -ENOEXEC (not
 * a plugin, or not for this CPU, or damaged), -EPROTO (of another ABI), -EEXIST (one of that name is loaded, or a class has that
 * name), -EPROTOTYPE (for another layout of a record; what differs is told), -ENOENT (no such slot), -ELIBBAD (it cannot be
 * linked, as with a symbol that nobody has), -ENOSPC (too many are retired), -EPERM (the room is frozen), -ENOMEM, or what its warm-up said.
 *
 * Before any of its code runs the policy is asked, its bytes are looked at, and the room's listener hears who loads what: code
 * that ends the process in a constructor is named in the journal. name: gets the plugin's. load, name and err may be NULL.
 */
int croom_plugins_load(struct croom_plugins *plugins, const char *path, const struct croom_plugin_load *load,
		       char name[CROOM_NAME_MAX + 1], struct croom_error *err);

/*
 * Take its classes out of the room, and it out of memory. Does not wait: -EAGAIN, and nothing was done: *err names the lane that
 * may still be in a handler of it; call again. -EBUSY: a handler of it sits in a slot, is kept until a change is confirmed,
 * or is prepared: *err says where. -EPERM: the room is frozen. -ENOENT: no such plugin, and *err names those whose names are near. quiet: -EAGAIN is
 * told to no listener, because the caller tries again. origin, end and err may be NULL.
 */
int croom_plugins_unload(struct croom_plugins *plugins, const char *name, const struct croom_origin *origin, bool quiet,
			 struct croom_plugin_end *end, struct croom_error *err);

/* Those that are loaded, then those retired; as the visits of <croom/inspect.h>. */
int croom_plugins_each(struct croom_plugins *plugins, int (*visit)(void *env, const struct croom_plugin_view *plugin), void *env);

/* After the room was closed. Unloads all; what cannot go stays mapped. NULL is allowed. */
void croom_plugins_close(struct croom_plugins *plugins);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
