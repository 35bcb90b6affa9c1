// SPDX-License-Identifier: BSD-2-Clause
/*
 * The registry of strings: a writer that interns, so that it grows, three strings that belong into two places
 * of the table; a reader that gets them by id, and one that finds them by their bytes. Whoever sees an id sees the string.
 */
#include "proof.h"
#include <croom/strings.h>
#include <string.h>

/* With the seed that there is here, place 7, 6 and 6 of 16. */
static const char *const text[] = { "", "a", "10.0.0.3:53" };
enum { TEXTS = 3 };

static struct croom_strings *strings;

static void begin(void)
{
	uint32_t id;

	proof_expect(croom_strings_open(&strings, 4, 64) == 0, "no registry");
	proof_expect(croom_strings_intern(strings, text[0], strlen(text[0]), &id) == 0 && id == 0, "not interned");
}

static void writer(void)
{
	uint32_t id;

	for (uint32_t i = 1; i < TEXTS; i++)
		proof_expect(croom_strings_intern(strings, text[i], strlen(text[i]), &id) == 0 && id == i, "a wrong id");
}

static void check(uint32_t id)
{
	size_t length = 0;
	const char *bytes = croom_strings_get(strings, id, &length);

	if (!bytes)
		return;
	proof_expect(length == strlen(text[id]) && memcmp(bytes, text[id], length) == 0 && bytes[length] == 0,
		     "a string that is not whole");
}

static void reader(void)
{
	for (uint32_t id = TEXTS; id-- > 0; )
		check(id);
}

static void finder(void)
{
	uint32_t id;

	for (uint32_t i = TEXTS; i-- > 0; )
		if (croom_strings_find(strings, text[i], strlen(text[i]), &id) == 0) {
			proof_expect(id == i, "another string's id");
			/* Found by its bytes, it is there for whoever asks for it by its id. */
			proof_expect(croom_strings_get(strings, id, &(size_t){ 0 }) != NULL, "an id that is not there yet");
		}
}

const struct proof_model proof_model = {
	.what = "strings, interned while others get and find them",
	.orders = "strings.", .begin = begin, .thread = { writer, reader, finder }, .preemptions = 3,
};
