/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A panel as the library sees it: revision and entries as <croom/panel.h> shows them, and behind the entries what
 * only the control side and a moving lane read. Nothing of it changes once it is published, but for `retired_ns`.
 */
#ifndef CROOM_PANEL_IMPL_H
#define CROOM_PANEL_IMPL_H

#include <croom/panel.h>

enum { PANEL_LINE = 64 };

struct instance;

struct panel_slot {
	struct instance *instance;   /* one reference */
	uint64_t since_revision;
	int64_t since_ns;
};

struct panel_tail {
	struct panel *next;          /* in the queue of retired panels */
	int64_t retired_ns;          /* CLOCK_MONOTONIC */
};

/*
 * Entries and slots lie behind in one allocation. The tail has a line of its own: it is written when the panel is
 * retired, which is while lanes still run on it.
 */
struct panel {
	struct panel_tail tail;
	struct panel_slot *slot __attribute__((aligned(PANEL_LINE)));
	struct croom_panel pub;      /* last: the entries follow */
};

static inline struct panel *panel_of(const struct croom_panel *pub)
{
	return (struct panel *)(uintptr_t)((const char *)pub - __builtin_offsetof(struct panel, pub));
}

static inline struct croom_entry *panel_entry(struct panel *panel, uint32_t slot)
{
	return (struct croom_entry *)(void *)(&panel->pub + 1) + slot;
}

#endif
