/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trials: a handler that holds two others and decides for each record which of them runs.
 *
 *	fresh, old, kind, rules		set before the trial is published, constant from then on
 *	turn, canary_turn, calls	written by lanes, plainly: two that come together may count once
 *	errors, differences, timed,	added to by lanes with locked instructions, on calls that are timed, fail or differ:
 *	slow[], histogram[]		rare ones, but in a profile, whose very purpose is to time
 *	breach				0, or the broken rule's number and 1; written by a lane, read by lanes and the control side
 *
 * A breach takes effect on each lane with its next call: nobody has to be waited for, because both handlers are open as long
 * as a panel holds the trial. The control side then swaps the trial out, by and by. If a lane stops at any instruction, the
 * others go on; if the control side stops, lanes stay with the handler that they went back to.
 */
#include "room-impl.h"
#include "trial-impl.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One in `every`. relaxed: lanes share it; two at once may both take a turn, or leave it out. */
static inline bool turn(uint32_t *left, uint32_t every)
{
	uint32_t now = croom_get_relaxed(left);

	croom_set_relaxed(left, now ? now - 1 : every - 1);
	return now == 0;
}

static void breach(struct trial *trial, unsigned rule)
{
	/*
	 * pair: trial.breach -- release; the acquire is in trial_broken(), below: the counts that broke the rule are there. Lanes
	 * read it relaxed. Another lane may break another rule at the same moment; either number is true.
	 */
	croom_set_release(trial.breach.lane, &trial->breach, rule + 1);
}

static void judge_time(struct trial *trial, uint64_t ns)
{
	/* relaxed: counts; what they lead to is published by breach(). */
	uint64_t timed = croom_add_relaxed(&trial->timed, 1) + 1;

	croom_add_relaxed(&trial->histogram[histogram_bucket(ns)], 1);
	for (unsigned i = 0; i < trial->is.rules; i++) {
		const struct croom_rule *rule = &trial->is.rule[i];
		uint64_t slow;

		if (rule->what != CROOM_RULE_LATENCY || ns < rule->limit)
			continue;
		slow = croom_add_relaxed(&trial->slow[i], 1) + 1;
		if (slow * 1000000 > (1000000 - rule->quantile) * (timed > trial->floor[i] ? timed : trial->floor[i]))
			breach(trial, i);
	}
}

static void judge_count(struct trial *trial, uint64_t *counter, enum croom_rule_what what)
{
	/* relaxed: as above. */
	uint64_t count = croom_add_relaxed(counter, 1) + 1, calls = croom_get_relaxed(&trial->calls);

	for (unsigned i = 0; i < trial->is.rules; i++) {
		const struct croom_rule *rule = &trial->is.rule[i];

		if ((rule->what == what && count >= rule->limit) ||
		    (rule->what == CROOM_RULE_ERROR_SHARE && what == CROOM_RULE_ERRORS &&
		     count * 1000000 >= rule->limit * (calls > CROOM_RULE_CALLS ? calls : CROOM_RULE_CALLS)))
			breach(trial, i);
	}
}

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int fresh_call(struct trial *trial, void *record)
{
	bool timed = turn(&trial->turn, trial->is.sample);
	int64_t begun = timed ? clock_now() : 0;
	int result = trial->fresh.run(trial->fresh.ctx, record);

	if (timed)
		judge_time(trial, (uint64_t)(clock_now() - begun));
	/* relaxed: a count that may fall short; see above. */
	croom_set_relaxed(&trial->calls, croom_get_relaxed(&trial->calls) + 1);
	if (result < 0)
		judge_count(trial, &trial->errors, CROOM_RULE_ERRORS);
	return result;
}

static int trial_run(void *ctx, void *record)
{
	struct trial *trial = ctx;
	int result;

	/* relaxed: both handlers are open whatever it says. */
	if (__builtin_expect(croom_get_relaxed(&trial->breach), 0))
		return trial->old.run(trial->old.ctx, record);
	if (trial->is.kind == CROOM_SHADOW) {
		result = trial->old.run(trial->old.ctx, record);
		if (fresh_call(trial, record) != result)
			judge_count(trial, &trial->differences, CROOM_RULE_DIFFERENCES);
		return result;
	}
	if (trial->is.kind == CROOM_CANARY && !turn(&trial->canary_turn, trial->is.one_in))
		return trial->old.run(trial->old.ctx, record);
	return fresh_call(trial, record);
}

struct croom_entry croom_trial_inside(const struct croom_entry *entry)
{
	return entry->run == trial_run ? ((const struct trial *)entry->ctx)->fresh : *entry;
}

unsigned trial_broken(const struct trial *trial)
{
	/* pair: trial.breach -- acquire; the release is in breach(), above. */
	return croom_get_acquire(trial.breach.control, &trial->breach);
}

const char *trial_kind(const struct trial *trial)
{
	static const char *const kinds[] = { "guard", "canary", "shadow", "profile" };

	return kinds[trial->is.kind];
}

struct instance *trial_fresh(const struct trial *trial)
{
	return trial->fresh_instance;
}

struct instance *trial_old(const struct trial *trial)
{
	return trial->old_instance;
}

bool trial_on(const struct panel *panel, uint32_t slot)
{
	const struct trial *trial = panel->slot[slot].instance->trial;

	/* A profile goes back to nothing. */
	return trial && trial->old_instance;
}

static struct croom_entry entry_of(const struct instance *instance)
{
	return (struct croom_entry){ instance->run, instance->ctx };
}

/* A quantile that allows one call in a thousand needs a thousand to be told. The longest (1000000) allows none. */
static uint64_t rule_floor(const struct croom_rule *rule)
{
	uint64_t share = rule->quantile < 1000000 ? 1000000 / (1000000 - rule->quantile) : 0;

	return share > CROOM_RULE_SAMPLES ? share : CROOM_RULE_SAMPLES;
}

/* An open instance that holds both; takes references of its own. old NULL: a profile. */
struct instance *trial_new(const struct croom_trial *is, struct instance *fresh, struct instance *old, uint64_t revision)
{
	struct instance *instance = calloc(1, sizeof(*instance));
	struct trial *trial = aligned_alloc(PANEL_LINE, (sizeof(*trial) + PANEL_LINE - 1) / PANEL_LINE * PANEL_LINE);

	if (!instance || !trial) {
		free(instance);
		free(trial);
		return NULL;
	}
	memset(trial, 0, sizeof(*trial));
	trial->refs = 1;
	trial->is = *is;
	trial->is.sample = is->sample ? is->sample : CROOM_SAMPLE_DEFAULT;
	for (unsigned i = 0; i < is->rules; i++)
		trial->floor[i] = rule_floor(&is->rule[i]);
	trial->revision = revision;
	trial->until_ns = INT64_MAX;
	trial->fresh_instance = fresh;
	trial->old_instance = old;
	trial->fresh = entry_of(fresh);
	trial->fresh_spec = fresh->spec;
	fresh->refs++;
	fresh->spec->refs++;
	if (old) {
		trial->old = entry_of(old);
		trial->old_spec = old->spec;
		old->refs++;
		old->spec->refs++;
	}
	instance->refs = 1;
	instance->spec = fresh->spec;
	fresh->spec->refs++;
	instance->run = trial_run;
	instance->ctx = trial;
	instance->trial = trial;
	return instance;
}

void trial_begin(struct trial *trial)
{
	if (trial->is.for_ms > 0)
		trial->until_ns = clock_now() + (trial->is.for_ms < INT64_MAX / 2000000 ? trial->is.for_ms * 1000000 : INT64_MAX / 2);
}

struct trial *trial_get(struct trial *trial)
{
	trial->refs++;
	return trial;
}

void trial_put(struct trial *trial)
{
	if (!trial || --trial->refs)
		return;
	spec_put(trial->fresh_spec);
	spec_put(trial->old_spec);
	free(trial);
}

void trial_end(struct trial *trial)
{
	/* The way back stays open until it was looked at once more: endings_collect(). */
	if (trial->ending) {
		trial->gone = true;
		trial_put(trial);
		return;
	}
	instance_put(trial->fresh_instance);
	instance_put(trial->old_instance);
	trial->fresh_instance = trial->old_instance = NULL;
	trial_put(trial);
}

int trial_allowed(const struct croom_trial *trial, const struct instance *fresh, const struct instance *old, const char *slot,
		  struct croom_error *err)
{
	const unsigned apart = CROOM_PURE | CROOM_OWN_OUTPUT;
	const struct croom_class *bad = NULL;

	assert(trial->rules <= CROOM_RULES_MAX);
	if (trial->kind == CROOM_CANARY && (trial->one_in < 2 || trial->one_in > 1000000))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, slot, "a canary takes one record in 2 to 1000000, not in %u",
				       trial->one_in);
	if ((fresh->spec->entry->class.traits | old->spec->entry->class.traits) & CROOM_EXCLUSIVE)
		return croom_error_set(err, -ENOTSUP, CROOM_ERROR_OTHER, slot,
				       "%s=%s cannot be on trial: what it writes and what %s writes cannot stand in one output",
				       slot, fresh->spec->entry->name, old->spec->entry->name);
	if (trial->kind != CROOM_CANARY && trial->kind != CROOM_SHADOW)
		return 0;
	if (!(fresh->spec->entry->class.traits & apart))
		bad = &fresh->spec->entry->class;
	/* The old one sees every record in a shadow, but not in a canary. */
	else if (trial->kind == CROOM_CANARY && !(old->spec->entry->class.traits & apart))
		bad = &old->spec->entry->class;
	if (!bad)
		return 0;
	return croom_error_set(err, -ENOTSUP, CROOM_ERROR_OTHER, slot,
			       "%s=%s cannot be in a %s: its calls act on what others see, and two handlers at once would mix there; "
			       "use a guard", slot, bad->name, trial->kind == CROOM_CANARY ? "canary" : "shadow");
}
