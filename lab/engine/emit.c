/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines that come out of the engine: one JSON object each, every raw figure, no statistics. */
#include "lab.h"
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct lab_case {
	json_t *line, *subjects, *params, *dropped, *round_trip, *counters;
	json_t *samples[64];
	const char *name[64];
	unsigned count, rounds;
};

bool lab_wrong;

/* json_real() refuses what is not a number; the front wants null for it. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static void put(json_t *line)
{
	if (!line || json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7)) || putchar('\n') == EOF || fflush(stdout))
		lab_die("cannot write to the standard output");
	json_decref(line);
}

struct lab_case *lab_case_open(const char *suite, const char *unit, const char *better, const char *reference, unsigned rounds,
			       const char *name, ...)
{
	struct lab_case *one = calloc(1, sizeof(*one));
	char text[128];
	va_list args;

	if (!one)
		lab_die("out of memory");
	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	one->line = json_pack("{ss ss ss ss ss ss}", "kind", "case", "suite", suite, "case", text, "unit", unit, "better", better,
			      "reference", reference);
	one->subjects = json_object();
	one->params = json_object();
	one->dropped = json_object();
	one->round_trip = json_array();
	one->counters = json_object();
	one->rounds = rounds;
	return one;
}

unsigned lab_case_subject(struct lab_case *one, const char *name, bool ours)
{
	json_t *samples = json_array();

	if (one->count == sizeof(one->samples) / sizeof(one->samples[0]))
		lab_die("too many subjects");
	for (unsigned i = 0; i < one->rounds; i++)
		json_array_append_new(samples, json_null());
	json_object_set_new(one->subjects, name, json_pack("{sb so}", "ours", ours, "samples", samples));
	one->name[one->count] = name;
	one->samples[one->count] = samples;
	return one->count++;
}

void lab_case_sample(struct lab_case *one, unsigned subject, unsigned round, double value)
{
	json_array_set_new(one->samples[subject], round, number(value));
}

void lab_case_dropped(struct lab_case *one, const char *why)
{
	json_int_t before = json_integer_value(json_object_get(one->dropped, why));

	json_object_set_new(one->dropped, why, json_integer(before + 1));
}

void lab_case_drop(struct lab_case *one, unsigned round, const char *why)
{
	lab_case_dropped(one, why);
	for (unsigned i = 0; i < one->count; i++)
		json_array_set_new(one->samples[i], round, json_null());
}

void lab_case_round_trip(struct lab_case *one, unsigned round, double ns)
{
	while (json_array_size(one->round_trip) < one->rounds)
		json_array_append_new(one->round_trip, json_null());
	json_array_set_new(one->round_trip, round, number(ns));
}

void lab_case_number(struct lab_case *one, const char *key, double value)
{
	json_object_set_new(one->params, key, number(value));
}

void lab_case_counter(struct lab_case *one, unsigned subject, const char *name, double value)
{
	json_t *of = json_object_get(one->counters, one->name[subject]);

	if (!of) {
		of = json_object();
		json_object_set_new(one->counters, one->name[subject], of);
	}
	json_object_set_new(of, name, number(value));
}

void lab_case_close(struct lab_case *one)
{
	json_object_set_new(one->line, "subjects", one->subjects);
	json_object_set_new(one->line, "params", one->params);
	json_object_set_new(one->line, "dropped", one->dropped);
	json_object_set_new(one->line, "round_trip_ns", one->round_trip);
	json_object_set_new(one->line, "counters", one->counters);
	put(one->line);
	free(one);
}

uint64_t lab_bucket_edge(unsigned bucket)
{
	unsigned octave = bucket / LAB_OCTAVE, in = bucket % LAB_OCTAVE;

	if (octave == 0)
		return in + 1;
	return (uint64_t)(LAB_OCTAVE + in + 1) << (octave - 1);
}

void lab_distribution(const char *suite, const char *name, const char *reference, const struct lab_subject_counts *subjects,
		      unsigned count)
{
	json_t *all = json_object(), *calls = json_object(), *swaps = json_object();

	for (unsigned i = 0; i < count; i++) {
		json_t *pairs = json_array();

		for (unsigned k = 0; k < LAB_BUCKETS; k++)
			if (subjects[i].counts->bucket[k])
				json_array_append_new(pairs, json_pack("[oI]", number(lab_ns(lab_bucket_edge(k))),
								       (json_int_t)subjects[i].counts->bucket[k]));
		json_object_set_new(all, subjects[i].name, json_pack("{sb so so}", "ours", subjects[i].ours, "counts", pairs,
								     "max", number(lab_ns(subjects[i].counts->max))));
		json_object_set_new(calls, subjects[i].name, number(subjects[i].calls));
		json_object_set_new(swaps, subjects[i].name, number(subjects[i].swaps));
	}
	put(json_pack("{ss ss ss ss ss so s{so so}}", "kind", "distribution", "suite", suite, "case", name, "unit", "ns",
		      "reference", reference, "subjects", all, "params", "calls", calls, "swaps", swaps));
}

void lab_skip(const char *suite, const char *what, const char *why)
{
	put(json_pack("{ss ss ss ss}", "kind", "skip", "suite", suite, "what", what, "why", why));
}

void lab_failed(const char *suite, const char *what, const char *why, ...)
{
	char text[256];
	va_list args;

	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	lab_wrong = true;
	put(json_pack("{ss ss ss ss}", "kind", "failed", "suite", suite, "what", what, "why", text));
}

void lab_progress(const char *suite, unsigned done, unsigned of, const char *what)
{
	put(json_pack("{ss ss si si ss}", "kind", "progress", "suite", suite, "done", (int)done, "of", (int)of, "what", what));
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void lab_machine(void)
{
	const char *why = lab_counters_start();
	json_t *there = json_array();
	double trip[25];

	for (int i = 0; i < LAB_COUNTERS; i++)
		if (lab_counter_there((enum lab_counter)i))
			json_array_append_new(there, json_string(lab_counter_name[i]));
	for (int i = 0; i < 25; i++)
		trip[i] = lab.cpu[0] == lab.cpu[1] ? NAN : lab_round_trip();
	qsort(trip, 25, sizeof(trip[0]), by_value);
	put(json_pack("{ss so so so s{sb ss so} s[ooo] s[ii]}", "kind", "machine", "tsc_hz", number(lab.ticks_per_ns * 1e9), "core_hz",
		      number(lab.core_hz), "two_reads_ns", number(lab.ticks_cost_ns), "counters", "available", why == NULL, "why",
		      why ? why : "", "there", there, "round_trip_ns", number(trip[6]), number(trip[12]), number(trip[18]), "cpus",
		      lab.cpu[0], lab.cpu[1]));
}
