// SPDX-License-Identifier: BSD-2-Clause
/* What is told: findings as they come, figures at the end. */
#include "points.h"
#include "torture.h"
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN = 3 };   /* of each kind */

static const struct { const char *name, *help; } kinds[FINDINGS] = {
	[FOUND_DEAD] = { "dead", "a handler was called, or its context written, after it was closed" },
	[FOUND_FUNCTION] = { "function", "a function was called with another one's context" },
	[FOUND_SLOT] = { "slot", "a slot held a handler that is of another" },
	[FOUND_STAMP] = { "stamp", "a record was handled under two transactions" },
	[FOUND_EMPTY] = { "empty", "a panel showed before it was complete" },
	[FOUND_PANEL] = { "panel", "a panel changed under the lane that held it" },
	[FOUND_BACK] = { "back", "a lane went back to an older revision" },
	[FOUND_AGE] = { "age", "a lane used a panel that was free already" },
	[FOUND_FIRST] = { "first", "a swap told a first record that was another" },
	[FOUND_UNSEEN] = { "unseen", "a lane observed, and the room does not know" },
	[FOUND_COUNT] = { "count", "calls or records of a lane are not what the room shows" },
	[FOUND_OPEN] = { "open", "a context was closed twice or never" },
	[FOUND_ANSWER] = { "answer", "a call answered what it may not" },
	[FOUND_SHOWN] = { "shown", "what the room shows does not agree" },
	[FOUND_BOX] = { "box", "what the black box says does not agree" },
	[FOUND_RING] = { "ring", "a record of the ring" },
	[FOUND_ITEMS] = { "items", "an item of the queue" },
	[FOUND_STRINGS] = { "strings", "a string of the registry" },
	[FOUND_WIRE] = { "wire", "a message of the wire" },
	[FOUND_DISTURBED] = { "disturbed", "an actor could not do its work" },
	[FOUND_UNUSED] = { "unused", "an ordered access was never passed" },
};
static const char *const tallies[TALLIES] = {
	[TALLY_SWAPS] = "swaps", [TALLY_CHANGES] = "changed slots", [TALLY_WAITED] = "waited for all lanes",
	[TALLY_LATE] = "a lane was late", [TALLY_BUSY] = "refused, busy", [TALLY_STALE] = "refused, stale",
	[TALLY_GONE] = "refused, gone", [TALLY_FROZEN] = "refused, frozen", [TALLY_DISCARDED] = "discarded",
	[TALLY_BY_ITSELF] = "made by the room itself", [TALLY_FIRST] = "first records compared",
	[TALLY_FIRST_UNKNOWN] = "first records unknown", [TALLY_OPENED] = "contexts opened",
	[TALLY_CLOSED] = "contexts closed", [TALLY_COUNTS] = "counts of calls compared",
};

static uint64_t counts[FINDINGS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void found(enum finding finding, const char *format, ...)
{
	va_list args;

	if (!torture.set.go_on)
		__atomic_store_n(&torture.stop, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&mutex);
	if (counts[finding]++ < SHOWN) {
		fprintf(stderr, "finding: %s: ", kinds[finding].name);
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fprintf(stderr, "\n");
	}
	pthread_mutex_unlock(&mutex);
}

uint64_t findings(void)
{
	uint64_t sum = 0;

	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < FINDINGS; i++)
		sum += counts[i];
	pthread_mutex_unlock(&mutex);
	return sum;
}

/* A number in decimal, as a signal handler may write it. */
static size_t digits(char *to, uint64_t value)
{
	size_t length = 1;

	for (uint64_t rest = value / 10; rest; rest /= 10)
		length++;
	for (size_t i = length; i; i--, value /= 10)
		to[i - 1] = (char)('0' + value % 10);
	return length;
}

static void on_crash(int signal)
{
	char text[160] = "finding: crash: signal ";
	size_t at = strlen(text);
	const char *name = crew_name();

	at += digits(text + at, (uint64_t)signal);
	memcpy(text + at, " in thread ", 11);
	at += 11;
	memcpy(text + at, name, strnlen(name, 40));
	at += strnlen(name, 40);
	memcpy(text + at, ", seed ", 7);
	at += 7;
	at += digits(text + at, torture.set.seed);
	text[at++] = '\n';
	/* A crash is told once; the second time the signal does what it does. */
	if (write(STDERR_FILENO, text, at) < 0)
		_exit(1);
}

/* A use after free may end in a crash as well: say so, then die of it. The sanitizers have their own words for most. */
void crash_watch(void)
{
	static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < (TORTURE_SANITIZED ? 1 : sizeof(signals) / sizeof(signals[0])); i++)
		sigaction(signals[i], &action, NULL);
}

static big figure(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

void report_progress(double seconds)
{
	fprintf(stderr, "croomtorture: %.0f s: %llu calls, %llu swaps\n", seconds, (big)lanes_calls(),
		figure(&torture.tally[TALLY_SWAPS]));
}

static void histogram(const char *what, const uint64_t columns[AGES])
{
	printf("%s\n", what);
	for (unsigned i = 0; i < AGES; i++) {
		big from = i ? 1ull << (i - 1) : 0, to = i ? (1ull << i) - 1 : 0;
		char range[48];

		if (!columns[i])
			continue;
		snprintf(range, sizeof(range), "%llu", from);
		if (i == AGES - 1)
			snprintf(range, sizeof(range), "%llu and more", from);
		else if (to > from)
			snprintf(range, sizeof(range), "%llu-%llu", from, to);
		printf("  %-22s %12llu\n", range, (big)columns[i]);
	}
}

static void unused(const char *name)
{
	/* A short run may end before everything has been passed; one that counts operations has the time. */
	if (torture.set.each && torture.set.actors == (UINT32_C(1) << ACTORS) - 1)
		found(FOUND_UNUSED, "%s", name);
}

void report_summary(double seconds)
{
	struct lane_sums sums;
	uint64_t waiting[AGES];

	lanes_sum(&sums);
	printf("croomtorture, %s build%s: seed %llu, %u lanes, %u slots, %.1f s%s%s\n", points_build(),
	       TORTURE_SANITIZED ? " under a sanitizer" : "", (big)torture.set.seed, torture.set.lanes,
	       torture.set.slots, seconds, torture.set.broken ? ", broken: " : "",
	       torture.set.broken ? torture.set.broken : "");
	printf("lanes\n  %-22s %12llu\n  %-22s %12llu\n  %-22s %12llu\n  %-22s %12llu\n  %-22s %12llu\n", "slot calls",
	       (big)sums.calls, "records", (big)sums.records, "observes",
	       (big)sums.observes, "moves", (big)sums.moves, "parks", (big)sums.parks);
	printf("swaps\n");
	for (unsigned i = 0; i < TALLIES; i++)
		printf("  %-22s %12llu\n", tallies[i], figure(&torture.tally[i]));
	printf("operations of the actors\n");
	for (unsigned i = 0; i < ACTORS; i++)
		if (torture_on(i))
			printf("  %-22s %12llu\n", actor_kinds[i].name,
			       i == ACTOR_PARK ? (big)sums.parks : figure(&torture.done[i]));
	for (unsigned i = 0; i < AGES; i++)
		waiting[i] = figure(&torture.waiting[i]);
	histogram("age of the panel in use, in revisions behind the newest: after each batch", sums.used);
	histogram("the same, when the lane left it", sums.left);
	histogram("panels that waited for a lane, at a swap", waiting);
	points_report(stdout, unused);
	printf("findings\n");
	for (unsigned i = 0; i < FINDINGS; i++)
		if (counts[i])
			printf("  %-22s %12llu   %s\n", kinds[i].name, (big)counts[i], kinds[i].help);
	printf("%llu findings\n", (big)findings());
}
