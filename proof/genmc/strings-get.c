// SPDX-License-Identifier: BSD-2-Clause
/*
 * lib/strings.c, by id: who sees the id sees the string.
 *
 * Weak, found by TSan: strings.count.intern strings.count.get
 */
#include "with-strings.h"

static void *other(void *none)
{
	const char *bytes;
	size_t length = 0;

	until((bytes = croom_strings_get(&strings, 1, &length)));
	assert(length == 2 && bytes[0] == 'b' && bytes[1] == 'c');
	return none;
}
