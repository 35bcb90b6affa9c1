/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tap prints comes in through a pipe. A thread counts the lines that are packets and keeps the newest few.
 * `mutex` guards all of it; the tap does not wait for it, it has its own writer thread.
 */
#include "demo.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { KEPT = 8, LINE = 400, CHUNK = 256 * 1024 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static pthread_t reader;
static char kept[KEPT][LINE];
static uint64_t lines, packets;
static int wanted;             /* lines that screen_show() still waits for */
static int source = -1;

/* A packet, and not a row of a strategy or the head of a table? */
static bool is_packet(const char *line, size_t length)
{
	static const char json[] = "{\"type\":\"packet\"", csv[] = "packet,";
	enum { STAMP = sizeof("00:00:00.000000") };   /* and the blank behind it */

	if (length >= sizeof(json) - 1 && *line == '{')
		return memcmp(line, json, sizeof(json) - 1) == 0;
	if (length >= sizeof(csv) - 1 && memcmp(line, csv, sizeof(csv) - 1) == 0)
		return true;
	return length > STAMP + 5 && line[2] == ':' && line[5] == ':' && memcmp(line + STAMP, "flow ", 5) != 0 &&
		memcmp(line + STAMP, "top ", 4) != 0;
}

static void take_line(const char *line, size_t length)
{
	packets += is_packet(line, length);
	if (wanted) {
		snprintf(kept[lines++ % KEPT], LINE, "%.*s", (int)(length < LINE ? length : LINE - 1), line);
		if (--wanted == 0)
			pthread_cond_signal(&more);
	}
}

static void *read_all(void *arg)
{
	static char chunk[CHUNK];
	size_t used = 0;
	ssize_t got;

	(void)arg;
	while ((got = read(source, chunk + used, sizeof(chunk) - used)) > 0) {
		char *line = chunk, *end;

		used += (size_t)got;
		pthread_mutex_lock(&mutex);
		for (; (end = memchr(line, '\n', used - (size_t)(line - chunk))); line = end + 1)
			take_line(line, (size_t)(end - line));
		pthread_mutex_unlock(&mutex);
		used -= (size_t)(line - chunk);
		memmove(chunk, line, used);
		if (used == sizeof(chunk))
			used = 0;
	}
	return NULL;
}

int screen_start(int fd)
{
	source = fd;
	packets = 0;
	return pthread_create(&reader, NULL, read_all, NULL);
}

void screen_end(void)
{
	pthread_join(reader, NULL);
	close(source);
}

/* How much of a line is shown: what fits behind the indent, before " ...". */
static int line_width(void)
{
	struct winsize window = { 0 };
	int width = 120;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col >= 40 && window.ws_col < width)
		width = window.ws_col;
	return width - (int)(sizeof("      ") + sizeof(" ...") - 2);
}

void screen_show(int count, int wait_ms)
{
	int width = line_width();
	struct timespec until;

	count = count < KEPT ? count : KEPT;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&mutex);
	lines = 0;
	wanted = count;
	while (wanted && pthread_cond_timedwait(&more, &mutex, &until) == 0)
		;
	wanted = 0;
	for (uint64_t i = 0; i < lines; i++)
		printf("      %.*s%s\n", width, kept[i], strlen(kept[i]) > (size_t)width ? " ..." : "");
	if (!lines)
		printf("      (nothing came within %.1f s)\n", wait_ms / 1000.0);
	pthread_mutex_unlock(&mutex);
	fflush(stdout);
}

uint64_t screen_packets(void)
{
	uint64_t now;

	pthread_mutex_lock(&mutex);
	now = packets;
	pthread_mutex_unlock(&mutex);
	return now;
}
