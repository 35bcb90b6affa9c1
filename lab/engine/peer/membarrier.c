/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hazard pointer without a fence in the reader: the writer's membarrier(2) stops every core of the process instead.
 * Asymmetric fences as in folly; the call exists since Linux 4.14.
 */
#include "peer.h"
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

struct self {
	struct lab_handler *handler __attribute__((aligned(128)));
	struct lab_handler *old __attribute__((aligned(128)));
	struct lab_handler *hazard __attribute__((aligned(128)));
};

#include "stateless.h"

LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	struct lab_handler *handler;
	int rc;

	(void)local;
	do {
		handler = __atomic_load_n(&self->handler, __ATOMIC_RELAXED);
		__atomic_store_n(&self->hazard, handler, __ATOMIC_RELAXED);
		/* The processor may still reorder the two: unused() sees to that. */
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	} while (__builtin_expect(__atomic_load_n(&self->handler, __ATOMIC_ACQUIRE) != handler, 0));
	rc = handler->run(handler->ctx, record);
	__atomic_store_n(&self->hazard, NULL, __ATOMIC_RELEASE);
	return rc;
}

#include "loops.h"

static void publish(void *arg, uint64_t id)
{
	struct self *self = arg;

	self->old = self->handler;
	__atomic_store_n(&self->handler, lab_handler_new(self->old->run, id), __ATOMIC_RELEASE);
}

static void unused(void *arg)
{
	struct self *self = arg;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
		lab_die("membarrier failed");
	while (__atomic_load_n(&self->hazard, __ATOMIC_ACQUIRE) == self->old)
		lab_relax();
	lab_handler_free(self->old);
	self->old = NULL;
}

static void *open_self(lab_run_fn *run)
{
	struct self *self;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		return NULL;
	self = lab_alloc(sizeof(*self));
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

extern const struct lab_peer PEER;
const struct lab_peer PEER = { "membarrier", false, open_self, close_self, nothing, nothing, LAB_LOOPS, NULL, publish, unused };
