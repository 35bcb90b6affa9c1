/* SPDX-License-Identifier: BSD-2-Clause */
/* Epoch-based reclamation of Concurrency Kit: a section per call. */
#include "peer.h"
#include <ck_epoch.h>

struct self {
	struct lab_handler *handler __attribute__((aligned(128)));
	struct lab_handler *old __attribute__((aligned(128)));
	ck_epoch_t epoch __attribute__((aligned(128)));
	ck_epoch_record_t reader __attribute__((aligned(128)));
	ck_epoch_record_t writer __attribute__((aligned(128)));
};

#include "stateless.h"

LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	const struct lab_handler *handler;
	int rc;

	(void)local;
	ck_epoch_begin(&self->reader, NULL);
	handler = __atomic_load_n(&self->handler, __ATOMIC_ACQUIRE);
	rc = handler->run(handler->ctx, record);
	ck_epoch_end(&self->reader, NULL);
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

	ck_epoch_synchronize(&self->writer);
	lab_handler_free(self->old);
	self->old = NULL;
}

static void *open_self(lab_run_fn *run)
{
	struct self *self = lab_alloc(sizeof(*self));

	self->handler = lab_handler_new(run, 1);
	ck_epoch_init(&self->epoch);
	ck_epoch_register(&self->epoch, &self->reader, NULL);
	ck_epoch_register(&self->epoch, &self->writer, NULL);
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
const struct lab_peer PEER = { "ck_epoch", false, open_self, close_self, nothing, nothing, LAB_LOOPS, NULL, publish, unused };
