// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program to be controlled, for the tests beside it: host [--dispatch] [--rooms N] [--slots N] [--clients N]
 * [--path PATH] [--name NAME] [--odd] [--journal DIRECTORY] [--policy FILE] [--plugins]. Each room has the slots "printer" and "filter" (and "s2"... up to
 * --slots), lanes "feed" and "spare" with a thread each that never stops working, and the lane "asleep", which is parked. --odd:
 * there are texts that are not UTF-8 and gauges that are no number. --journal: the first room keeps one, and begins with
 * what is in it.
 *
 * Prints "ready PATH" per room and then obeys lines on its standard input, each answered by "ok":
 *	stall LANE	that lane does not observe any more (in every room)
 *	go LANE		it does again
 *	add LANE	a parked lane, which has counted 10^12 records (in the first room)
 *	remove LANE	one of those, or "asleep"
 *	later SECONDS	so much later it is for the control thread from now on
 *	wall SECONDS	so much later it is for everybody who asks for the date from now on
 *	starve N	the Nth piece of memory that JSON needs from now on is not there
 *	hang 1, hang 0	the handler hang does not come back; it does
 *	quarantine H	the handler H of printer in the first room
 *	storm N BYTES	N swaps of printer in the first room, with configs of so many bytes
 * Ends when its standard input does.
 */
#include <croom/control.h>
#include <croom/trial.h>
#include <croom/inspect.h>
#include <croom/journal.h>
#include <croom/plugin.h>
#include <croom/policy.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROOMS = 2, THREADS = 2, IDLE = 4, ALIVE = 0x600d };

typedef struct note {
	int value;
} note;

struct text {
	int alive;
	int value;
};

CROOM_RECORD(note, 1);
CROOM_SLOT(printer, 0, note);
CROOM_SLOT(filter, 1, note);

/* A slot's type says its place in the table, so --slots N needs one for each. */
#define PLACE(a, b) CROOM_SLOT(at##a##b, (a) * 8 + (b), note)
#define PLACES(a) \
	PLACE(a, 0); PLACE(a, 1); PLACE(a, 2); PLACE(a, 3); PLACE(a, 4); PLACE(a, 5); PLACE(a, 6); PLACE(a, 7)
#define TYPES(a)                                                                                        \
	at##a##0_slot_type, at##a##1_slot_type, at##a##2_slot_type, at##a##3_slot_type,                 \
	at##a##4_slot_type, at##a##5_slot_type, at##a##6_slot_type, at##a##7_slot_type
PLACES(0);
PLACES(1);
PLACES(2);
PLACES(3);
PLACES(4);
PLACES(5);
PLACES(6);
PLACES(7);
static struct croom_type (*const types[])(void) = { TYPES(0), TYPES(1), TYPES(2), TYPES(3),
						    TYPES(4), TYPES(5), TYPES(6), TYPES(7) };
enum { SLOTS = sizeof(types) / sizeof(types[0]) };

static const char *const lane_names[THREADS] = { "feed", "spare" };
static int stalled[THREADS], ended;
static int64_t later_s, wall_s;
static int starve_at;

static void *json_memory(size_t size)
{
	return __atomic_sub_fetch(&starve_at, 1, __ATOMIC_RELAXED) == 0 ? NULL : malloc(size);
}

/* In place of the C library's, for whoever asks it within this program. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_MONOTONIC)
		now->tv_sec += __atomic_load_n(&later_s, __ATOMIC_RELAXED);
	if (clock == CLOCK_REALTIME)
		now->tv_sec += __atomic_load_n(&wall_s, __ATOMIC_RELAXED);
	return rc;
}

struct hand {                      /* a data thread */
	struct croom_lane *lane;
	pthread_t thread;
	int index;
	int stalled;               /* it has seen that it has to be, or has not */
};

struct hosted {
	char name[32];
	struct croom_room *room;
	struct croom_control *control;
	struct croom_journal *journal;
	struct croom_plugins *plugins;
	struct hand hand[THREADS];
	struct {                   /* parked */
		char name[32];
		struct croom_lane *lane;
	} idle[IDLE];
	struct croom_slot slot[CROOM_SLOTS_MAX];
	char names[CROOM_SLOTS_MAX][16];
};

static int number_call(struct text *ctx, note *n)
{
	if (ctx->alive != ALIVE)
		abort();
	return n->value + ctx->value;
}
CROOM_RUN(number, number_call, struct text, note);

/* Does not come back until it is told to: `hang 1`, `hang 0`. */
static int hanging;

__attribute__((noinline)) static int hang_here(void *ctx, note *n)
{
	(void)ctx;
	while (__atomic_load_n(&hanging, __ATOMIC_RELAXED))
		__asm__ volatile("" ::: "memory");
	return n->value;
}
CROOM_RUN(hang, hang_here, void, note);

static int plain_call(void *ctx, note *n)
{
	(void)ctx;
	return n->value;
}
CROOM_RUN(plain, plain_call, void, note);

static int text_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct text *text = calloc(1, sizeof(*text));

	(void)config;
	(void)env;
	(void)err;
	if (!text)
		return -ENOMEM;
	text->alive = ALIVE;
	*ctx = text;
	return 0;
}

static int number_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	char *end;
	long value = strtol(config, &end, 10);
	int rc;

	if (*config == 0 || *end) {
		croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a number, not '%s'", config);
		err->offset = *config ? (int)(end - config) : -1;
		return -EINVAL;
	}
	rc = text_open(ctx, config, env, err);
	if (rc == 0)
		((struct text *)*ctx)->value = (int)value;
	return rc;
}

static void text_close(void *ctx, void *env)
{
	(void)env;
	((struct text *)ctx)->alive = 0;
	free(ctx);
}

static void *work(void *arg)
{
	struct hand *hand = arg;
	const struct croom_panel *panel = croom_lane_unpark(hand->lane);
	note n = { 1 };

	croom_lane_thread(hand->lane);
	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED)) {
		int stall = __atomic_load_n(&stalled[hand->index], __ATOMIC_RELAXED);

		__atomic_store_n(&hand->stalled, stall, __ATOMIC_RELAXED);
		if (!stall)
			panel = croom_lane_observe(hand->lane, panel);
		for (int i = 0; i < 10; i++) {
			croom_lane_call(filter, hand->lane, panel, &n);
			croom_lane_call(printer, hand->lane, panel, &n);
		}
		croom_lane_calls_add(hand->lane, filter_slot, 10);
		croom_lane_calls_add(hand->lane, printer_slot, 10);
		croom_lane_records_add(hand->lane, 10);
		usleep(300);
	}
	croom_lane_park(hand->lane);
	return NULL;
}

static double half(void *env)
{
	(void)env;
	return 0.5;
}

static double no_number(void *env)
{
	return strcmp(env, "nan") ? HUGE_VAL : NAN;
}

static void must(int rc, const char *what, const struct croom_error *err)
{
	if (rc == 0)
		return;
	printf("failed %s: %s (%s)\n", what, strerror(-rc), err ? err->text : "");
	exit(1);
}

static void add_idle(struct hosted *hosted, const char *name, uint64_t records)
{
	int i = 0;

	while (i < IDLE - 1 && hosted->idle[i].lane)
		i++;
	snprintf(hosted->idle[i].name, sizeof(hosted->idle[i].name), "%s", name);
	must(croom_room_lane_add(hosted->room, name, &hosted->idle[i].lane), "lane", NULL);
	croom_lane_unpark(hosted->idle[i].lane);
	croom_lane_records_add(hosted->idle[i].lane, records);
	croom_lane_park(hosted->idle[i].lane);
}

static void remove_idle(struct hosted *hosted, const char *name)
{
	for (int i = 0; i < IDLE; i++)
		if (hosted->idle[i].lane && strcmp(hosted->idle[i].name, name) == 0) {
			croom_room_lane_remove(hosted->room, hosted->idle[i].lane);
			hosted->idle[i].lane = NULL;
		}
}

static void be_odd(struct croom_room *room)
{
	static const struct croom_class odd = { .name = "odd", .help = "\xff help", .syntax = "\xff", CROOM_RUNS(plain) };
	static char nan[] = "nan", inf[] = "inf";

	must(croom_room_class_add(room, "filter", &odd, NULL), "class", NULL);
	must(croom_room_gauge_add(room, nan, "%", no_number, nan), "gauge", NULL);
	must(croom_room_gauge_add(room, inf, "%", no_number, inf), "gauge", NULL);
	must(croom_room_gauge_add(room, "warmth", "\xb0", half, NULL), "gauge", NULL);
}

static void open_room(struct hosted *hosted, unsigned slots, int odd)
{
	static const struct croom_class classes[] = {
		{ .name = "number", .help = "adds N", .syntax = "N", CROOM_RUNS(number), .open = number_open,
		  .close = text_close },
		{ .name = "text", .help = "any config will do", .syntax = "[TEXT]", CROOM_RUNS(number), .open = text_open,
		  .close = text_close },
		{ .name = "hang", .help = "may not come back", CROOM_RUNS(hang) },
		{ .name = "plain", .help = "the value", CROOM_RUNS(plain), .traits = CROOM_PURE },
	};
	struct croom_slot *slot = hosted->slot;

	for (unsigned i = 0; i < slots; i++) {
		snprintf(hosted->names[i], sizeof(hosted->names[i]), "s%u", i);
		slot[i] = (struct croom_slot){ .name = hosted->names[i], .type = types[i] };
	}
	slot[0].name = "printer";
	slot[1] = (struct croom_slot){ .name = "filter", .help = "what is kept", .type = filter_slot_type, .empty = "all" };
	if (odd)
		slot[1].help = "\xff kept";
	must(croom_room_open(&hosted->room, hosted->name, slot, slots), "room", NULL);
	for (unsigned i = 0; i < slots; i++)
		for (unsigned k = 0; k < 4; k++)
			must(croom_room_class_add(hosted->room, slot[i].name, &classes[k], NULL), "class", NULL);
	if (odd)
		be_odd(hosted->room);
	must(croom_room_gauge_add(hosted->room, "fill", "%", half, NULL), "gauge", NULL);
	for (int i = 0; i < THREADS; i++) {
		hosted->hand[i].index = i;
		must(croom_room_lane_add(hosted->room, lane_names[i], &hosted->hand[i].lane), "lane", NULL);
		pthread_create(&hosted->hand[i].thread, NULL, work, &hosted->hand[i]);
	}
	add_idle(hosted, "asleep", 0);
	for (int i = 0; i < THREADS; i++)
		while (__atomic_load_n(&hosted->hand[i].lane->records, __ATOMIC_RELAXED) == 0)
			usleep(1000);
}

static void storm(struct croom_room *room, int count, int bytes)
{
	char *handler = malloc((size_t)bytes + 32);
	const struct croom_change change = { "printer", handler };

	for (int i = 0; i < count; i++) {
		memset(handler, 'x', (size_t)bytes + 31);
		memcpy(handler, "text:", 5);
		handler[5 + bytes] = 0;
		must(croom_room_swap(room, &change, 1, NULL, NULL, NULL), "storm", NULL);
	}
	free(handler);
}

/* No lane is between having asked whether it may observe and doing it. */
static void stall(struct hosted *hosted, int rooms, int lane, int on)
{
	__atomic_store_n(&stalled[lane], on, __ATOMIC_RELAXED);
	for (int i = 0; i < rooms; i++)
		while (__atomic_load_n(&hosted[i].hand[lane].stalled, __ATOMIC_RELAXED) != on)
			usleep(1000);
}

/* One command; false when there is none any more. */
static int obey(struct hosted *hosted, int rooms)
{
	char line[100], word[32] = "", which[32] = "";
	int bytes = 0;

	if (!fgets(line, sizeof(line), stdin))
		return 0;
	sscanf(line, "%31s %31s %d", word, which, &bytes);
	for (int i = 0; i < THREADS; i++)
		if (strcmp(which, lane_names[i]) == 0)
			stall(hosted, rooms, i, strcmp(word, "stall") == 0);
	if (strcmp(word, "add") == 0)
		add_idle(&hosted[0], which, 1000000000000);
	if (strcmp(word, "remove") == 0)
		remove_idle(&hosted[0], which);
	if (strcmp(word, "starve") == 0)
		__atomic_store_n(&starve_at, atoi(which), __ATOMIC_RELAXED);
	if (strcmp(word, "later") == 0)
		__atomic_fetch_add(&later_s, atoi(which), __ATOMIC_RELAXED);
	if (strcmp(word, "hang") == 0)
		__atomic_store_n(&hanging, atoi(which), __ATOMIC_RELAXED);
	if (strcmp(word, "quarantine") == 0)
		must(croom_room_quarantine(hosted[0].room, "printer", which, "because"), "quarantine", NULL);
	if (strcmp(word, "wall") == 0)
		__atomic_fetch_add(&wall_s, atoi(which), __ATOMIC_RELAXED);
	if (strcmp(word, "storm") == 0)
		storm(hosted[0].room, atoi(which), bytes);
	puts("ok");
	return 1;
}

/* Where it cannot be kept, the host goes on, and its room says so. */
static struct croom_journal *open_journal(struct croom_room *room, const char *directory)
{
	struct croom_journal_options options = { .program = "host" };
	struct croom_journal *journal;
	struct croom_error err;

	croom_journal_open(&journal, room, directory, &options, &err);
	must(journal ? 0 : -ENOMEM, "journal", &err);
	must(croom_journal_restore(journal, NULL, 0, NULL, NULL, &err), "restore", &err);
	return journal;
}

int main(int argc, char **argv)
{
	struct croom_control_options options = { .program = "host \xc3\xa4" };
	static struct hosted hosted[ROOMS] = { { .name = "host" }, { .name = "second" } };
	struct pollfd ready[1 + ROOMS] = { { .fd = STDIN_FILENO, .events = POLLIN } };
	int rooms = 1, dispatch = 0, slots = 3, odd = 0, plugins = 0;
	struct croom_error err = { 0 };
	struct croom_policy *policy = NULL;
	const char *journal = NULL;

	umask(0);
	json_set_alloc_funcs(json_memory, free);
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--dispatch") == 0)
			dispatch = 1;
		else if (strcmp(argv[i], "--odd") == 0)
			odd = 1;
		else if (strcmp(argv[i], "--plugins") == 0)
			plugins = 1;
		else if (strcmp(argv[i], "--rooms") == 0)
			rooms = atoi(value) > ROOMS ? ROOMS : atoi(value);
		else if (strcmp(argv[i], "--slots") == 0)
			slots = atoi(value) > SLOTS ? SLOTS : atoi(value);
		else if (strcmp(argv[i], "--clients") == 0)
			options.clients_max = (unsigned)atoi(value);
		else if (strcmp(argv[i], "--journal") == 0)
			journal = value;
		else if (strcmp(argv[i], "--path") == 0)
			options.path = value;
		else if (strcmp(argv[i], "--policy") == 0)
			must(croom_policy_open(&policy, value, &err), "policy", &err);
		else if (strcmp(argv[i], "--name") == 0)
			snprintf(hosted[0].name, sizeof(hosted[0].name), "%s", value);
	}
	options.policy = policy;
	for (int i = 0; i < rooms; i++) {
		open_room(&hosted[i], (unsigned)slots, odd);
		options.journal = journal && i == 0 ? open_journal(hosted[i].room, journal) : NULL;
		hosted[i].journal = options.journal;
		if (plugins)
			must(croom_plugins_open(&hosted[i].plugins, hosted[i].room, &(struct croom_plugins_options){ .policy = policy }, &err),
			     "plugins", &err);
		options.plugins = hosted[i].plugins;
		must(croom_control_open(&hosted[i].control, hosted[i].room, &options, &err), "control", &err);
		if (!dispatch)
			must(croom_control_start(hosted[i].control), "start", NULL);
		ready[1 + i] = (struct pollfd){ .fd = croom_control_fd(hosted[i].control), .events = POLLIN };
		printf("ready %s\n", croom_control_path(hosted[i].control));
	}
	for (;;) {
		poll(ready, dispatch ? 1 + (nfds_t)rooms : 1, -1);
		for (int i = 0; i < rooms && dispatch; i++)
			must(croom_control_dispatch(hosted[i].control), "dispatch", NULL);
		if (ready[0].revents && !obey(hosted, rooms))
			break;
	}
	__atomic_store_n(&ended, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < rooms; i++) {
		croom_control_close(hosted[i].control);
		for (int k = 0; k < THREADS; k++)
			pthread_join(hosted[i].hand[k].thread, NULL);
		croom_journal_close(hosted[i].journal);
		croom_room_close(hosted[i].room);
		croom_plugins_close(hosted[i].plugins);
	}
	croom_policy_close(policy);
	return 0;
}
