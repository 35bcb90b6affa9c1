/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transaction: everything that can fail is done before anything is visible.
 *
 * Handlers are opened, the panel, the history's entry and the way back are made; from plan_publish() on nothing can fail.
 * If this thread stops before the store in publish(), nothing has changed; after it, the lanes move by themselves, and
 * whoever calls the room next closes what is left.
 */
#include "room-impl.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * pair: room.publish -- release; the acquires are in croom_lane_observe(), lane.h, and croom_lane_move(), lane.c.
 * pair: lane.unpark -- and seq_cst, because lane_look() must not read `observed` before this store is visible.
 */
static void publish(struct croom_room *room, struct panel *panel)
{
	struct panel *old = room->panel;

	room->panel = panel;
	croom_set_seq(lane.unpark.publish, &room->wire, &panel->pub);
	retire(room, old);
}

int out_of_memory(struct croom_error *err)
{
	return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory; nothing was changed");
}

/* May an operator's panel be published now, and is `expect` (0: any) the current one? */
int may_publish(struct croom_room *room, uint64_t expect, struct croom_error *err)
{
	uint64_t current = room->panel->pub.revision;

	if (expect && expect != current) {
		croom_error_set(err, -ESTALE, CROOM_ERROR_WRONG_REVISION, NULL,
				"revision %llu was expected, but %llu is current: look at what changed and ask again",
				(unsigned long long)expect, (unsigned long long)current);
		if (err)
			err->revision = current;
		return -ESTALE;
	}
	collect(room);
	pending_settle(room);
	if (room->retired >= CROOM_RETIRED_MAX) {
		int64_t late_ns;
		const struct lane *late = late_lane(room, current, &late_ns);

		croom_error_set(err, -EBUSY, CROOM_ERROR_BUSY, late ? late->name : "",
				"%u older panels wait for lane %s, which has not moved for %.1f s; nothing was changed",
				room->retired, late ? late->name : "?", (double)late_ns / 1e9);
		return -EBUSY;
	}
	return 0;
}

int may_change(struct croom_room *room, enum croom_cause cause, struct croom_error *err)
{
	const struct pending *pending = room->pending;

	/* What goes back by itself must not be kept from it. */
	if (cause == CROOM_BY_BREACH || cause == CROOM_BY_UNCONFIRMED || cause == CROOM_BY_UNOBSERVED)
		return 0;
	if (room->frozen)
		return croom_error_set(err, -EPERM, CROOM_ERROR_FROZEN, NULL, "the room is frozen: %s; thaw it first", room->frozen);
	/* A rollback is an answer, and the end of a trial changes nothing that is to be confirmed. */
	if (!pending || cause != CROOM_BY_SWAP)
		return 0;
	croom_error_set(err, -EBUSY, CROOM_ERROR_UNCONFIRMED, NULL, pending->confirm_by_ns != INT64_MAX ?
			"revision %llu waits to be confirmed: confirm it or roll back, then ask again" :
			"revision %llu waits for its lanes and may go back yet: ask again in a moment",
			(unsigned long long)pending->revision);
	if (err)
		err->revision = pending->revision;
	return -EBUSY;
}

static int plan_start(struct plan *plan, struct croom_room *room, int rc, const struct croom_swap_options *options,
		      enum croom_cause cause, const char *note, struct croom_error *err)
{
	plan->room = room;
	plan->err = err;
	plan->dry = options && options->dry_run;
	plan->state = NULL;
	plan->panel = NULL;
	plan->pending = NULL;
	memset(plan->instance, 0, room->slots * sizeof(plan->instance[0]));
	if (rc == 0)
		rc = may_change(room, cause, err);
	if (rc)
		return rc;
	plan->state = state_new(room, room->panel->pub.revision + 1, options ? options->origin : NULL, cause, note ? note : "");
	return plan->state ? 0 : out_of_memory(err);
}

int plan_begin(struct plan *plan, struct croom_room *room, const struct croom_swap_options *options, enum croom_cause cause,
	       const char *note, struct croom_error *err)
{
	return plan_start(plan, room, may_publish(room, options ? options->expect : 0, err), options, cause, note, err);
}

/*
 * A lane that hangs may hang because of what is to go back. There are only so many of these: an operator's change has begun
 * each of them, and he is refused when CROOM_RETIRED_MAX panels wait.
 */
int plan_begin_own(struct plan *plan, struct croom_room *room, enum croom_cause cause, const char *note)
{
	return plan_start(plan, room, 0, NULL, cause, note, NULL);
}

/* Close what was opened for a plan and is not (or not only) in force. */
void plan_end(struct plan *plan)
{
	for (unsigned i = 0; i < plan->room->slots; i++)
		instance_put(plan->instance[i]);
	if (plan->panel)
		panel_free(plan->room, plan->panel);
	pending_free(plan->pending);
	state_free(plan->room, plan->state);
}

static void plan_note_change(struct plan *plan, uint32_t slot, struct spec *spec)
{
	struct state *state = plan->state;
	struct spec *from = plan->room->panel->slot[slot].instance->spec;

	from->refs++;
	state->changed[state->changes] = slot;
	state->from[state->changes++] = from;
	state->spec[slot] = spec;
}

/* Put this spec into the slot; the plan takes over the caller's reference, also on failure. */
static int plan_set(struct plan *plan, uint32_t slot, struct spec *spec)
{
	const char *name = plan->room->slot[slot].def->name;

	plan_note_change(plan, slot, spec);
	if (plan->dry && spec->entry->class.check)
		return instance_check(spec, name, plan->err);
	return instance_open(&plan->instance[slot], spec, name, plan->err);
}

/* Put a handler that is open already into the slot. Cannot fail; says so for the sake of its callers. */
int plan_put(struct plan *plan, uint32_t slot, struct instance *instance)
{
	instance->spec->refs++;
	plan_note_change(plan, slot, instance->spec);
	instance->refs++;
	plan->instance[slot] = instance;
	return 0;
}

int plan_quarantined(struct plan *plan, uint32_t slot, const char *handler)
{
	const char *name = plan->room->slot[slot].def->name;
	char subject[2 * CROOM_NAME_MAX + 2];

	for (const struct quarantined *one = plan->room->quarantined; one; one = one->next)
		if (one->slot == slot && strcmp(one->handler, handler) == 0) {
			snprintf(subject, sizeof(subject), "%s=%s", name, handler);
			return croom_error_set(plan->err, -EACCES, CROOM_ERROR_QUARANTINED, subject,
					       "%s=%.100s is quarantined: %s; pardon it first", name, handler, one->why);
		}
	return 0;
}

int plan_change(struct plan *plan, const struct croom_change *change)
{
	size_t class = strcspn(change->handler, ":");
	struct class_entry *entry;
	struct spec *spec;
	uint32_t slot;
	int rc = find_slot(plan->room, change->slot, &slot, plan->err);

	if (rc)
		return rc;
	if (plan->state->spec[slot])
		return croom_error_set(plan->err, -EINVAL, CROOM_ERROR_OTHER, change->slot,
				       "slot %s is named twice; name it once", change->slot);
	entry = find_class(plan->room, slot, change->handler, class, plan->err);
	if (!entry)
		return -ENOENT;
	if (strlen(change->handler) > class + 1 + CROOM_CONFIG_MAX) {
		char subject[2 * CROOM_NAME_MAX + 2];

		snprintf(subject, sizeof(subject), "%s=%s", change->slot, entry->name);
		return croom_error_set(plan->err, -EINVAL, CROOM_ERROR_BAD_CONFIG, subject,
				       "%s: the config is longer than %d bytes", subject, CROOM_CONFIG_MAX);
	}
	rc = plan_quarantined(plan, slot, change->handler);
	if (rc)
		return rc;
	spec = spec_new(entry, change->handler, class);
	return spec ? plan_set(plan, slot, spec) : out_of_memory(plan->err);
}

/* The handler that was opened for this spec, if it is still open because a change may have to go back to it. */
static struct instance *warm(const struct croom_room *room, uint32_t slot, const struct spec *spec)
{
	const struct trial *trial = room->panel->slot[slot].instance->trial;
	struct instance *old = trial ? trial_old(trial) : NULL;

	if (old && old->spec == spec)
		return old;
	for (unsigned i = 0; room->pending && i < room->pending->count; i++)
		if (room->pending->back[i].slot == slot && room->pending->back[i].instance->spec == spec)
			return room->pending->back[i].instance;
	return NULL;
}

/* What this slot held then: as it is still open, or opened anew, from the class of that name. */
static int plan_back(struct plan *plan, uint32_t slot, struct spec *spec)
{
	struct instance *instance = warm(plan->room, slot, spec);
	struct class_entry *entry;

	if (instance)
		return plan_put(plan, slot, instance);
	if (!spec->entry->removed) {
		spec->refs++;
		return plan_set(plan, slot, spec);
	}
	/* Its class has gone; one of the same name may have come since. */
	entry = find_class(plan->room, slot, spec->text, strcspn(spec->text, ":"), NULL);
	if (!entry)
		return croom_error_set(plan->err, -ENOENT, CROOM_ERROR_UNKNOWN_CLASS, spec->entry->name,
				       "slot %s had %s then, and that class has gone: load the plugin that had it, or go to another revision",
				       plan->room->slot[slot].def->name, spec->entry->name);
	spec = spec_new(entry, spec->text, strcspn(spec->text, ":"));
	return spec ? plan_set(plan, slot, spec) : out_of_memory(plan->err);
}

/* Open anew what differs between now and then; a slot that has kept its spec keeps its handler. */
int plan_rollback(struct plan *plan, uint64_t to_revision)
{
	struct croom_room *room = plan->room;
	uint64_t current = room->panel->pub.revision;
	uint64_t target = to_revision ? to_revision : current - 1;
	const struct state *then = target && target < current ? history_find(room, target) : NULL;
	int rc = 0;

	if (!then) {
		if (target == current || target == 0)
			return croom_error_set(plan->err, -ENODATA, CROOM_ERROR_NO_HISTORY, NULL, target ?
					       "revision %llu is the current one" :
					       "revision %llu: there is nothing before the first", (unsigned long long)target);
		return croom_error_set(plan->err, -ENODATA, CROOM_ERROR_NO_HISTORY, NULL,
				       "revision %llu is not in the history, which holds the last %u changes",
				       (unsigned long long)target, room->states - 1);
	}
	plan->state->rollback_to = target;
	for (uint32_t i = 0; i < room->slots && rc == 0; i++) {
		if (then->spec[i] == room->panel->slot[i].instance->spec)
			continue;
		rc = plan_quarantined(plan, i, then->spec[i]->text);
		if (rc == 0)
			rc = plan_back(plan, i, then->spec[i]);
	}
	return rc;
}

/* Let the one new handler begin inside a trial. */
static int plan_trial(struct plan *plan, const struct croom_trial *trial)
{
	uint32_t slot = plan->state->changed[0];
	struct instance *old = plan->room->panel->slot[slot].instance, *fresh = plan->instance[slot], *wrapper;
	const char *name = plan->room->slot[slot].def->name;
	int rc;

	if (plan->state->changes != 1)
		return croom_error_set(plan->err, -EINVAL, CROOM_ERROR_OTHER, NULL,
				       "a guard, canary or shadow takes one change, not %u: swap the others apart", plan->state->changes);
	if (old->trial)
		return croom_error_set(plan->err, -EBUSY, CROOM_ERROR_OTHER, name,
				       "slot %s has a %s already: promote it or roll back first", name, trial_kind(old->trial));
	/* A dry run has opened nothing to ask. */
	if (!fresh)
		return 0;
	rc = trial_allowed(trial, fresh, old, name, plan->err);
	if (rc)
		return rc;
	wrapper = trial_new(trial, fresh, old, plan->state->revision);
	if (!wrapper)
		return out_of_memory(plan->err);
	instance_put(fresh);
	plan->instance[slot] = wrapper;
	return 0;
}

static bool on_trial(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->room->slots; i++)
		if (trial_on(plan->panel, i))
			return true;
	return false;
}

/* Everything is open: make the panel, and the way back. */
int plan_panel(struct plan *plan, const struct croom_swap_options *options)
{
	struct croom_room *room = plan->room;
	int rc = options && options->trial ? plan_trial(plan, options->trial) : 0;

	if (rc || plan->dry)
		return rc;
	plan->panel = panel_new(room, plan->state->revision);
	if (!plan->panel)
		return out_of_memory(plan->err);
	for (uint32_t i = 0; i < room->slots; i++) {
		const struct panel_slot *was = &room->panel->slot[i];

		if (plan->instance[i]) {
			panel_set(plan->panel, i, plan->instance[i], plan->state->revision, plan->state->time_ns);
		} else {
			panel_set(plan->panel, i, was->instance, was->since_revision, was->since_ns);
			plan->state->spec[i] = was->instance->spec;
			plan->state->spec[i]->refs++;
		}
	}
	if (options && (options->confirm_ms > 0 || options->observe_ms > 0)) {
		plan->pending = pending_new(plan, options);
		if (!plan->pending)
			return out_of_memory(plan->err);
	}
	return 0;
}

/*
 * Does this plan settle what waits: does it change one of its slots for good? The end of a trial does not; but that of a shadow
 * may take all of it back, and then nothing is left to be confirmed.
 */
static bool settles(const struct plan *plan, const struct pending *pending)
{
	bool trial = plan->state->cause == CROOM_BY_END_OF_TRIAL || plan->state->cause == CROOM_BY_PROFILE;
	unsigned back = 0;

	for (unsigned i = 0; i < pending->count; i++) {
		const struct instance *now = plan->instance[pending->back[i].slot];

		if (now && !trial)
			return true;
		back += now == pending->back[i].instance;
	}
	return back && back == pending->count;
}

/* The time of a trial runs from here; what it finds stays readable when it has gone. */
static bool trials_begin(const struct plan *plan)
{
	bool any = false;

	for (uint32_t i = 0; i < plan->room->slots; i++)
		if (plan->instance[i] && plan->instance[i]->trial) {
			trial_begin(plan->instance[i]->trial);
			trial_put(plan->room->slot[i].last_trial);
			plan->room->slot[i].last_trial = trial_get(plan->instance[i]->trial);
			any = true;
		}
	return any;
}

/* A trial whose new handler takes over is over when every lane has left it. */
static bool trials_ending(const struct plan *plan)
{
	struct croom_room *room = plan->room;
	bool any = false;

	for (uint32_t i = 0; i < room->slots; i++) {
		struct trial *trial = room->panel->slot[i].instance->trial;

		if (trial && trial_old(trial) && plan->instance[i] == trial_fresh(trial)) {
			ending_begin(room, i, trial);
			any = true;
		}
	}
	return any;
}

/* Publish and remember it; cannot fail. */
void plan_publish(struct plan *plan)
{
	struct croom_room *room = plan->room;
	struct pending *over = room->pending && settles(plan, room->pending) ? room->pending : NULL;
	bool timed = plan->pending != NULL;

	if (over)
		room->pending = NULL;
	if (plan->pending) {
		pending_begin(plan->pending);
		room->pending = plan->pending;
		plan->pending = NULL;
	}
	timed |= trials_begin(plan);
	timed |= trials_ending(plan);
	plan->state->trusted = !on_trial(plan) && (!room->pending || room->pending->confirm_by_ns == INT64_MAX);
	event_change(room, CROOM_EVENT_INTENT, plan->panel, plan->state);
	publish(room, plan->panel);
	plan->panel = NULL;
	history_add(room, plan->state);
	box_update(room, false);
	event_change(room, CROOM_EVENT_CHANGED, room->panel, plan->state);
	plan->state = NULL;
	/* What it kept open may be closed by this, or with the panel that was just retired. */
	pending_free(over);
	if (timed && room->tick_wanted)
		room->tick_wanted(room->tick_env);
}
