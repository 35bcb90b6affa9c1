// SPDX-License-Identifier: BSD-2-Clause
/* The rig with one lane, for what begins on trial, waits, ends or is held: the test moves the lane and ticks the room. */
#ifndef TRIALS_H
#define TRIALS_H

#include "rig.h"
#include <croom/trial.h>
#include <time.h>

static struct croom_room *room;
static struct croom_lane *lane;
static const struct croom_panel *panel;
static struct croom_error err;
static const struct croom_swap_options at_once = { .wait_ms = 0 };

static const struct croom_class pure = { .name = "pure", .help = "returns N", .syntax = "N", CROOM_RUNS(gadget),
	.open = gadget_open, .close = gadget_close, .traits = CROOM_PURE };

static inline void begin(void)
{
	room = rig_open();
	CHECK_EQ(croom_room_class_add(room, "printer", &pure, NULL), 0);
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	panel = croom_lane_unpark(lane);
}

static inline void end(void)
{
	croom_lane_park(lane);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

static inline void observe(void)
{
	panel = croom_lane_observe(lane, panel);
}

/* A call in the panel that the lane has, new or not. */
static inline int call_there(void)
{
	note n = { .value = 7 };

	return croom_slot_call(printer, panel, &n);
}

static inline int call(void)
{
	observe();
	return call_there();
}

static inline int swap(const char *handler)
{
	return rig_swap(room, "printer", handler, &at_once, NULL, &err);
}

static inline int swap_filter(const char *handler)
{
	return rig_swap(room, "filter", handler, &at_once, NULL, &err);
}

static inline int try(const char *handler, enum croom_trial_kind kind, uint32_t one_in, const char *rules)
{
	struct croom_trial trial = { .kind = kind, .one_in = one_in };

	if (*rules)
		CHECK_EQ(croom_trial_parse(&trial, rules, &err), 0);
	return rig_swap(room, "printer", handler, &(struct croom_swap_options){ .trial = &trial }, NULL, &err);
}

static inline int confirming(const char *handler, int64_t ms)
{
	return rig_swap(room, "printer", handler, &(struct croom_swap_options){ .confirm_ms = ms }, NULL, &err);
}

/* What the newest revision came from, its note, and what it put into its first slot. */
struct newest {
	enum croom_cause cause;
	char note[256], to[64];
};

static inline int keep_newest(void *env, const struct croom_history_view *change)
{
	struct newest *newest = env;

	newest->cause = change->cause;
	snprintf(newest->note, sizeof(newest->note), "%s", change->note);
	snprintf(newest->to, sizeof(newest->to), "%s", change->changes ? change->change[0].to : "");
	return 0;
}

static inline struct newest newest(void)
{
	struct newest newest = { 0 };

	croom_room_each_change(room, 0, keep_newest, &newest);
	return newest;
}

static inline void sleep_ms(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* Until the room has made this revision by itself; the lane stays where it is. */
static inline void tick_until(uint64_t revision)
{
	while (croom_room_revision(room) < revision) {
		croom_room_tick(room);
		sleep_ms(1);
	}
}

/* The same, and the lane calls. */
static inline void run_until(uint64_t revision)
{
	while (croom_room_revision(room) < revision) {
		croom_room_tick(room);
		call();
		sleep_ms(1);
	}
}

#endif
