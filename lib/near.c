/* SPDX-License-Identifier: BSD-2-Clause */
/* Which name was probably meant. */
#include <croom/error.h>
#include <stdio.h>
#include <string.h>

enum { LENGTH_MAX = 31 };

/* Optimal string alignment distance. */
unsigned croom_near_distance(const char *a, size_t a_length, const char *b)
{
	unsigned row[3][LENGTH_MAX + 2];
	size_t b_length = strlen(b);

	if (a_length > LENGTH_MAX || b_length > LENGTH_MAX)
		return LENGTH_MAX;
	for (size_t j = 0; j <= b_length; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *now = row[i % 3], *before = row[(i - 1) % 3], *second = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			unsigned best = before[j - 1] + (a[i - 1] != b[j - 1]);

			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && second[j - 2] + 1 < best)
				best = second[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[a_length % 3][b_length];
}

void croom_near_look(struct croom_near *nearest, const char *asked, size_t length, const char *name)
{
	unsigned far = length && strncmp(asked, name, length) == 0 ? 1 : croom_near_distance(asked, length, name);
	size_t used;

	if (far > (length < 4 ? 1 : 2) || (*nearest->names && far > nearest->distance))
		return;
	if (*nearest->names && far < nearest->distance)
		*nearest->names = 0;
	nearest->distance = far;
	used = strlen(nearest->names);
	snprintf(nearest->names + used, sizeof(nearest->names) - used, "%s%s", used ? ", " : "", name);
}
