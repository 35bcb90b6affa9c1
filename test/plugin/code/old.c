/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin as it was compiled for ABI 1.0: what is below is what the headers said then, and stays as it is. The descriptor ended
 * before the warm-up and a class before check().
 */
#include <stdint.h>

struct old_type {
	const char *name;
	uint32_t size, version, place;
};

struct old_class {
	const char *name, *help, *syntax;
	int (*run)(void *ctx, void *record);
	struct old_type (*type)(void);
	int (*open)(void **ctx, const char *config, void *env, void *err);
	void (*close)(void *ctx, void *env);
};

struct old_placed {
	const char *slot;
	const struct old_class *handler_class;
};

struct old_plugin {
	uint32_t size, magic;
	uint16_t major, minor;
	uint32_t class_size, classes, reserved;
	const struct old_placed *placed;
	const char *name, *version, *help;
};

struct note {
	int value;
	uint64_t seen;
};

static int run(void *ctx, void *record)
{
	struct note *note = record;

	(void)ctx;
	return note->value + 10;
}

static struct old_type type(void)
{
	return (struct old_type){ "note", sizeof(struct note), 1, 0 };
}

static const struct old_class old = { "old", "of another time", 0, run, type, 0, 0 };
/* What lies behind must not be taken for more of the class, or of the descriptor. */
static const uint64_t behind[8] __attribute__((used)) = { 1, 1, 1, 1, 1, 1, 1, 1 };
static const struct old_placed placed[] = { { "printer", &old } };

static const struct {
	uint32_t name_size, data_size, type;
	char name[8];
	uint32_t magic;
	uint16_t major, minor;
} mark __attribute__((section(".note.croom.plugin"), used, aligned(4))) = { 6, 8, 1, "croom", 0x43524d50, 1, 0 };

extern const struct old_plugin croom_plugin_descriptor;
__attribute__((visibility("default"))) const struct old_plugin croom_plugin_descriptor = {
	sizeof(struct old_plugin), 0x43524d50, 1, 0, sizeof(struct old_class), 1, 0, placed, "old", "0.9", "compiled for ABI 1.0" };
