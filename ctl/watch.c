/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching a room. On a terminal each frame is drawn over the last one, no larger than the terminal; the cursor comes
 * back whatever ends it. Signals are let in only while waiting, so that none is missed between two looks.
 */
#include "ctl.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { RECENT = 50 };

static volatile sig_atomic_t interrupted, resized, suspended;

static void on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else if (number == SIGTSTP)
		suspended = 1;
	else
		interrupted = 1;
}

static void block_signals(sigset_t *before)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaddset(&set, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, before);
}

struct view {
	const struct ctl *ctl;
	bool screen;               /* drawn in place; otherwise lines, one after the other */
	json_t *frame, *recent;    /* the last one; the newest changes, newest first */
	int64_t missed;            /* changes that no frame had room for */
	int64_t since_s;           /* when the last frame came */
};

static int64_t now_s(void)
{
	return ctl_now_ms() / 1000;
}

/* One line, cut to so many columns; a character counts as one. */
static void put_line(const char *line, size_t length, unsigned columns)
{
	unsigned used = 0;
	size_t i = 0;

	for (; i < length; i++)
		if (((unsigned char)line[i] & 0xc0) != 0x80 && ++used > columns)
			break;
	fwrite(line, 1, i, stdout);
}

/* Home, each line over the one that stood there, and what is left below goes: nothing flickers. */
static void put_screen(const char *text)
{
	struct winsize size = { 0 };
	unsigned rows, columns;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		size.ws_row = 0;
	rows = size.ws_row > 1 ? size.ws_row : 24;
	columns = size.ws_col ? size.ws_col : 80;
	fputs("\033[H", stdout);
	for (unsigned row = 1; *text && row < rows; row++) {
		size_t length = strcspn(text, "\n");

		put_line(text, length, columns);
		fputs("\033[K\r\n", stdout);
		text += length + (text[length] == '\n');
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

static void draw(const struct view *view)
{
	int64_t silent_s = now_s() - view->since_s;
	char *text = NULL;
	size_t size, i;
	json_t *entry;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	if (silent_s > view->ctl->interval_ms / 1000 + 2)
		fprintf(out, "NO ANSWER for %lld s; as it was then:\n", (long long)silent_s);
	show_rates(out, view->frame, view->ctl->found);
	fprintf(out, "\nchanges, newest first (Ctrl-C ends)");
	if (view->missed)
		fprintf(out, "; %lld more came too fast to show", (long long)view->missed);
	fputc('\n', out);
	json_array_foreach(view->recent, i, entry)
		show_entry(out, entry);
	fclose(out);
	put_screen(text ? text : "");
	free(text);
}

/* Begin below what stands on the terminal, which can then still be scrolled back to. */
static void screen_begin(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		for (unsigned i = 1; i < size.ws_row; i++)
			putchar('\n');
	fputs("\033[?25l", stdout);
}

/* The last frame stays. */
static void screen_end(void)
{
	fputs("\r\033[K\033[?25h", stdout);
	fflush(stdout);
}

static void suspend(const struct view *view)
{
	suspended = 0;
	if (view->screen)
		screen_end();
	raise(SIGSTOP);
	if (view->screen) {
		screen_begin();
		resized = 1;
	}
}

static void print_lines(json_t *frame, const char *room)
{
	json_int_t missed = json_integer_value(json_object_get(frame, "missed"));
	size_t i;
	json_t *entry;

	if (missed)
		printf("        %lld changes came too fast to show\n", (long long)missed);
	json_array_foreach(json_object_get(frame, "changes"), i, entry)
		show_entry(stdout, entry);
	show_rates(stdout, frame, room);
	fflush(stdout);
}

/* The newest come last. A room may send any number of them: not each moves all that are there. */
static void remember(struct view *view, const json_t *changes)
{
	size_t count = json_array_size(changes);

	for (size_t i = count > RECENT ? count - RECENT : 0; i < count; i++)
		json_array_insert(view->recent, 0, json_array_get(changes, i));
	while (json_array_size(view->recent) > RECENT)
		json_array_remove(view->recent, RECENT);
}

static void take_frame(struct view *view, json_t *frame)
{
	json_int_t missed = json_integer_value(json_object_get(frame, "missed"));

	if (view->ctl->json) {
		print_json(frame, JSON_COMPACT);
		return;
	}
	if (!view->screen) {
		print_lines(frame, view->ctl->found);
		return;
	}
	remember(view, json_object_get(frame, "changes"));
	if (missed > 0 && __builtin_add_overflow(view->missed, missed, &view->missed))
		view->missed = INT64_MAX;
	view->since_s = now_s();
	if (!view->frame)
		screen_begin();
	json_decref(view->frame);
	view->frame = json_incref(frame);
	draw(view);
}

/* Wait for more, and let signals in. */
static void look(const struct view *view, int fd, bool wait, const sigset_t *unblocked)
{
	struct timespec timeout = { .tv_sec = wait ? 1 : 0 };
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (ppoll(&ready, 1, &timeout, unblocked) == 0 && wait)
		resized = 1;
	if (suspended)
		suspend(view);
	if (resized && view->frame)
		draw(view);
	resized = 0;
}

static int watch(struct view *view, int fd, const sigset_t *unblocked)
{
	struct reader reader = { 0 };
	int64_t until_ms = ctl_now_ms() + view->ctl->patience_ms + view->ctl->interval_ms;
	bool any = false;
	int code = DONE;

	while (!interrupted && code == DONE && !ferror(stdout)) {
		json_t *reply = ctl_receive(fd, &reader), *frame = json_object_get(reply, "parameters");

		if (!reply && !reader.again)
			break;
		any |= reply != NULL;
		/* One that has answered may be stopped for a while, and that shows; of one that never did nothing would. */
		if (!any && ctl_now_ms() > until_ms)
			break;
		if (json_is_string(json_object_get(reply, "error"))) {
			if (view->frame)
				screen_end();
			code = ctl_error(view->ctl, reply);
		} else if (reply) {
			take_frame(view, frame);
		}
		look(view, fd, !reply, unblocked);
		json_decref(reply);
	}
	if (view->frame)
		screen_end();
	if (!interrupted && code == DONE && !ferror(stdout)) {
		bool ended = reader.why && strncmp(reader.why, "hung up", 7) == 0;

		code = ended ? ctl_fail(view->ctl, NO_ROOM, "org.croom.ctl.NoRoom", "room %s has ended", view->ctl->found) :
			       ctl_fail(view->ctl, FAILED, "org.croom.ctl.NoReply", "room %s %s", view->ctl->found, reader.why);
	}
	free(reader.data);
	return code;
}

int verb_watch(struct ctl *ctl)
{
	struct view view = { .ctl = ctl, .screen = isatty(STDOUT_FILENO) && !ctl->json, .recent = json_array() };
	sigset_t before;
	json_t *message;
	int code, fd = ctl_connect(ctl, &code);

	if (fd >= 0) {
		message = json_pack("{s:s, s:b, s:{s:I}}", "method", "org.croom.Room.Watch", "more", 1, "parameters",
				    "interval_ms", (json_int_t)ctl->interval_ms);
		ctl_send(fd, message);
		json_decref(message);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		block_signals(&before);
		code = watch(&view, fd, &before);
		close(fd);
	}
	json_decref(view.frame);
	json_decref(view.recent);
	return code;
}
