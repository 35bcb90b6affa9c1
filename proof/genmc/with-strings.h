/* SPDX-License-Identifier: BSD-2-Clause */
/* What strings-get.c and strings-find.c share: the real source, in memory of a harness's own, and its writer. */
#ifndef HARNESS_STRINGS_H
#define HARNESS_STRINGS_H

#include "../../lib/strings.c"
#include "harness.h"

enum { STRINGS = 2, PLACES = 4, BYTES = 8 };

static struct entry entry[STRINGS];
static uint64_t place[PLACES];
static char bytes[BYTES];
static struct croom_strings strings;

static void begin(void)
{
	for (int i = 0; i < PLACES; i++)
		place[i] = 0;
	strings = (struct croom_strings){ .entry = entry, .place = place, .bytes = bytes, .max_entries = STRINGS,
		.max_bytes = BYTES, .places = PLACES, .seed = { 3, 5 } };
}

static void *one(void *none)
{
	uint32_t id[2];
	int rc = croom_strings_intern(&strings, "a", 1, &id[0]);

	assert(rc == 0 && id[0] == 0);
	rc = croom_strings_intern(&strings, "bc", 2, &id[1]);
	assert(rc == 0 && id[1] == 1);
	return none;
}

static void end(void)
{
}

#endif
