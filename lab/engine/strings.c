/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registries of strings: by id and by bytes, where everything is in the cache and among a million in random order. The
 * answer of every look-up is compared; a wrong one fails the run.
 */
#include "peer/strings.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 1000000, FEW = 512, LOOKS = 2048, NEW = 512, PEERS_MAX = 4, TEXT = 40 };

static struct {
	const struct lab_strings *peer;
	void *self;
	uint32_t *id;          /* of the n-th string */
} registry[PEERS_MAX];

/* Addresses, as a packet tap interns them: 12 to 21 bytes. */
static size_t text_of(char text[TEXT], unsigned set, uint32_t n)
{
	return (size_t)snprintf(text, TEXT, "10.%u.%u.%u:%u", n >> 16 & 255, n >> 8 & 255, n & 255, 1000 + set);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static char (*texts)[TEXT];
static size_t *lengths;
static uint32_t *picks;

static double look_up(unsigned i, bool by_bytes)
{
	uint64_t sum = 0, want = 0, start = lab_ticks(), took;

	for (unsigned k = 0; k < LOOKS; k++)
		sum += by_bytes ? registry[i].peer->find(registry[i].self, texts[k], lengths[k]) :
				  registry[i].peer->get(registry[i].self, registry[i].id[picks[k]]);
	took = lab_ticks() - start;
	for (unsigned k = 0; k < LOOKS; k++)
		want += by_bytes ? registry[i].id[picks[k]] : '1' + lengths[k];
	if (sum != want)
		lab_failed("strings", registry[i].peer->name, "a look-up gave another string");
	return lab_ns(took) / LOOKS;
}

static void lookups(const char *name, bool by_bytes, uint32_t among, unsigned rounds)
{
	struct lab_case *one = lab_case_open("strings", "ns", "lower", "std::unordered_map and shared_mutex", rounds, "%s", name);
	unsigned subject[PEERS_MAX];
	uint64_t seed = 88172645463325252;

	for (unsigned i = 0; i < lab_strings_count; i++)
		subject[i] = lab_case_subject(one, registry[i].peer->name, registry[i].peer->ours);
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned k = 0; k < LOOKS; k++) {
			picks[k] = (uint32_t)(next(&seed) % among);
			lengths[k] = text_of(texts[k], 0, picks[k]);
		}
		for (unsigned tries = 0; tries < LAB_TRIES; tries++) {
			struct lab_guard guard;
			const char *why;

			lab_guard_begin(&guard, false);
			for (unsigned i = 0; i < lab_strings_count; i++) {
				unsigned at = (i + round) % lab_strings_count;

				/* Warm means warm: the same look-ups just before. */
				if (among == FEW)
					look_up(at, by_bytes);
				lab_case_sample(one, subject[at], round, look_up(at, by_bytes));
			}
			why = lab_guard_end(&guard, false);
			if (!why)
				break;
			lab_case_drop(one, round, why);
		}
	}
	lab_case_number(one, "strings", among);
	lab_case_close(one);
}

/* New strings, in a registry that has a million already. */
static void interns(unsigned rounds)
{
	struct lab_case *one = lab_case_open("strings", "ns", "lower", "std::unordered_map and shared_mutex", rounds, "intern");
	unsigned subject[PEERS_MAX];

	for (unsigned i = 0; i < lab_strings_count; i++)
		subject[i] = lab_case_subject(one, registry[i].peer->name, registry[i].peer->ours);
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned k = 0; k < NEW; k++)
			lengths[k] = text_of(texts[k], 1 + round, k);
		for (unsigned i = 0; i < lab_strings_count; i++) {
			unsigned at = (i + round) % lab_strings_count;
			struct lab_guard guard;
			uint64_t start, sum = 0;
			const char *why;

			lab_guard_begin(&guard, false);
			start = lab_ticks();
			for (unsigned k = 0; k < NEW; k++)
				sum += registry[at].peer->intern(registry[at].self, texts[k], lengths[k]);
			lab_case_sample(one, subject[at], round, lab_ns(lab_ticks() - start) / NEW);
			LAB_KEEP(sum);
			why = lab_guard_end(&guard, false);
			/* It cannot be done again: they are not new any more. */
			if (why) {
				lab_case_sample(one, subject[at], round, NAN);
				lab_case_dropped(one, why);
			}
		}
	}
	lab_case_close(one);
}

void suite_strings(void)
{
	unsigned rounds = lab.quick ? 51 : 401, new_rounds = lab.quick ? 51 : 401;

	lab_strings_missing();
	texts = lab_alloc(LOOKS * sizeof(texts[0]));
	lengths = lab_alloc(LOOKS * sizeof(lengths[0]));
	picks = lab_alloc(LOOKS * sizeof(picks[0]));
	for (unsigned i = 0; i < lab_strings_count; i++) {
		lab_progress("strings", i, lab_strings_count + 5, "a million strings");
		registry[i].peer = lab_strings_all[i];
		registry[i].self = registry[i].peer->open(MANY + NEW * new_rounds);
		registry[i].id = lab_alloc(MANY * sizeof(registry[i].id[0]));
		for (uint32_t n = 0; n < MANY; n++) {
			char text[TEXT];
			size_t length = text_of(text, 0, n);

			registry[i].id[n] = registry[i].peer->intern(registry[i].self, text, length);
		}
	}
	lab_progress("strings", lab_strings_count, lab_strings_count + 5, "get");
	lookups("get, warm", false, FEW, rounds);
	lookups("get, a million", false, MANY, rounds);
	lab_progress("strings", lab_strings_count + 2, lab_strings_count + 5, "find");
	lookups("find, warm", true, FEW, rounds);
	lookups("find, a million", true, MANY, rounds);
	lab_progress("strings", lab_strings_count + 4, lab_strings_count + 5, "intern");
	interns(new_rounds);
	lab_progress("strings", lab_strings_count + 5, lab_strings_count + 5, "done");
	for (unsigned i = 0; i < lab_strings_count; i++) {
		registry[i].peer->close(registry[i].self);
		free(registry[i].id);
	}
	free(texts);
	free(lengths);
	free(picks);
}
