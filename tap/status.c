/* SPDX-License-Identifier: BSD-2-Clause */
/* The status line: drawn over itself on stderr, by the main thread. */
#include "tap.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Four buckets to each doubling. */
unsigned tap_latency_bucket(uint64_t ns)
{
	unsigned log;

	if (ns < 4)
		return (unsigned)ns;
	log = 63u - (unsigned)__builtin_clzll(ns);
	return log * 4 + (unsigned)(ns >> (log - 2) & 3);
}

/* The upper bound of the bucket in which the quantile lies; 0 without samples. */
uint64_t tap_latency_quantile(const struct tap *tap, double quantile)
{
	uint64_t all = 0, seen = 0;

	/* relaxed: figures for people, here and below. */
	for (unsigned i = 0; i < TAP_LATENCY_BUCKETS; i++)
		all += croom_get_relaxed(&tap->tally.latency[i]);
	for (unsigned i = 0; i < TAP_LATENCY_BUCKETS && all; i++) {
		/* relaxed: as above. */
		seen += croom_get_relaxed(&tap->tally.latency[i]);
		if ((double)seen >= quantile * (double)all)
			return i < 8 ? i : (UINT64_C(5) + i % 4) << (i / 4 - 2);
	}
	return 0;
}

/* Whatever an operator put into a config must not reach the terminal as it is: a `?` for each character but ASCII. */
static void add_plain(char *text, size_t size, const char *from, size_t most)
{
	size_t used = strlen(text);

	for (; *from && most && used + 1 < size; from++) {
		unsigned char c = (unsigned char)*from;

		if ((c & 0xc0) == 0x80)
			continue;   /* the rest of a character in UTF-8 */
		text[used++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
		most--;
	}
	text[used] = 0;
}

enum { HANDLER_SHOWN = 28 };   /* characters */

struct handlers {
	char text[240];
};

static int add_handler(void *env, const struct croom_slot_view *slot)
{
	struct handlers *handlers = env;
	char slot_is[48];

	/* Only what is not the empty handler; the printer always. */
	if (strcmp(slot->handler, slot->handler_class[0]->name) == 0 && strcmp(slot->name, "printer"))
		return 0;
	snprintf(slot_is, sizeof(slot_is), " %s=", slot->name);
	add_plain(handlers->text, sizeof(handlers->text), slot_is, SIZE_MAX);
	add_plain(handlers->text, sizeof(handlers->text), slot->handler, HANDLER_SHOWN);
	return 0;
}

static void rate(char *text, size_t size, double figure)
{
	if (figure >= 1e6)
		snprintf(text, size, "%.2fM", figure / 1e6);
	else if (figure >= 1e4)
		snprintf(text, size, "%.1fk", figure / 1e3);
	else
		snprintf(text, size, "%.0f", figure);
}

void tap_status_draw(struct tap *tap)
{
	static uint64_t received_before, written_before;
	static struct timespec before;
	/* relaxed: figures for people. */
	uint64_t received = croom_get_relaxed(&tap->received), written = tap_writer_bytes(tap->writer);
	struct handlers handlers = { "" };
	struct winsize window = { .ws_col = 80 };
	char line[400], in[16], out[16], p99[32] = "";
	struct timespec now;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)(now.tv_sec - before.tv_sec) + (double)(now.tv_nsec - before.tv_nsec) / 1e9;
	rate(in, sizeof(in), before.tv_sec ? (double)(received - received_before) / seconds : 0);
	rate(out, sizeof(out), before.tv_sec ? (double)(written - written_before) / seconds : 0);
	croom_room_each_slot(tap->room, add_handler, &handlers);
	if (tap->live)
		snprintf(p99, sizeof(p99), " p99 %.0fus", (double)tap_latency_quantile(tap, 0.99) / 1e3);
	/* What matters most comes first: a narrow terminal shows no more. */
	snprintf(line, sizeof(line), "in %s/s out %sB/s LOST %" PRIu64 " swaps %" PRIu64 " rev %" PRIu64
		 " ring %.0f%%%s%s", in, out, tap_lost(tap), tap_swaps(tap), croom_room_revision(tap->room),
		 100.0 * (double)croom_ring_used(tap->ring) / (double)croom_ring_size(tap->ring), p99, handlers.text);
	ioctl(STDERR_FILENO, TIOCGWINSZ, &window);
	if (window.ws_col < 20)
		window.ws_col = 80;
	/* One line: what does not fit is cut, and the rest of the old one is erased. */
	fprintf(stderr, "\r%.*s\033[K", window.ws_col - 1, line);
	fflush(stderr);
	received_before = received;
	written_before = written;
	before = now;
}

void tap_status_end(void)
{
	fprintf(stderr, "\r\033[K");
}
