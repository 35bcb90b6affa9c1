/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines from standard input or from a UDP port, filtered and formatted; both can be swapped while it runs:
 *
 *	tail -f /var/log/syslog | lines              lines --udp 5140
 *	croomctl swap format=json filter=match:error
 *
 * One data thread (main) with one lane, which parks while it waits for input, so that no swap waits for it.
 */
#define _GNU_SOURCE 1                  /* memmem(), strdup() */
#include <arpa/inet.h>
#include <croom/control.h>
#include <croom/lane.h>
#include <croom/room.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct line {
	const char *text;                  /* not terminated */
	size_t length;
	uint64_t number;
} line;

CROOM_RECORD(line, 1);
CROOM_SLOT(filter, 0, line);           /* 0: keep */
CROOM_SLOT(format, 1, line);           /* writes to stdout */

static int match(char *wanted, line *l)
{
	return !memmem(l->text, l->length, wanted, strlen(wanted));
}
CROOM_RUN(match, match, char, line);

static int match_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	(void)env;
	if (!*config)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes the text to look for: match:error");
	*ctx = strdup(config);
	return *ctx ? 0 : croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
}

static void match_close(void *ctx, void *env)
{
	(void)env;
	free(ctx);
}

static int plain(void *ctx, line *l)
{
	(void)ctx;
	return printf("%.*s\n", (int)l->length, l->text);
}
CROOM_RUN(plain, plain, void, line);

static int json(void *ctx, line *l)
{
	(void)ctx;
	printf("{\"number\":%llu,\"line\":\"", (unsigned long long)l->number);
	for (size_t i = 0; i < l->length; i++)
		printf(l->text[i] == '"' || l->text[i] == '\\' || (unsigned char)l->text[i] < 32 ? "\\u%04x" : "%c", l->text[i]);
	return puts("\"}");
}
CROOM_RUN(json, json, void, line);

static struct croom_room *open_room(struct croom_lane **lane)
{
	static const struct croom_slot slots[] = {
		{ .name = "filter", .help = "which lines are kept", .type = filter_slot_type, .empty = "all" },
		{ .name = "format", .help = "how a line is written", .type = format_slot_type, .empty = "none" },
	};
	static const struct croom_class classes[] = {
		{ .name = "match", .help = "lines that hold TEXT", .syntax = "TEXT", CROOM_RUNS(match), .open = match_open,
		  .close = match_close },
		{ .name = "plain", .help = "as it came", CROOM_RUNS(plain) },
		{ .name = "json", .help = "one object per line", CROOM_RUNS(json) },
	};
	const struct croom_change start = { "format", "plain" };
	struct croom_room *room;
	int rc = croom_room_open(&room, "lines", slots, 2);

	for (int i = 0; i < 3 && rc == 0; i++)
		rc = croom_room_class_add(room, slots[i > 0].name, &classes[i], NULL);
	rc = rc ? rc : croom_room_lane_add(room, "input", lane);
	return rc || croom_room_swap(room, &start, 1, NULL, NULL, NULL) ? NULL : room;
}

/* Every whole line in the buffer, each under one panel; returns how many bytes are left for later. */
static size_t handle(struct croom_lane *lane, char *text, size_t used, int last, line *l)
{
	const struct croom_panel *panel = croom_lane_unpark(lane);
	char *end;

	for (l->text = text; used && ((end = memchr(l->text, '\n', used)) || last); l->text += l->length + 1) {
		l->length = end ? (size_t)(end - l->text) : used;
		l->number++;
		panel = croom_lane_observe(lane, panel);
		if (croom_slot_call(filter, panel, l) == 0)
			croom_slot_call(format, panel, l);
		croom_lane_records_add(lane, 1);
		used -= l->length + (end != NULL);
	}
	croom_lane_park(lane);
	memmove(text, l->text, used);
	return used;
}

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = number;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int udp = argc == 3 && strcmp(argv[1], "--udp") == 0, input = udp ? socket(AF_INET, SOCK_DGRAM, 0) : 0;
	struct croom_control *control = NULL;
	struct croom_error err = { 0 };
	static char text[65536];
	struct croom_lane *lane;
	struct croom_room *room = open_room(&lane);
	line l = { 0 };
	size_t used = 0;
	ssize_t got = 1;

	here.sin_port = htons((uint16_t)(udp ? atoi(argv[2]) : 0));
	if ((argc > 1 && !udp) || !room || (udp && bind(input, (struct sockaddr *)&here, sizeof(here))))
		return croom_room_close(room), fprintf(stderr, "usage: lines [--udp PORT]; the port must be free\n"), 2;
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	if (croom_control_open(&control, room, NULL, &err) || croom_control_start(control))
		fprintf(stderr, "lines: goes on without croomctl: %s\n", err.text);
	while (got > 0 || (udp && got == 0)) {
		got = ended ? -1 : read(input, text + used, sizeof(text) - used);
		used += got > 0 ? (size_t)got : 0;
		used = handle(lane, text, used, udp || got <= 0 || used == sizeof(text), &l);
		fflush(stdout);
	}
	fprintf(stderr, "%llu lines\n", (unsigned long long)l.number);
	croom_control_close(control);
	croom_room_close(room);
	return 0;
}
