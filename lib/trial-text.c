/* SPDX-License-Identifier: BSD-2-Clause */
/* Trials as people write and read them: rules, reasons, histograms. */
#include "trial-impl.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A decimal with up to six digits after the point, in millionths. Steps over it; false when there is none. */
static bool read_millionths(const char **at, uint64_t *value)
{
	const char *digit = *at;
	uint64_t whole = 0, unit = 1000000;

	if (*digit < '0' || *digit > '9')
		return false;
	for (; *digit >= '0' && *digit <= '9'; digit++) {
		if (whole > UINT64_C(1000000000))
			return false;
		whole = whole * 10 + (uint64_t)(*digit - '0');
	}
	*value = whole * unit;
	if (*digit == '.')
		for (digit++; *digit >= '0' && *digit <= '9'; digit++) {
			unit /= 10;
			*value += unit * (uint64_t)(*digit - '0');
		}
	*at = digit;
	return true;
}

static bool read_time(const char **at, uint64_t *ns)
{
	static const struct { const char *name; uint64_t ns; } units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { "m", UINT64_C(60) * 1000000000 },
		{ "h", UINT64_C(3600) * 1000000000 } };
	uint64_t value;

	if (!read_millionths(at, &value))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t length = strlen(units[i].name);

		if (strncmp(*at, units[i].name, length))
			continue;
		/* Up to a year, so that nothing overflows. */
		if (value / 1000000 > UINT64_C(366) * 86400 * 1000000000 / units[i].ns)
			return false;
		*at += length;
		*ns = units[i].ns >= 1000000 ? value * (units[i].ns / 1000000) : value * units[i].ns / 1000000;
		return true;
	}
	return false;
}

static bool skip(const char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*at, word, length))
		return false;
	*at += length;
	return true;
}

static bool read_count(const char **at, uint64_t low, uint64_t high, uint64_t *count)
{
	uint64_t value;

	if (!read_millionths(at, &value) || value % 1000000)
		return false;
	*count = value / 1000000;
	return *count >= low && *count <= high;
}

/* "pQ<TIME", "max<TIME", "errors<N", "errors<N%", "differ<N"; false: it is none of these. */
static bool read_rule(const char **at, struct croom_rule *rule)
{
	if (skip(at, "max<")) {
		*rule = (struct croom_rule){ .what = CROOM_RULE_LATENCY, .quantile = 1000000 };
		return read_time(at, &rule->limit) && rule->limit;
	}
	if (skip(at, "differ<")) {
		rule->what = CROOM_RULE_DIFFERENCES;
		return read_count(at, 1, UINT32_MAX, &rule->limit);
	}
	if (skip(at, "errors<")) {
		uint64_t value;

		if (!read_millionths(at, &value) || value == 0)
			return false;
		rule->what = skip(at, "%") ? CROOM_RULE_ERROR_SHARE : CROOM_RULE_ERRORS;
		/* Per cent in millionths are parts of a hundred million. */
		rule->limit = rule->what == CROOM_RULE_ERRORS ? value / 1000000 : value / 100;
		return rule->limit && (rule->what == CROOM_RULE_ERRORS ? value % 1000000 == 0 : rule->limit <= 1000000);
	}
	if (skip(at, "p")) {
		uint64_t value;

		if (!read_millionths(at, &value) || value >= 100 * 1000000 || !skip(at, "<"))
			return false;
		*rule = (struct croom_rule){ .what = CROOM_RULE_LATENCY, .quantile = (uint32_t)(value / 100) };
		return read_time(at, &rule->limit) && rule->limit;
	}
	return false;
}

static bool read_part(const char **at, struct croom_trial *trial)
{
	uint64_t value;

	if (skip(at, "for=")) {
		if (!read_time(at, &value) || value < 1000000)
			return false;
		trial->for_ms = (int64_t)(value / 1000000);
		return true;
	}
	if (skip(at, "sample=")) {
		if (!read_count(at, 1, 1000000, &value))
			return false;
		trial->sample = (uint32_t)value;
		return true;
	}
	if (!read_rule(at, &trial->rule[trial->rules]))
		return false;
	trial->rules++;
	return true;
}

int croom_trial_parse(struct croom_trial *trial, const char *text, struct croom_error *err)
{
	const char *at = text, *part = text;

	trial->rules = 0;
	trial->for_ms = 0;
	trial->sample = 0;
	for (;;) {
		bool full = trial->rules == CROOM_RULES_MAX && strncmp(at, "for=", 4) && strncmp(at, "sample=", 7);

		if (full || !read_part(&at, trial) || (*at && *at != ',')) {
			croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, full ? "more than %d rules at '%.40s'" :
					"%.0d'%.40s' is none of p99<5us, max<1ms, errors<0.1%%, errors<10, differ<5, for=10s, sample=64",
					full ? CROOM_RULES_MAX : 0, part);
			if (err)
				err->offset = (int)(part - text);
			return -EINVAL;
		}
		if (!*at)
			return 0;
		part = ++at;
	}
}

static size_t add(char *text, size_t size, size_t used, const char *format, ...) __attribute__((format(printf, 4, 5)));
static size_t add(char *text, size_t size, size_t used, const char *format, ...)
{
	va_list args;
	int length;

	if (used >= size)
		return used;
	va_start(args, format);
	length = vsnprintf(text + used, size - used, format, args);
	va_end(args);
	return used + (size_t)length;
}

static size_t add_time(char *text, size_t size, size_t used, uint64_t ns)
{
	if (ns < 1000)
		return add(text, size, used, "%lluns", (unsigned long long)ns);
	if (ns < 1000000)
		return add(text, size, used, "%.3gus", (double)ns / 1e3);
	if (ns < 1000000000)
		return add(text, size, used, "%.3gms", (double)ns / 1e6);
	return add(text, size, used, "%.6gs", (double)ns / 1e9);
}

static size_t add_rule(char *text, size_t size, size_t used, const struct croom_rule *rule)
{
	if (rule->what == CROOM_RULE_LATENCY) {
		used = rule->quantile == 1000000 ? add(text, size, used, "max<") :
		       add(text, size, used, "p%g<", (double)rule->quantile / 1e4);
		return add_time(text, size, used, rule->limit);
	}
	if (rule->what == CROOM_RULE_ERROR_SHARE)
		return add(text, size, used, "errors<%g%%", (double)rule->limit / 1e4);
	return add(text, size, used, "%s<%llu", rule->what == CROOM_RULE_ERRORS ? "errors" : "differ",
		   (unsigned long long)rule->limit);
}

/* For the history: "guard p99<5us,for=10s". */
void trial_describe(const struct croom_trial *trial, char *text, size_t size)
{
	static const char *const kinds[] = { "guard", "canary", "shadow", "profile" };
	size_t used = add(text, size, 0, "%s", kinds[trial->kind]);

	if (trial->kind == CROOM_CANARY)
		used = add(text, size, used, " 1/%u", trial->one_in);
	for (unsigned i = 0; i < trial->rules; i++)
		used = add_rule(text, size, add(text, size, used, "%s", i ? "," : " "), &trial->rule[i]);
	if (trial->for_ms)
		add_time(text, size, add(text, size, used, "%sfor=", trial->rules ? "," : " "), (uint64_t)trial->for_ms * 1000000);
}

void trial_why(const struct trial *trial, char *text, size_t size)
{
	unsigned broken = trial_broken(trial);
	const struct croom_rule *rule = broken ? &trial->is.rule[broken - 1] : NULL;
	/* relaxed: at least what they were when the rule broke; see breach(), trial.c. */
	uint64_t calls = croom_get_relaxed(&trial->calls), timed = croom_get_relaxed(&trial->timed);
	size_t used;

	text[0] = 0;
	if (!rule)
		return;
	used = add_rule(text, size, 0, rule);
	if (rule->what == CROOM_RULE_LATENCY) {
		/* relaxed: as above. */
		used = add(text, size, used, " is broken: %llu of %llu timed calls took longer, the longest ",
			   (unsigned long long)croom_get_relaxed(&trial->slow[broken - 1]), (unsigned long long)timed);
		add_time(text, size, used, croom_histogram_quantile(trial->histogram, 1));
	} else {
		/* relaxed: as above. */
		uint64_t count = rule->what == CROOM_RULE_DIFFERENCES ? croom_get_relaxed(&trial->differences) :
				 croom_get_relaxed(&trial->errors);

		add(text, size, used, " is broken: %llu of %llu calls %s", (unsigned long long)count, (unsigned long long)calls,
		    rule->what == CROOM_RULE_DIFFERENCES ? "differed" : "failed");
	}
}

uint64_t croom_histogram_ns(unsigned bucket)
{
	unsigned power = bucket / 16 + 3;

	if (bucket < 16)
		return bucket;
	return power > 63 ? UINT64_MAX : ((UINT64_C(16) + bucket % 16 + 1) << (power - 4)) - 1;
}

uint64_t croom_histogram_quantile(const uint64_t *histogram, double share)
{
	uint64_t total = 0, wanted, seen = 0;

	/* relaxed: lanes may still be counting. */
	for (unsigned i = 0; i < CROOM_HISTOGRAM; i++)
		total += croom_get_relaxed(&histogram[i]);
	wanted = (uint64_t)(share * (double)total);
	if ((double)wanted < share * (double)total)
		wanted++;
	for (unsigned i = 0; i < CROOM_HISTOGRAM && total; i++) {
		/* relaxed: as above. */
		seen += croom_get_relaxed(&histogram[i]);
		if (seen && seen >= wanted)
			return croom_histogram_ns(i);
	}
	return 0;
}

static void view_fill(const struct trial *trial, struct croom_trial_view *view)
{
	int64_t left = trial->until_ns == INT64_MAX ? -1 : (trial->until_ns - clock_ns(CLOCK_MONOTONIC)) / 1000000;

	/* relaxed: figures of lanes that go on counting. */
	*view = (struct croom_trial_view){ .kind = trial->is.kind, .broken = trial_broken(trial) != 0,
		.revision = trial->revision, .left_ms = left < 0 && trial->until_ns != INT64_MAX ? 0 : left,
		.calls = croom_get_relaxed(&trial->calls), .errors = croom_get_relaxed(&trial->errors),
		.differences = croom_get_relaxed(&trial->differences), .timed = croom_get_relaxed(&trial->timed) };
	/* relaxed: as above. */
	for (unsigned i = 0; i < CROOM_HISTOGRAM; i++)
		view->histogram[i] = croom_get_relaxed(&trial->histogram[i]);
	snprintf(view->fresh, sizeof(view->fresh), "%s", trial->fresh_spec->text);
	snprintf(view->old, sizeof(view->old), "%s", trial->old_spec ? trial->old_spec->text : "");
	trial_why(trial, view->why, sizeof(view->why));
}

int croom_room_trial(struct croom_room *room, const char *slot, struct croom_trial_view *view, struct croom_error *err)
{
	const struct trial *trial;
	uint32_t index;
	int rc;

	if (err)
		memset(err, 0, sizeof(*err));
	pthread_mutex_lock(&room->mutex);
	rc = find_slot(room, slot, &index, err);
	if (rc == 0) {
		trial = room->slot[index].last_trial;
		if (trial)
			view_fill(trial, view);
		else
			rc = croom_error_set(err, -ENODATA, CROOM_ERROR_OTHER, slot, "slot %s has had no trial", slot);
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}
