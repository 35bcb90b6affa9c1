// SPDX-License-Identifier: BSD-2-Clause
/*
 * lib/strings.c, by its bytes: who finds the id sees the string.
 *
 * Weak, found by TSan: strings.place.intern strings.place.look
 */
#include "with-strings.h"

static void *other(void *none)
{
	uint32_t id = 0;

	until(croom_strings_find(&strings, "bc", 2, &id) == 0);
	assert(id == 1);
	return none;
}
