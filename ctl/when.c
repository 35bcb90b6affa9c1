/* SPDX-License-Identifier: BSD-2-Clause */
/* Moments as people write them, in this machine's time zone. */
#include "ctl.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* 90s, 5m, 2h, 3d: so long ago. */
static bool ago(const char *text, int64_t *ns)
{
	static const struct { const char *name; int64_t seconds; } units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	char *end;
	long long count = strtoll(text, &end, 10);

	if (!isdigit((unsigned char)*text) || end - text > 9)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].name) == 0) {
			*ns = now_ns() - count * units[i].seconds * SECOND_NS;
			return true;
		}
	return false;
}

/* Digits of a second behind the point, as nanoseconds; -1: none. */
static int64_t fraction(const char *text)
{
	int64_t ns = 0, unit = SECOND_NS / 10;

	if (!*text)
		return -1;
	for (; isdigit((unsigned char)*text) && unit; text++, unit /= 10)
		ns += (*text - '0') * unit;
	return *text ? -1 : ns;
}

bool when_read(const char *text, bool end_of_second, int64_t *ns)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d",
					       "%H:%M:%S", "%H:%M" };
	int64_t now = now_ns(), second;

	if (strcmp(text, "now") == 0) {
		*ns = now;
		return true;
	}
	if (ago(text, ns))
		return true;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		bool today = formats[i][1] == 'H';
		time_t clock = (time_t)(now / SECOND_NS);
		struct tm local = { 0 };
		const char *rest;

		if (today && !localtime_r(&clock, &local))
			return false;
		local.tm_sec = 0;
		rest = strptime(text, formats[i], &local);
		if (!rest || (*rest && (*rest != '.' || formats[i][strlen(formats[i]) - 1] != 'S')))
			continue;
		local.tm_isdst = -1;
		second = (int64_t)mktime(&local);
		/* A time of day that is still to come was yesterday's. */
		if (today && second * SECOND_NS > now) {
			local.tm_mday--;
			local.tm_isdst = -1;
			second = (int64_t)mktime(&local);
		}
		if (*rest && fraction(rest + 1) < 0)
			return false;
		*ns = second * SECOND_NS + (*rest ? fraction(rest + 1) : end_of_second ? SECOND_NS - 1 : 0);
		/* What was done in this very second can be asked for. */
		if (end_of_second && *ns > now && second * SECOND_NS <= now)
			*ns = now;
		return true;
	}
	return false;
}
