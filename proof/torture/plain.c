// SPDX-License-Identifier: BSD-2-Clause
/* The plain build: the library as it is, so its ordered accesses are instructions and nothing else. */
#include "points.h"

const char *points_build(void)
{
	return "plain";
}

void points_start(uint64_t seed, bool delays)
{
	(void)seed;
	(void)delays;
}

int points_broken(const char *name)
{
	fprintf(stderr, "croomtorture: --broken %s: this build has the library as it is; use croomtorture-checked\n", name);
	return -1;
}

void points_break(const char *name)
{
	(void)name;
}

void points_shuffle(struct luck *luck)
{
	(void)luck;
}

void points_thread_end(void)
{
}

void points_report(FILE *to, void (*unused)(const char *name))
{
	(void)to;
	(void)unused;
}

void points_list(FILE *to)
{
	fprintf(to, "Broken variants: croomtorture-checked has them.\n");
}
