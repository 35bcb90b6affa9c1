// SPDX-License-Identifier: BSD-2-Clause
/*
 * The broken variants that are no matter of one ordered access: functions of the library that the linker wraps, so that
 * its other files call these here (--wrap in meson.build). Only here does the torture look at the library's insides.
 */
#include "broken.h"
#include "../../lib/room-impl.h"
#include <croom/trial.h>
#include <string.h>

enum { SELDOM = 16 };

/* The linker's names. */
void __real_retire(struct croom_room *room, struct panel *panel);
void __wrap_retire(struct croom_room *room, struct panel *panel);
struct panel *__real_panel_new(struct croom_room *room, uint64_t revision);
struct panel *__wrap_panel_new(struct croom_room *room, uint64_t revision);
void __real_panel_set(struct panel *panel, uint32_t slot, struct instance *instance, uint64_t since_revision,
		      int64_t since_ns);
void __wrap_panel_set(struct panel *panel, uint32_t slot, struct instance *instance, uint64_t since_revision,
		      int64_t since_ns);
void __real_panel_free(struct croom_room *room, struct panel *panel);
void __wrap_panel_free(struct croom_room *room, struct panel *panel);
void __real_history_add(struct croom_room *room, struct state *state);
void __wrap_history_add(struct croom_room *room, struct state *state);
struct class_entry *__real_find_class(const struct croom_room *room, uint32_t slot, const char *name, size_t length,
					    struct croom_error *err);
struct class_entry *__wrap_find_class(const struct croom_room *room, uint32_t slot, const char *name, size_t length,
					    struct croom_error *err);
struct instance *__real_trial_new(const struct croom_trial *is, struct instance *fresh, struct instance *old,
				  uint64_t revision);
struct instance *__wrap_trial_new(const struct croom_trial *is, struct instance *fresh, struct instance *old,
				  uint64_t revision);
uint64_t __real_lane_calls(const struct lane *lane, uint32_t slot, uint64_t since_revision);
uint64_t __wrap_lane_calls(const struct lane *lane, uint32_t slot, uint64_t since_revision);

static bool is_variant(const char *variant)
{
	return torture_broken && strcmp(torture_broken, variant) == 0;
}

/* Now and then. All of these run with the room's mutex held. */
static bool is_seldom(const char *variant)
{
	static unsigned turn;

	return is_variant(variant) && ++turn % SELDOM == 0;
}

void __wrap_retire(struct croom_room *room, struct panel *panel)
{
	if (is_variant("panel-reuse"))
		panel_free(room, panel);
	else
		__real_retire(room, panel);
}

struct panel *__wrap_panel_new(struct croom_room *room, uint64_t revision)
{
	struct panel *panel = __real_panel_new(room, revision);

	if (is_variant("publish-early") && panel) {
		__atomic_store_n(&room->wire, &panel->pub, __ATOMIC_SEQ_CST);
		torture_moment();
	}
	return panel;
}

void __wrap_panel_set(struct panel *panel, uint32_t slot, struct instance *instance, uint64_t since_revision,
		      int64_t since_ns)
{
	static struct croom_entry before[CROOM_SLOTS_MAX];
	struct croom_entry *entry = panel_entry(panel, slot), set;

	__real_panel_set(panel, slot, instance, since_revision, since_ns);
	set = *entry;
	if (before[slot].run && is_seldom("torn-pair"))
		entry->run = before[slot].run;
	if (before[slot].run && is_seldom("torn-swap"))
		*entry = before[slot];
	if (slot && is_seldom("wrong-slot"))
		entry[-1] = *entry;
	before[slot] = set;
}

void __wrap_panel_free(struct croom_room *room, struct panel *panel)
{
	const struct instance *instance = panel->slot[0].instance;

	if (is_seldom("never-closed"))
		return;
	if (instance && instance->refs == 1 && !instance->trial && is_seldom("closed-twice"))
		instance->spec->entry->class.close(instance->ctx, instance->spec->entry->env);
	__real_panel_free(room, panel);
}

void __wrap_history_add(struct croom_room *room, struct state *state)
{
	/* What it says of the change before it is then what was before that. */
	if (is_seldom("history-lost"))
		state->revision++;
	__real_history_add(room, state);
}

struct class_entry *__wrap_find_class(const struct croom_room *room, uint32_t slot, const char *name, size_t length,
					    struct croom_error *err)
{
	struct class_entry *entry = __real_find_class(room, slot, name, length, err);

	/* Registering one asks as well, and without an error to fill. */
	return entry || !err || !is_variant("class-guessed") ? entry : (struct class_entry *)&room->slot[slot].empty;
}

struct instance *__wrap_trial_new(const struct croom_trial *is, struct instance *fresh, struct instance *old,
				  uint64_t revision)
{
	struct instance *trial = __real_trial_new(is, fresh, old, revision);

	if (trial && old && is_variant("trial-loose"))
		old->refs--;
	return trial;
}

uint64_t __wrap_lane_calls(const struct lane *lane, uint32_t slot, uint64_t since_revision)
{
	return __real_lane_calls(lane, slot, since_revision) + is_variant("calls-wrong");
}
