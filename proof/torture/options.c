// SPDX-License-Identifier: BSD-2-Clause
/* The command line. */
#include "points.h"
#include "torture.h"
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void help(void)
{
	printf("usage: croomtorture [options]\n"
	       "Does to a room all that its contracts allow, from many threads, and checks every record.\n\n"
	       "  --seconds N    end after N seconds (10 when no limit is given)\n"
	       "  --calls N      end after N slot calls ...\n"
	       "  --swaps N      ... and N swaps ...\n"
	       "  --each N       ... and N operations of every actor, whichever of these are given (1e9 is a number, too)\n"
	       "  --lanes N      data threads, 1 to %d (default 4)\n"
	       "  --slots N      slots of the room, 1 to %d (default 4); the first half is changed together only\n"
	       "  --seed N       for the odds and choices of a run (default: another one each time; it is printed)\n"
	       "  --actors LIST  who takes part, by name; -NAME takes one away: all, all,-fork, swap,park\n"
	       "  --broken NAME  weaken the library so; the run has to find it (croomtorture-checked)\n"
	       "  --go-on        do not end at the first finding\n"
	       "  --list         actors and broken variants\n"
	       "  --help\n\n"
	       "Ctrl-C ends the run with the summary so far; a second one ends it at once.\n"
	       "Exit: 0 nothing was found, 1 something was, 2 wrong use. This is the %s build.\n",
	       CROOM_LANES_MAX, CROOM_SLOTS_MAX, points_build());
}

static void list(void)
{
	printf("Actors:\n");
	for (unsigned i = 0; i < ACTORS; i++)
		printf("  %-10s %s\n", actor_kinds[i].name, actor_kinds[i].help);
	points_list(stdout);
}

static int wrong(const char *what, const char *value, const char *why)
{
	fprintf(stderr, "croomtorture: %s %s: %s\n", what, value, why);
	return -1;
}

/* A whole number, also as 1e9. */
static int number(const char *what, const char *text, double min, double max, uint64_t *value)
{
	char *end, why[96];
	double read = strtod(text, &end);

	if (end == text || *end || read != floor(read) || !(read >= min) || !(read <= max)) {
		snprintf(why, sizeof(why), "a whole number from %.0f to %.0f is wanted", min, max);
		return wrong(what, text, why);
	}
	*value = (uint64_t)read;
	return 0;
}

static uint32_t all_actors(void)
{
	uint32_t all = (UINT32_C(1) << ACTORS) - 1;

	return strcmp(points_build(), "checked") == 0 ? all : all & ~(UINT32_C(1) << ACTOR_DELAY);
}

static int actors(const char *text, uint32_t *mask)
{
	*mask = *text == '-' ? all_actors() : 0;
	while (*text) {
		size_t length = strcspn(text, ",");
		bool away = *text == '-';
		uint32_t bits = 0;

		if (length == (size_t)away + 3 && strncmp(text + away, "all", 3) == 0)
			bits = all_actors();
		for (unsigned i = 0; i < ACTORS; i++)
			if (strlen(actor_kinds[i].name) == length - away &&
			    strncmp(actor_kinds[i].name, text + away, length - away) == 0)
				bits = UINT32_C(1) << i;
		if (!bits)
			return wrong("--actors", text, "no such actor; --list shows them");
		if (bits & ~all_actors())
			return wrong("--actors", text, "this build has the library as it is; use croomtorture-checked");
		*mask = away ? *mask & ~bits : *mask | bits;
		text += length + (text[length] == ',');
	}
	return 0;
}

static int seconds(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	if (end == text || *end || !(*value > 0) || !(*value <= 1e8))
		return wrong("--seconds", text, "a number above 0 is wanted");
	return 0;
}

static int one(struct settings *set, int option)
{
	uint64_t n = 0;
	int rc;

	switch (option) {
	case 's':
		return seconds(optarg, &set->seconds);
	case 'c':
		return number("--calls", optarg, 1, 9e15, &set->calls);
	case 'w':
		return number("--swaps", optarg, 1, 9e15, &set->swaps);
	case 'e':
		return number("--each", optarg, 1, 1e12, &set->each);
	case 'r':
		return number("--seed", optarg, 0, 9e15, &set->seed);
	case 'l':
		rc = number("--lanes", optarg, 1, CROOM_LANES_MAX, &n);
		set->lanes = (unsigned)n;
		return rc;
	case 'o':
		rc = number("--slots", optarg, 1, CROOM_SLOTS_MAX, &n);
		set->slots = (unsigned)n;
		return rc;
	case 'a':
		return actors(optarg, &set->actors);
	case 'b':
		set->broken = optarg;
		return 0;
	case 'g':
		set->go_on = true;
		return 0;
	case 'i':
		list();
		return 1;
	case 'h':
		help();
		return 1;
	default:
		fprintf(stderr, "Try --help.\n");
		return -1;
	}
}

int options_read(struct settings *set, int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", required_argument, NULL, 's' }, { "calls", required_argument, NULL, 'c' },
		{ "swaps", required_argument, NULL, 'w' }, { "each", required_argument, NULL, 'e' },
		{ "lanes", required_argument, NULL, 'l' }, { "slots", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 'r' }, { "actors", required_argument, NULL, 'a' },
		{ "broken", required_argument, NULL, 'b' }, { "go-on", no_argument, NULL, 'g' },
		{ "list", no_argument, NULL, 'i' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	const uint32_t swapping = 1u << ACTOR_SWAP | 1u << ACTOR_TRANSACT | 1u << ACTOR_PREPARE | 1u << ACTOR_ROLLBACK |
				  1u << ACTOR_CLASS | 1u << ACTOR_PLUGIN;
	int option, rc;

	*set = (struct settings){ .lanes = 4, .slots = 4, .actors = all_actors() };
	/* Another one each time; a random device that fails would do no harm here. */
	if (getentropy(&set->seed, 4))
		set->seed = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		rc = one(set, option);
		if (rc)
			return rc;
	}
	if (optind < argc)
		return wrong("the argument", argv[optind], "options only; try --help");
	if (set->seconds <= 0 && !set->calls && !set->swaps && !set->each)
		set->seconds = 10;
	if (set->swaps && !(set->actors & swapping))
		return wrong("--swaps", "", "none of the actors swaps");
	return set->broken ? points_broken(set->broken) : 0;
}
