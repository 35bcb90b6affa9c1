/* SPDX-License-Identifier: BSD-2-Clause */
/* A trial's insides: trial.c has what lanes do with it, trial-text.c what people see of it, pending.c when it ends. */
#ifndef CROOM_TRIAL_IMPL_H
#define CROOM_TRIAL_IMPL_H

#include "room-impl.h"

struct trial {
	struct croom_trial is;
	struct croom_entry fresh, old;
	struct instance *fresh_instance, *old_instance;   /* one reference each until trial_end() */
	struct spec *fresh_spec, *old_spec;               /* one reference each */
	uint32_t refs;
	uint64_t revision;
	int64_t until_ns;                                 /* CLOCK_MONOTONIC; INT64_MAX: no end */
	uint64_t floor[CROOM_RULES_MAX];                  /* so many timed calls a quantile is taken of at least */
	struct trial *next_ending;                        /* ending.c */
	uint32_t slot;                                    /* which it was in */
	bool ending;                                      /* its new handler has taken over */
	bool gone;                                        /* and so has the wrapper */
	/* From here on lanes write. */
	uint32_t turn __attribute__((aligned(PANEL_LINE)));
	uint32_t canary_turn;
	uint64_t calls;
	uint64_t errors, differences, timed;
	uint64_t slow[CROOM_RULES_MAX];
	/* Read with every call and written once. */
	uint32_t breach __attribute__((aligned(PANEL_LINE)));
	uint64_t histogram[CROOM_HISTOGRAM] __attribute__((aligned(PANEL_LINE)));
};

/* The number of the broken rule and 1, or 0. Control side. */
unsigned trial_broken(const struct trial *trial);

/* Which rule, and by what; "" while none is. Control side. */
void trial_why(const struct trial *trial, char *text, size_t size);

/* 16 buckets for each power of two, exact below 16. */
static inline unsigned histogram_bucket(uint64_t value)
{
	unsigned power;

	if (value < 16)
		return (unsigned)value;
	power = 63 - (unsigned)__builtin_clzll(value);
	return (power - 3) * 16 + (unsigned)(value >> (power - 4) & 15);
}

#endif
