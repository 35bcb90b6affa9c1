// SPDX-License-Identifier: BSD-2-Clause
/*
 * lib/trial.c: who sees that a rule is broken sees the count that broke it.
 *
 * Weak, found by GenMC only: trial.breach.lane trial.breach.control
 */
#include "../../lib/trial.c"
#include "harness.h"

static struct trial trial;

static void begin(void)
{
	trial = (struct trial){ .is = { .rules = 1, .rule = { { .what = CROOM_RULE_ERRORS, .limit = 1 } } } };
}

static void *one(void *none)
{
	judge_count(&trial, &trial.errors, CROOM_RULE_ERRORS);
	return none;
}

static void *other(void *none)
{
	until(trial_broken(&trial));
	assert(croom_get_relaxed(&trial.errors) == 1);
	return none;
}

static void end(void)
{
}

/* What the rest of trial.c needs, and this does not call. */
void instance_put(struct instance *instance)
{
	(void)instance;
	assert(0);
}

void spec_put(struct spec *spec)
{
	(void)spec;
	assert(0);
}

int croom_error_set(struct croom_error *err, int code, enum croom_error_kind kind, const char *subject,
		    const char *format, ...)
{
	(void)err;
	(void)kind;
	(void)subject;
	(void)format;
	assert(0);
	return code;
}
