/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients to the varlink server, with a room behind it (control/). Two of them, over real sockets; the clock stands still
 * unless the input says otherwise, so that an input does the same each time.
 *
 * Input: what the first client sends, but for these bytes, which no JSON has outside of an escape:
 *	1  let the server work		2  from here on the other client sends		3  the lane stops, or goes on
 *	4  a millisecond passes		5  half a minute passes				6  the client sends no more
 *	7  it reads no more, or does	8  one client too many comes, asks and goes
 *	14 N  the Nth piece of memory that JSON needs is not there			15 B  the byte B, whatever it is
 * Beside the sanitizers: every reply is a varlink message with a name that the interface has, there is one at most per
 * request, the server comes to rest, and nothing of a client that went is left.
 */
#include "../../control/server.h"
#include "fuzz.h"
#include <croom/plugin.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 2, DISPATCHES = 20000, LONGEST = 300 * 1024, ROOM = 4 << 20 };
enum { WORK = 1, OTHER, STALL, MOMENT, WHILE, END, DEAF, NEWCOMER, STARVE = 14, BYTE = 15 };

typedef struct note {
	int value;
} note;

CROOM_RECORD(note, 1);
CROOM_SLOT(printer, 0, note);
CROOM_SLOT(filter, 1, note);

struct peer {
	int fd;
	bool deaf, ended;
	uint64_t asked, answered;
	char *got;
	size_t used;
};

static char folder[] = "/tmp/croom-fuzz-XXXXXX", path[64];
static struct croom_control *control;
static struct croom_lane *lane;
static const struct croom_panel *panel;
static bool stalled;
static struct peer peer[CLIENTS];
static int64_t now_is, timer_at;
static int timer = -1;
static unsigned starve;
static bool working;

/* In place of the C library's: time is what the input says. */
int clock_gettime(clockid_t clock, struct timespec *at)
{
	if (clock != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, clock, at);
	*at = (struct timespec){ .tv_sec = now_is / 1000000000, .tv_nsec = now_is % 1000000000 };
	return 0;
}

int timerfd_create(clockid_t clock, int flags)
{
	(void)clock;
	(void)flags;
	timer = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return timer;
}

static void ring_timer(void)
{
	const uint64_t once = 1;

	if (timer_at && timer_at <= now_is) {
		timer_at = 0;
		MUST(write(timer, &once, sizeof(once)) == sizeof(once));
	}
}

int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	uint64_t times;

	(void)flags;
	(void)old;
	if (read(fd, &times, sizeof(times)) < 0)
		MUST(errno == EAGAIN);
	timer_at = when->it_value.tv_sec * INT64_C(1000000000) + when->it_value.tv_nsec;
	ring_timer();
	return 0;
}

/* Not while it parses: jansson 2.14 then frees what it has not allocated, which is the library's own. */
json_t *__real_json_loadb(const char *text, size_t length, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t length, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t length, size_t flags, json_error_t *error)
{
	bool before = working;
	json_t *value;

	working = false;
	value = __real_json_loadb(text, length, flags, error);
	working = before;
	return value;
}

static void *json_memory(size_t size)
{
	return working && starve && --starve == 0 ? NULL : malloc(size);
}

static int number_call(int *ctx, note *n)
{
	return *ctx + n->value;
}
CROOM_RUN(number, number_call, int, note);

static int number_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	int *number = malloc(sizeof(*number));
	char *end;

	(void)env;
	*number = (int)strtol(config, &end, 10);
	*ctx = number;
	if (*config && !*end)
		return 0;
	free(number);
	croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a number, not '%s'", config);
	err->offset = (int)(end - config);
	return -EINVAL;
}

static int text_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	(void)config;
	return number_open(ctx, "1", env, err);
}

static void number_close(void *ctx, void *env)
{
	(void)env;
	free(ctx);
}

static double half(void *env)
{
	(void)env;
	return 0.5;
}

static void clean_up(void)
{
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	json_set_alloc_funcs(json_memory, free);
	MUST(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/room", folder);
	atexit(clean_up);
	return 0;
}

static struct croom_room *new_room(void)
{
	static const struct croom_slot slots[] = { { .name = "printer", .type = printer_slot_type },
						   { .name = "filter", .type = filter_slot_type, .empty = "all", .help = "\xff" } };
	static const struct croom_class classes[] = {
		{ .name = "number", .help = "adds N", .syntax = "N", CROOM_RUNS(number), .open = number_open,
		  .close = number_close, .traits = CROOM_PURE },
		{ .name = "text", .syntax = "[TEXT]", CROOM_RUNS(number), .open = text_open, .close = number_close },
	};
	struct croom_lane *asleep;
	struct croom_room *room;

	MUST(croom_room_open(&room, "fuzz", slots, 2) == 0);
	for (int i = 0; i < 4; i++)
		MUST(croom_room_class_add(room, slots[i / 2].name, &classes[i % 2], NULL) == 0);
	MUST(croom_room_gauge_add(room, "half", "%", half, NULL) == 0);
	MUST(croom_room_lane_add(room, "feed", &lane) == 0 && croom_room_lane_add(room, "asleep", &asleep) == 0);
	panel = croom_lane_unpark(lane);
	stalled = false;
	return room;
}

/* The server does all that it can; then it must be at rest. */
static void work(void)
{
	struct pollfd ready = { .fd = croom_control_fd(control), .events = POLLIN };
	int left = DISPATCHES;

	if (!stalled) {
		note one = { .value = -3 };

		panel = croom_lane_observe(lane, panel);
		croom_lane_call(printer, lane, panel, &one);
		croom_slot_call(filter, panel, &one);
	}
	working = true;
	while (poll(&ready, 1, 0) > 0) {
		MUST(croom_control_dispatch(control) == 0);
		MUST(--left > 0);
	}
	working = false;
}

static void pass(int64_t ns)
{
	now_is += ns;
	ring_timer();
	work();
}

/* The names that control/org.croom.Room.varlink and org.varlink.service have. */
static bool known(const char *error)
{
	static const char *const names[] = { "org.croom.Room.UnknownSlot", "org.croom.Room.UnknownClass",
		"org.croom.Room.BadConfig", "org.croom.Room.WrongRevision", "org.croom.Room.Busy", "org.croom.Room.NoHistory",
		"org.croom.Room.NotPermitted", "org.croom.Room.TooManyClients", "org.croom.Room.Failed",
		"org.croom.Room.NotObserved", "org.croom.Room.Frozen", "org.croom.Room.Unconfirmed",
		"org.croom.Room.Quarantined", "org.croom.Room.NoJournal", "org.croom.Room.NotTrusted",
		"org.croom.Room.TooOften", "org.varlink.service.InterfaceNotFound", "org.varlink.service.MethodNotFound",
		"org.varlink.service.MethodNotImplemented", "org.varlink.service.InvalidParameter",
		"org.varlink.service.PermissionDenied", "org.varlink.service.ExpectedMore" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(error, names[i]) == 0)
			return true;
	return false;
}

static void check_reply(struct peer *from, const char *text, size_t length)
{
	json_t *reply = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL), *error = json_object_get(reply, "error");
	bool continues = json_is_true(json_object_get(reply, "continues"));
	size_t fields = 1 + (error != NULL) + continues;

	if (!json_is_object(json_object_get(reply, "parameters")) || json_object_size(reply) != fields ||
	    (error && (continues || !known(json_string_value(error)))))
		fuzz_wrong("not a reply", text, length);
	from->answered += !continues;
	json_decref(reply);
}

/* Take what has come; the messages that are whole are looked at. */
static void hear(struct peer *from)
{
	ssize_t got;

	if (from->deaf)
		return;
	do {
		char *start = from->got, *end;

		got = recv(from->fd, from->got + from->used, ROOM - from->used, MSG_DONTWAIT);
		from->used += got > 0 ? (size_t)got : 0;
		while ((end = memchr(start, 0, from->used - (size_t)(start - from->got)))) {
			check_reply(from, start, (size_t)(end - start));
			start = end + 1;
		}
		from->used -= (size_t)(start - from->got);
		memmove(from->got, start, from->used);
		work();
	} while (got > 0);
	/* One for a message that is too long to have an end. */
	MUST(from->answered <= from->asked + 1);
}

static void come(struct peer *who)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *got = who->got ? who->got : malloc(ROOM);

	strcpy(address.sun_path, path);
	*who = (struct peer){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .got = got };
	MUST(connect(who->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	work();
}

static void greet(void)
{
	const int least = 1;

	for (int i = 0; i < CLIENTS; i++)
		come(&peer[i]);
	/* So that a client that does not read is felt at once. */
	for (const struct client *client = control->clients; client; client = client->next)
		setsockopt(client->fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	MUST(control->count == CLIENTS);
}

/* As much as the server takes. */
static void say(struct peer *by, const char *bytes, size_t length)
{
	while (length && !by->ended) {
		ssize_t done = send(by->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done > 0) {
			for (ssize_t i = 0; i < done; i++)
				by->asked += bytes[i] == 0;
			bytes += done;
			length -= (size_t)done;
		}
		work();
		if (done <= 0) {
			hear(by);
			if (by->deaf || (done < 0 && errno != EAGAIN))
				return;
		}
	}
}

/* Somebody may have to go for it. */
static void newcomer(void)
{
	static const char asks[] = "{\"method\":\"org.croom.Room.List\"}";
	static struct peer new;

	come(&new);
	say(&new, asks, sizeof(asks));
	hear(&new);
	close(new.fd);
	work();
	MUST(control->count <= CLIENTS);
}

static void act(uint8_t byte, struct peer *by)
{
	switch (byte) {
	case STALL: stalled = !stalled; break;
	case MOMENT: pass(1000000); break;
	case WHILE: pass(INT64_C(31000000000)); break;
	case NEWCOMER: newcomer(); break;
	case DEAF: by->deaf = !by->deaf; break;
	case END:
		shutdown(by->fd, SHUT_WR);
		by->ended = true;
		break;
	default: break;
	}
	work();
	hear(by);
}

static void play(const uint8_t *data, size_t size)
{
	static char text[LONGEST];
	struct peer *by = &peer[0];
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		uint8_t byte = data[i];

		if (byte == 0 || byte > BYTE || (byte > NEWCOMER && byte < STARVE)) {
			text[used++] = (char)byte;
			continue;
		}
		if (byte == BYTE) {
			text[used++] = (char)(i + 1 < size ? data[++i] : 0);
			continue;
		}
		say(by, text, used);
		used = 0;
		if (byte == OTHER)
			by = by == &peer[0] ? &peer[1] : &peer[0];
		else if (byte == STARVE)
			starve = i + 1 < size ? data[++i] : 1;
		else
			act(byte, by);
	}
	say(by, text, used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct croom_control_options options = { .path = path, .program = "fuzz \xff", .clients_max = CLIENTS };
	struct croom_room *room;
	uint64_t revision;

	if (size > LONGEST)
		return 0;
	now_is = INT64_C(1000000000000);
	timer_at = 0;
	room = new_room();
	/* There is no policy, so no file is ever opened. */
	MUST(croom_plugins_open(&options.plugins, room, NULL, NULL) == 0);
	MUST(croom_control_open(&control, room, &options, NULL) == 0);
	greet();
	play(data, size);
	starve = 0;
	for (int i = 0; i < CLIENTS; i++) {
		peer[i].deaf = false;
		hear(&peer[i]);
	}
	revision = croom_room_revision(room);
	for (int i = 0; i < CLIENTS; i++)
		close(peer[i].fd);
	work();
	/* Who left a swap behind is looked at when its time comes; the change it has made stays. */
	stalled = false;
	pass(INT64_C(61000000000));
	MUST(control->count == 0 && croom_room_revision(room) >= revision);
	croom_control_close(control);
	croom_lane_park(lane);
	croom_room_close(room);
	croom_plugins_close(options.plugins);
	return 0;
}
