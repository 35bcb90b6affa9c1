/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading configs: numbers and lengths of time. Control thread. */
#ifndef HANDLERS_CONFIG_H
#define HANDLERS_CONFIG_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A whole number from low to high, all of the text. */
static inline bool config_number(const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == 0 && errno == 0 && *value >= low && *value <= high;
}

/* "500ms", "10s", "2m" or plain seconds; 1 ms to 1 day. */
static inline bool config_interval(const char *text, int64_t *ns)
{
	static const struct { const char *unit; uint64_t ns; } units[] = { { "ms", 1000000 }, { "s", 1000000000 },
		{ "m", 60000000000 }, { "h", 3600000000000 }, { "", 1000000000 } };
	const uint64_t day_ns = UINT64_C(86400000000000);
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || value == 0)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*ns = (int64_t)(value * units[i].ns);
			return value <= day_ns / units[i].ns;
		}
	return false;
}

#endif
