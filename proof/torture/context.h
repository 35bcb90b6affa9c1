/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a handler of the torture is: a context that says what it is, and a function that checks on every call that it
 * has been given its own context, alive, in its own slot. Also included by the plugin.
 *
 * All fields are plain: written before the room publishes the context, read by lanes, overwritten when it is closed.
 * That nothing else orders the two is the point: a missing order shows to ThreadSanitizer, a missing wait to the check.
 */
#ifndef TORTURE_CONTEXT_H
#define TORTURE_CONTEXT_H

#include <croom/panel.h>
#include <stdbool.h>
#include <stddef.h>

#define CONTEXT_ALIVE UINT64_C(0x600d600d600d600d)
#define CONTEXT_DEAD UINT64_C(0xdeaddeaddeaddead)

enum kind { KIND_RED, KIND_GREEN, KIND_BLUE, KIND_SOUR, KIND_LATE, KIND_PLUGIN, KINDS };

/* What a handler found wrong: bits of drop.wrong, in the order of enum finding. */
enum {
	WRONG_DEAD = 1,       /* the context has been closed */
	WRONG_FUNCTION = 2,   /* the context is another function's: a torn pair */
	WRONG_SLOT = 4,       /* it belongs into another slot */
	WRONG_STAMP = 8,      /* slots that are only ever changed together are of two transactions */
	WRONG_EMPTY = 16,     /* an entry of the panel was not written yet */
};

/* The record. `slot` and `group` are the lane's, for the handler to compare. */
typedef struct drop {
	uint64_t number;      /* on its lane, from 1 */
	uint64_t stamp;       /* what the first slot of the group had; 0: none was called yet */
	uint32_t slot;
	uint32_t group;       /* slots below this one are changed together */
	uint32_t wrong;
} drop;

CROOM_RECORD(drop, 1);

struct context {
	uint64_t alive;
	uint32_t kind, slot;
	uint64_t stamp;       /* number of the transaction: its config */
	uint64_t serial;      /* number of the context */
	uint64_t closed_at;   /* the newest revision then */
} __attribute__((aligned(64)));

static inline int context_judge(const struct context *context, drop *d, enum kind kind)
{
	uint32_t wrong = 0;

	if (context->alive != CONTEXT_ALIVE)
		wrong |= WRONG_DEAD;
	else if (context->kind != (uint32_t)kind)
		wrong |= WRONG_FUNCTION;
	else if (context->slot != d->slot)
		wrong |= WRONG_SLOT;
	else if (d->slot < d->group && d->stamp && d->stamp != context->stamp)
		wrong |= WRONG_STAMP;
	if (d->slot < d->group)
		d->stamp = context->stamp;
	d->wrong |= wrong;
	return (int)(context->serial & 0x7fffffff);
}

#endif
