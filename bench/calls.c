/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the pieces cost, each beside its peer in alternating blocks of one run: the machine's moods hit both alike,
 * and the ratio is taken block by block. Prints "name median low high" per line; low and high are the quartiles.
 *
 *	slot_ns, plain_ns, slot_ratio   a call through the panel, and through a plain function pointer with its context
 *	observe_ns                      an observe that finds nothing new, beside an empty loop
 *	wire_ns                         load a wire and call what it holds
 *	swap_us                         from the swap call to the lane's first record under the new panel
 *	ring_ns                         a record of 64 bytes through the ring, thread to thread
 *	strings_get_ns, strings_find_ns a look-up among a million strings, in random order
 */
#include <croom/lane.h>
#include <croom/ring.h>
#include <croom/room.h>
#include <croom/strings.h>
#include <croom/wire.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCKS = 4001, CALLS = 2000, SWAPS = 5001, RECORDS = 8 * 1000 * 1000, STRINGS = 1000 * 1000, LOOKS = 1000, RING_RUNS = 5 };

typedef struct tick {
	uint64_t sum;
} tick;

struct adder {
	uint64_t step;
};

CROOM_RECORD(tick, 1);
CROOM_SLOT(handler, 0, tick);

/* Touches both, stores nothing: a chain through memory would hide the call behind it. */
static int add(struct adder *adder, tick *t)
{
	return (int)(t->sum + adder->step);
}
CROOM_RUN(add, add, struct adder, tick);

static int add_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct adder *adder = calloc(1, sizeof(*adder));

	(void)config;
	(void)env;
	(void)err;
	if (!adder)
		return -1;
	adder->step = 1;
	*ctx = adder;
	return 0;
}

static void add_close(void *ctx, void *env)
{
	(void)env;
	free(ctx);
}

static const struct croom_slot slots[] = { { .name = "handler", .help = "adds", .type = handler_slot_type } };
static const struct croom_class adds = { .name = "add", .help = "adds", .syntax = "ANYTHING", CROOM_RUNS(add),
	.open = add_open, .close = add_close };

/* The peer: a function pointer and its context where the compiler cannot see them. */
struct plain {
	croom_run_fn *run;
	void *ctx;
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *name, double *sample, size_t count)
{
	qsort(sample, count, sizeof(*sample), compare);
	printf("%s %.4f %.4f %.4f\n", name, sample[count / 2], sample[count / 4], sample[count - 1 - count / 4]);
	fflush(stdout);
}

__attribute__((noinline, aligned(64))) static void call_slot(const struct croom_panel *panel, tick *t)
{
	for (int i = 0; i < CALLS; i++)
		croom_slot_call(handler, panel, t);
}

__attribute__((noinline, aligned(64))) static void call_plain(const struct plain *plain, tick *t)
{
	for (int i = 0; i < CALLS; i++) {
		__asm__ volatile("" ::: "memory");   /* load the pointer for each call, as a program that may change it */
		plain->run(plain->ctx, t);
	}
}

__attribute__((noinline, aligned(64))) static void call_wire(croom_run_fn **wire, void *ctx, tick *t)
{
	for (int i = 0; i < CALLS; i++)
		croom_wire_get(wire)(ctx, t);
}

__attribute__((noinline)) static const struct croom_panel *observe(struct croom_lane *lane, const struct croom_panel *panel)
{
	for (int i = 0; i < CALLS; i++) {
		__asm__ volatile("" ::: "memory");
		panel = croom_lane_observe(lane, panel);
	}
	return panel;
}

__attribute__((noinline)) static void nothing(void)
{
	for (int i = 0; i < CALLS; i++)
		__asm__ volatile("" ::: "memory");
}

static struct croom_room *make_room(struct croom_lane **lane)
{
	struct croom_change change = { "handler", "add" };
	struct croom_room *room;

	if (croom_room_open(&room, "bench", slots, 1) || croom_room_class_add(room, "handler", &adds, NULL) ||
	    croom_room_lane_add(room, "lane", lane) || croom_room_swap(room, &change, 1, NULL, NULL, NULL)) {
		fprintf(stderr, "calls: cannot make a room\n");
		exit(1);
	}
	return room;
}

static void bench_calls(void)
{
	static double slot[BLOCKS], plain[BLOCKS], ratio[BLOCKS], seen[BLOCKS], wired[BLOCKS];
	struct croom_lane *lane;
	struct croom_room *room = make_room(&lane);
	const struct croom_panel *panel = croom_lane_unpark(lane);
	/* Each on lines of its own, like the panel. */
	struct plain *peer = aligned_alloc(128, 128);
	tick *t = aligned_alloc(128, 128);
	croom_run_fn *wire = croom_panel_entry(panel, handler_slot)->run;

	if (!peer || !t)
		exit(1);
	*peer = (struct plain){ wire, croom_panel_entry(panel, handler_slot)->ctx };
	t->sum = 0;

	for (int i = 0; i < BLOCKS; i++) {
		double a = now_ns(), b, c, d, e, f;

		/* First one, then the other, in turns: neither is always the one with warm caches. */
		if (i % 2)
			call_slot(panel, t);
		else
			call_plain(peer, t);
		b = now_ns();
		if (i % 2)
			call_plain(peer, t);
		else
			call_slot(panel, t);
		c = now_ns();
		panel = observe(lane, panel);
		d = now_ns();
		nothing();
		e = now_ns();
		call_wire(&wire, peer->ctx, t);
		f = now_ns();
		slot[i] = (i % 2 ? b - a : c - b) / CALLS;
		plain[i] = (i % 2 ? c - b : b - a) / CALLS;
		ratio[i] = slot[i] / plain[i];
		seen[i] = ((d - c) - (e - d)) / CALLS;
		wired[i] = (f - e) / CALLS;
	}
	croom_lane_park(lane);
	free(peer);
	free(t);
	print("slot_ns", slot, BLOCKS);
	print("plain_ns", plain, BLOCKS);
	print("slot_ratio", ratio, BLOCKS);
	print("observe_ns", seen, BLOCKS);
	print("wire_ns", wired, BLOCKS);
	croom_room_close(room);
}

struct runner {
	struct croom_lane *lane;
	int stop;
	double moved;    /* when the newest panel's first record was done; published by `seen` */
	uint64_t seen;
};

static void *run_lane(void *arg)
{
	struct runner *runner = arg;
	const struct croom_panel *panel = croom_lane_unpark(runner->lane), *next;
	tick t = { 0 };

	__atomic_store_n(&runner->seen, panel->revision, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&runner->stop, __ATOMIC_ACQUIRE)) {
		next = croom_lane_observe(runner->lane, panel);
		croom_slot_call(handler, next, &t);
		croom_lane_records_add(runner->lane, 1);
		if (next != panel) {
			panel = next;
			runner->moved = now_ns();
			__atomic_store_n(&runner->seen, panel->revision, __ATOMIC_RELEASE);
		}
	}
	croom_lane_park(runner->lane);
	return NULL;
}

static void bench_swap(void)
{
	static double sample[SWAPS];
	struct croom_change change = { "handler", "add" };
	struct croom_swap_options options = { .wait_ms = 60000 };
	struct croom_swap_result result;
	struct runner runner = { 0 };
	struct croom_room *room = make_room(&runner.lane);
	pthread_t thread;

	pthread_create(&thread, NULL, run_lane, &runner);
	while (!__atomic_load_n(&runner.seen, __ATOMIC_ACQUIRE))
		;
	for (int i = 0; i < SWAPS; i++) {
		double before = now_ns();

		if (croom_room_swap(room, &change, 1, &options, &result, NULL))
			exit(1);
		while (__atomic_load_n(&runner.seen, __ATOMIC_ACQUIRE) < result.revision)
			;
		sample[i] = (runner.moved - before) / 1000;
	}
	__atomic_store_n(&runner.stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	print("swap_us", sample, SWAPS);
	printf("swap_p99_us %.4f %.4f %.4f\n", sample[SWAPS * 99 / 100], sample[SWAPS * 95 / 100], sample[SWAPS - 1]);
	croom_room_close(room);
}

static void *produce(void *arg)
{
	struct croom_ring *ring = arg;

	for (uint64_t i = 0; i < RECORDS; ) {
		uint64_t *room = croom_ring_try_reserve(ring, 64);

		if (!room) {
			croom_ring_publish(ring);
			continue;
		}
		*room = i++;
		croom_ring_commit(ring, 64);
		if (i % 32 == 0)
			croom_ring_publish(ring);
	}
	croom_ring_publish(ring);
	return NULL;
}

static void bench_ring(void)
{
	double sample[RING_RUNS];

	for (int run = 0; run < RING_RUNS; run++) {
		struct croom_ring *ring;
		pthread_t thread;
		uint64_t expected = 0;
		double start;

		if (croom_ring_open(&ring, 1 << 20))
			exit(1);
		start = now_ns();
		pthread_create(&thread, NULL, produce, ring);
		while (expected < RECORDS) {
			const uint64_t *record;
			size_t length;

			if (!croom_ring_fetch(ring))
				continue;
			for (int i = 0; i < 128 && (record = croom_ring_peek(ring, &length)); i++) {
				if (*record != expected++) {
					fprintf(stderr, "calls: the ring gave %llu\n", (unsigned long long)*record);
					exit(1);
				}
				croom_ring_next(ring);
			}
			croom_ring_release(ring);
		}
		sample[run] = (now_ns() - start) / RECORDS;
		pthread_join(thread, NULL);
		croom_ring_close(ring);
	}
	print("ring_ns", sample, RING_RUNS);
}

static void bench_strings(void)
{
	static double got[BLOCKS / 4], found[BLOCKS / 4];
	static uint32_t pick[LOOKS];
	struct croom_strings *strings;
	uint64_t seed = 88172645463325252, sum = 0;
	char text[40];
	uint32_t id;

	if (croom_strings_open(&strings, STRINGS, (size_t)STRINGS * 40))
		exit(1);
	for (uint32_t i = 0; i < STRINGS; i++)
		if (croom_strings_intern(strings, text, (size_t)snprintf(text, sizeof(text), "10.%u.%u.%u:443", i >> 16, i >> 8 & 255,
									   i & 255), &id))
			exit(1);
	for (int block = 0; block < BLOCKS / 4; block++) {
		static char texts[LOOKS][40];
		static size_t lengths[LOOKS];
		double a, b, c;

		for (int i = 0; i < LOOKS; i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			pick[i] = (uint32_t)(seed % STRINGS);
			lengths[i] = (size_t)snprintf(texts[i], 40, "10.%u.%u.%u:443", pick[i] >> 16, pick[i] >> 8 & 255, pick[i] & 255);
		}
		a = now_ns();
		for (int i = 0; i < LOOKS; i++) {
			size_t length;

			sum += (uint64_t)croom_strings_get(strings, pick[i], &length)[3] + length;
		}
		b = now_ns();
		for (int i = 0; i < LOOKS; i++) {
			if (croom_strings_find(strings, texts[i], lengths[i], &id) || id != pick[i])
				exit(1);
			sum += id;
		}
		c = now_ns();
		got[block] = (b - a) / LOOKS;
		found[block] = (c - b) / LOOKS;
	}
	__asm__ volatile("" :: "r"(sum));
	print("strings_get_ns", got, BLOCKS / 4);
	print("strings_find_ns", found, BLOCKS / 4);
	croom_strings_close(strings);
}

int main(void)
{
	bench_calls();
	bench_swap();
	bench_ring();
	bench_strings();
	return 0;
}
