/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Userspace RCU (liburcu). One flavour per compilation, by -DPEER_QSBR, -DPEER_MEMB or -DPEER_BP. With QSBR a reader
 * says once per call that it holds nothing, as "slot and observe" does.
 */
#include "peer.h"
/* The read side inline, as its authors advise. */
#define _LGPL_SOURCE
#if defined(PEER_QSBR)
#define NAME "liburcu-qsbr"
#include <urcu/urcu-qsbr.h>
#define rcu(verb) urcu_qsbr_##verb
#elif defined(PEER_MEMB)
#define NAME "liburcu-memb"
#include <urcu/urcu-memb.h>
#define rcu(verb) urcu_memb_##verb
#elif defined(PEER_BP)
#define NAME "liburcu-bp"
#include <urcu/urcu-bp.h>
#define rcu(verb) urcu_bp_##verb
#endif
#include <urcu/pointer.h>

struct self {
	struct lab_handler *handler __attribute__((aligned(128)));
	struct lab_handler *old __attribute__((aligned(128)));
};

#include "stateless.h"

LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	const struct lab_handler *handler;
	int rc;

	(void)local;
	rcu(read_lock)();
	handler = rcu_dereference(self->handler);
	rc = handler->run(handler->ctx, record);
	rcu(read_unlock)();
#ifdef PEER_QSBR
	rcu(quiescent_state)();
#endif
	return rc;
}

#include "loops.h"

static void publish(void *arg, uint64_t id)
{
	struct self *self = arg;

	self->old = self->handler;
	rcu_assign_pointer(self->handler, lab_handler_new(self->old->run, id));
}

static void unused(void *arg)
{
	struct self *self = arg;

	rcu(synchronize_rcu)();
	lab_handler_free(self->old);
	self->old = NULL;
}

static void *open_self(lab_run_fn *run)
{
	struct self *self = lab_alloc(sizeof(*self));

	self->handler = lab_handler_new(run, 1);
	return self;
}

static void close_self(void *arg)
{
	struct self *self = arg;

	lab_handler_free(self->old);
	lab_handler_free(self->handler);
	free(self);
}

static void enter(void *self)
{
	(void)self;
	rcu(register_thread)();
}

static void leave(void *self)
{
	(void)self;
	rcu(unregister_thread)();
}

extern const struct lab_peer PEER;
const struct lab_peer PEER = { NAME, false, open_self, close_self, enter, leave, LAB_LOOPS, NULL, publish, unused };
