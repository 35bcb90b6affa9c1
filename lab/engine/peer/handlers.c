/* SPDX-License-Identifier: BSD-2-Clause */
/* What is called, in a file of its own so that no compiler pulls it into a loop. */
#include "peer.h"

int lab_add(void *ctx, void *record)
{
	const struct lab_context *context = ctx;
	const struct lab_record *r = record;

	return (int)(r->sum + context->step);
}

int lab_note(void *ctx, void *record)
{
	const struct lab_context *context = ctx;
	struct lab_record *r = record;

	if (context->id != r->last) {
		r->last = context->id;
		r->when = lab_ticks();
		__atomic_store_n(&r->seen, context->id, __ATOMIC_RELEASE);
	}
	return 0;
}
