/* SPDX-License-Identifier: BSD-2-Clause */
/* A plugin whose note or descriptor says something else than CROOM_PLUGIN() would: ODD_ are what does. */
#include "mine.h"

#ifndef ODD_NOTE_MAGIC
#define ODD_NOTE_MAGIC CROOM_PLUGIN_MAGIC
#endif
#ifndef ODD_MAGIC
#define ODD_MAGIC CROOM_PLUGIN_MAGIC
#endif
#ifndef ODD_MAJOR
#define ODD_MAJOR CROOM_PLUGIN_MAJOR
#endif
#ifndef ODD_MINOR
#define ODD_MINOR CROOM_PLUGIN_MINOR
#endif
#ifndef ODD_SIZE
#define ODD_SIZE sizeof(struct croom_plugin)
#endif
#ifndef ODD_CLASS_SIZE
#define ODD_CLASS_SIZE sizeof(struct croom_class)
#endif
#ifndef ODD_CLASSES
#define ODD_CLASSES 1
#endif
#ifndef ODD_NAME
#define ODD_NAME "odd"
#endif

static const struct croom_class mine = { .name = "mine", .help = "a number", CROOM_RUNS(mine) };
static const struct croom_plugin_note note_here __attribute__((section(".note.croom.plugin"), used, aligned(4))) = {
	sizeof("croom"), 8, 1, "croom", ODD_NOTE_MAGIC, ODD_MAJOR, ODD_MINOR };
static const struct croom_placed_class placed[] = { { "printer", &mine } };
const struct croom_plugin croom_plugin_descriptor = { ODD_SIZE, ODD_MAGIC, CROOM_PLUGIN_MAJOR, CROOM_PLUGIN_MINOR, ODD_CLASS_SIZE,
	ODD_CLASSES, 0, placed, ODD_NAME, "1", "", 0 };
