/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controls, which cannot be replaced safely or at all: an empty loop, a direct call, a plain pointer and its
 * context. And the wire by itself. One of them per compilation, by -DPEER_...; SUFFIX and HANDLER name a variant
 * (retpolines, CET).
 */
#include "peer.h"
#include <croom/wire.h>

#ifndef SUFFIX
#define SUFFIX ""
#endif
#ifndef HANDLER
#define HANDLER lab_add
#endif
int HANDLER(void *ctx, void *record);

struct self {
	lab_run_fn *run __attribute__((aligned(128)));
	struct lab_context *ctx;
	struct lab_context *context[2];
};

#include "stateless.h"

#if defined(PEER_EMPTY)
#define NAME "empty loop"
#define OURS false
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	(void)self;
	(void)local;
	(void)record;
	return 0;
}
#elif defined(PEER_DIRECT)
#define NAME "direct call"
#define OURS false
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	(void)local;
	return HANDLER(self->ctx, record);
}
#elif defined(PEER_PLAIN)
#define NAME "plain pointer"
#define OURS false
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	(void)local;
	return self->run(self->ctx, record);
}
#elif defined(PEER_WIRE)
#define NAME "wire"
#define OURS true
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	lab_run_fn *run = croom_wire_get(&self->run);

	(void)local;
	return run(self->ctx, record);
}
#elif defined(PEER_WIRE_OFF)
#define NAME "wire, off"
#define OURS true
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	lab_run_fn *run = croom_wire_get(&self->run);

	(void)local;
	return __builtin_expect(run != NULL, 0) ? run(self->ctx, record) : 0;
}
#endif

#include "loops.h"

static void *open_self(lab_run_fn *run)
{
	struct self *self = lab_alloc(sizeof(*self));

	self->context[0] = lab_context_new(1);
	self->context[1] = lab_context_new(2);
	self->ctx = self->context[0];
	self->run = run == lab_add ? HANDLER : run;
#ifdef PEER_WIRE_OFF
	self->run = NULL;
#endif
	return self;
}

static void close_self(void *arg)
{
	struct self *self = arg;

	lab_context_free(self->context[0]);
	lab_context_free(self->context[1]);
	free(self);
}

#if defined(PEER_PLAIN) || defined(PEER_WIRE)
/* The same function again: what is timed is what a store does to those who load. */
static void publish(void *arg, uint64_t id)
{
	struct self *self = arg;

	(void)id;
	croom_wire_set(&self->run, croom_wire_get(&self->run));
}
#define PUBLISH publish
#else
#define PUBLISH NULL
#endif

extern const struct lab_peer PEER;
const struct lab_peer PEER = { NAME SUFFIX, OURS, open_self, close_self, nothing, nothing, LAB_LOOPS, NULL, PUBLISH, NULL };
