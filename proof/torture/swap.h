/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread that swaps: what it asks for, and what it makes of the answers. */
#ifndef TORTURE_SWAP_H
#define TORTURE_SWAP_H

#include "torture.h"

struct swapper;

/* What is asked for in one go. */
struct request {
	struct croom_change change[CROOM_SLOTS_MAX];
	char handler[CROOM_SLOTS_MAX][32];
	unsigned count;
};

/* Answers that are no findings, beside 0, -ETIMEDOUT and -EBUSY. */
enum { MAY_BE_STALE = 1, MAY_BE_GONE = 2 };

struct swapper *swapper_new(void);
struct croom_swap_result *swapper_result(struct swapper *swapper);

/* Wait as long as a patient swap does, or not at all. */
int64_t swapper_wait_ms(struct luck *luck);

/* Around a swap: now and then one that waits comes alone. */
bool swapper_begins(struct luck *luck, int64_t wait_ms);
void swapper_ends(bool alone);

/* Judge what a swap, commit or rollback said; true when it has published. */
bool swapper_judge(struct swapper *swapper, struct luck *luck, int rc, int64_t wait_ms, const struct croom_error *err,
		   unsigned may);

/* Is this an answer that any change may get while others are under way: busy, or frozen? */
bool swap_must_wait(int rc, const struct croom_error *err);

uint64_t stamp_new(void);
void request_add(struct request *request, unsigned slot, const char *class, uint64_t stamp);
void request_group(struct request *request, struct luck *luck);
const char *class_any(struct luck *luck);
/* The first slot that may be changed alone; any of them. */
static inline unsigned slot_of_trials(void)
{
	return torture.group;
}
unsigned slot_alone(struct luck *luck);

#endif
