/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ours: a slot of a panel, without and with the observe that a lane does per record or per batch, and a slot with a guard or
 * a profile in it. One of them per compilation, by -DPEER_...
 */
#include "peer.h"
#include <croom/lane.h>
#include <croom/trial.h>
#include <errno.h>

#ifndef SUFFIX
#define SUFFIX ""
#endif
#ifndef HANDLER
#define HANDLER lab_add
#endif
int HANDLER(void *ctx, void *record);

typedef struct lab_record lab_record;
CROOM_RECORD(lab_record, 1);
CROOM_SLOT(handler, 0, lab_record);

static const struct croom_slot slots[] = { { .name = "handler", .help = "what is called", .type = handler_slot_type } };

struct self {
	struct croom_room *room;
	struct croom_lane *lane;
	const struct croom_panel *panel;
	lab_run_fn *run;
	uint64_t next_id, revision;
	struct croom_prepared *prepared;
};

struct local {
	const struct croom_panel *panel;
	unsigned count;
};

LAB_INLINE struct local begin(struct self *self)
{
	return (struct local){ croom_lane_observe(self->lane, self->panel), 0 };
}

LAB_INLINE void end(struct self *self, struct local *local)
{
	self->panel = local->panel;
}

#if defined(PEER_SLOT)
#define NAME "slot"
LAB_INLINE int call(struct self *self, struct local *local, struct lab_record *record)
{
	(void)self;
	return croom_slot_call(handler, local->panel, record);
}
#elif defined(PEER_WHERE)
#define NAME "slot, lane says where"
LAB_INLINE int call(struct self *self, struct local *local, struct lab_record *record)
{
	return croom_lane_call(handler, self->lane, local->panel, record);
}
#elif defined(PEER_OBSERVE) || defined(PEER_PREPARED)
#ifdef PEER_PREPARED
#define NAME "croom, prepared"
#else
#define NAME "slot and observe"
#endif
LAB_INLINE int call(struct self *self, struct local *local, struct lab_record *record)
{
	local->panel = croom_lane_observe(self->lane, local->panel);
	return croom_slot_call(handler, local->panel, record);
}
#elif defined(PEER_OBSERVE_32)
#define NAME "slot and observe per 32"
LAB_INLINE int call(struct self *self, struct local *local, struct lab_record *record)
{
	if (++local->count % 32 == 0)
		local->panel = croom_lane_observe(self->lane, local->panel);
	return croom_slot_call(handler, local->panel, record);
}
#elif defined(PEER_GUARD) || defined(PEER_GUARD_64) || defined(PEER_PROFILE)
#ifdef PEER_PROFILE
#define NAME "slot under profile, every call"
static const struct croom_trial trial = { .kind = CROOM_PROFILE, .sample = 1 };
#elif defined(PEER_GUARD)
#define NAME "slot under guard, 1 in 16"
static const struct croom_trial trial = { .kind = CROOM_GUARD, .rules = 2, .rule = {
	{ CROOM_RULE_LATENCY, 990000, 1000000000 }, { CROOM_RULE_ERROR_SHARE, 0, 1000 } } };
#else
#define NAME "slot under guard, 1 in 64"
static const struct croom_trial trial = { .kind = CROOM_GUARD, .sample = 64, .rules = 2, .rule = {
	{ CROOM_RULE_LATENCY, 990000, 1000000000 }, { CROOM_RULE_ERROR_SHARE, 0, 1000 } } };
#endif
#define TRIAL
LAB_INLINE int call(struct self *self, struct local *local, struct lab_record *record)
{
	(void)self;
	return croom_slot_call(handler, local->panel, record);
}
#endif

#include "loops.h"

static int handler_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct self *self = env;
	struct lab_context *context = lab_context_new(self->next_id);

	(void)config;
	(void)err;
	*ctx = context;
	return 0;
}

static void handler_close(void *ctx, void *env)
{
	(void)env;
	lab_context_free(ctx);
}

/* Other programs wait for a lane that is late; here it is late because the machine is. */
static bool again(const struct croom_error *err)
{
	if (err->code != -EBUSY)
		lab_die("a swap was refused: %s", err->text);
	return true;
}

static void publish(void *arg, uint64_t id)
{
	const struct croom_swap_options options = { .wait_ms = 0 };
	const struct croom_change change = { "handler", "add" };
	struct croom_error err;
	struct self *self = arg;

	self->next_id = id;
	while (croom_room_swap(self->room, &change, 1, &options, NULL, &err) && again(&err))
		;
#ifdef TRIAL
	while ((trial.kind == CROOM_PROFILE ?
		croom_room_profile(self->room, "handler", 0, trial.sample, &options, NULL, &err) :
		croom_room_swap(self->room, &change, 1, &(struct croom_swap_options){ .trial = &trial }, NULL, &err)) && again(&err))
		;
	self->revision++;
#endif
	self->revision++;
}

#ifdef PEER_PREPARED
static void prepare(void *arg, uint64_t id)
{
	const struct croom_change change = { "handler", "add" };
	struct croom_error err;
	struct self *self = arg;

	self->next_id = id;
	if (croom_room_prepare(self->room, &change, 1, NULL, &self->prepared, &err))
		lab_die("a swap was refused: %s", err.text);
}

static void commit(void *arg, uint64_t id)
{
	struct croom_error err;
	struct self *self = arg;

	(void)id;
	if (croom_room_commit(self->room, self->prepared, 0, NULL, &err))
		lab_die("a commit was refused: %s", err.text);
	self->revision++;
}
#define PREPARE prepare
#define PUBLISH commit
#else
#define PREPARE NULL
#define PUBLISH publish
#endif

static void unused(void *arg)
{
	struct self *self = arg;

	while (croom_room_poll(self->room, self->revision, NULL, NULL))
		lab_relax();
}

static void *open_self(lab_run_fn *run)
{
	struct self *self = lab_alloc(sizeof(*self));
	struct croom_class class = { .name = "add", .help = "adds", .type = handler_slot_type, .open = handler_open,
		.close = handler_close };

	/* The class may sit in any slot of its record. */
	class.type = lab_record_croom_type;
	self->run = run == lab_add ? HANDLER : run;
	class.run = self->run;
	if (croom_room_open(&self->room, "lab", slots, 1) || croom_room_class_add(self->room, "handler", &class, self) ||
	    croom_room_lane_add(self->room, "reader", &self->lane))
		lab_die("cannot make a room");
	self->revision = 1;
	publish(self, 1);
	return self;
}

static void enter(void *arg)
{
	struct self *self = arg;

	self->panel = croom_lane_unpark(self->lane);
}

static void leave(void *arg)
{
	struct self *self = arg;

	croom_lane_park(self->lane);
}

static void close_self(void *arg)
{
	struct self *self = arg;

	croom_room_close(self->room);
	free(self);
}

extern const struct lab_peer PEER;
const struct lab_peer PEER = { NAME SUFFIX, true, open_self, close_self, enter, leave, LAB_LOOPS, PREPARE,
	PUBLISH, unused };
