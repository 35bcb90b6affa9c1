// SPDX-License-Identifier: BSD-2-Clause
/*
 * A plugin comes, serves and goes, over and over, while a lane runs without a pause: cycles [N]. Each second time it is another
 * one of the same name, so that code that was not exchanged would show by what it returns.
 */
#include "plugins.h"
#include <pthread.h>
#include <time.h>

enum { WARM = 64 };

static int rounds = 300, ended;
static uint64_t records, wrong, results[3];
static struct croom_plugins *registry;

static void *run_lane(void *arg)
{
	const struct croom_panel *now = croom_lane_unpark(arg);
	note n = { .value = 5 };

	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED)) {
		now = croom_lane_observe(arg, now);
		for (int i = 0; i < 16; i++) {
			int got = croom_lane_call(printer, (struct croom_lane *)arg, now, &n);

			if (got < 0 || got > 2)
				wrong++;
			else
				__atomic_fetch_add(&results[got], 1, __ATOMIC_RELAXED);
			croom_slot_call(filter, now, &n);
		}
		records += 16;
		croom_lane_records_add(arg, 16);
	}
	croom_lane_park(arg);
	return NULL;
}

struct taken {
	long kib;
	unsigned maps, fds;
};

static struct taken taken(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	struct taken now = { 0 };
	long pages = 0;

	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		abort();
	fclose(file);
	now.kib = pages * sysconf(_SC_PAGESIZE) / 1024;
	now.maps = mappings(NULL);
	now.fds = entries("/proc/self/fd");
	return now;
}

static bool unload_when_it_goes(const char *name)
{
	const struct timespec pause = { 0, 20000 };
	int rc;

	do {
		rc = croom_plugins_unload(registry, name, NULL, true, &how, &err);
		if (rc == -EAGAIN)
			nanosleep(&pause, NULL);
	} while (rc == -EAGAIN);
	if (rc || how.retired)
		printf("# unload: %d %s %s\n", rc, err.text, how.why);
	return rc == 0 && !how.retired;
}

static uint64_t seen(int value)
{
	return __atomic_load_n(&results[value], __ATOMIC_RELAXED);
}

/* The lane gets what this one returns, and nothing that the other one would. */
static bool serves(int value, uint64_t other)
{
	uint64_t before = seen(value);

	while (seen(value) == before)
		sched_yield();
	return seen(3 - value) == other;
}

static bool once(const char *path, int value)
{
	const struct croom_change in[] = { { "printer", "mine" }, { "filter", "counted" } };
	const struct croom_change out[] = { { "printer", "off" }, { "filter", "all" } };

	uint64_t other = seen(3 - value);

	if (croom_plugins_load(registry, path, &trusted, NULL, &err) || croom_room_swap(room, in, 2, NULL, NULL, &err)) {
		printf("# %s\n", err.text);
		return false;
	}
	if (!serves(value, other)) {
		printf("# code of the other plugin ran\n");
		return false;
	}
	if (croom_room_swap(room, out, 2, &published, NULL, &err)) {
		printf("# %s\n", err.text);
		return false;
	}
	return unload_when_it_goes("good");
}

static void no_crash_no_leak_no_stale_code(void)
{
	char path[2][4096];
	struct taken before = { 0 }, after;
	struct timespec start, stop;
	pthread_t thread;
	bool good = true;

	snprintf(path[0], sizeof(path[0]), "%s", module("good"));
	snprintf(path[1], sizeof(path[1]), "%s", module("good-2"));
	room = rig_open();
	if (croom_plugins_open(&registry, room, &(struct croom_plugins_options){ .env = &host_word }, &err) ||
	    croom_room_lane_add(room, "feed", &lane) || pthread_create(&thread, NULL, run_lane, lane))
		abort();
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < rounds && good; i++) {
		/* The history is full by then, and the allocators have what they keep. */
		if (i == rounds / 4 || i == WARM)
			before = taken();
		good = once(path[i % 2], 1 + i % 2);
	}
	CHECK(good);
	after = taken();
	clock_gettime(CLOCK_MONOTONIC, &stop);
	__atomic_store_n(&ended, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	croom_room_close(room);
	croom_plugins_close(registry);
	CHECK_EQ(wrong, 0);
	CHECK(results[1] && results[2]);
	CHECK_EQ(host_word, 0);
	CHECK_EQ(mappings("memfd:"), 0);
	CHECK(after.fds <= before.fds);
	CHECK(after.maps <= before.maps + 8);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* What is freed is kept for long by a sanitizer. */
	CHECK(after.kib <= before.kib + 2048);
#endif
	printf("# %d cycles in %.1f s, %llu million records; %ld KiB then %ld KiB, %u then %u mappings, "
	       "%u then %u descriptors\n", rounds,
	       (double)(stop.tv_sec - start.tv_sec) + (double)(stop.tv_nsec - start.tv_nsec) / 1e9, (unsigned long long)records / 1000000, before.kib, after.kib,
	       before.maps, after.maps, before.fds, after.fds);
}

int main(int argc, char **argv)
{
	rounds = argc > 1 ? atoi(argv[1]) : rounds;
	RUN(no_crash_no_leak_no_stale_code);
	return check_result();
}
