/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics: the lane leaves its counters in a seqlock, about ten times a second; a thread of the handler's own takes
 * them once a second and sends them to statsd or writes them as OpenMetrics text. Network and disk can be as slow
 * as they like.
 *
 * The lane writes `sequence` and `latest`, the thread reads them. If the lane stops while it writes, the thread
 * keeps the figures before; if the thread stops, the lane does not notice.
 */
#include "../record.h"
#include "../say.h"
#include "../sink.h"
#include <croom/room.h>
#include <croom/wire.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = sizeof(tap_counters) / 8, PAGE = 4096 };

struct metrics {
	uint64_t sequence;             /* odd while the lane writes */
	uint64_t latest[WORDS];
	uint64_t base[WORDS];          /* the first figures: from there it counts; written once, before `latest` */
	tap_counters sent;             /* the thread's */
	bool first, said;              /* the thread's; said: that it could not write */
	int socket;                    /* statsd; -1: a file */
	char *path, *part;             /* the file, and what it is written as before it takes its name; or NULL */
	pthread_t thread;
	pthread_mutex_t mutex;         /* guards stop, between control side and thread */
	pthread_cond_t wake;
	bool stop;
};

static int metrics_run_counters(struct metrics *metrics, tap_counters *counters)
{
	const uint64_t *from = (const uint64_t *)(const void *)counters;
	uint64_t sequence = metrics->sequence + 1;

	if (sequence == 1)
		memcpy(metrics->base, from, sizeof(metrics->base));
	/* relaxed: the releases of the words keep it before them. */
	croom_set_relaxed(&metrics->sequence, sequence);
	for (size_t i = 0; i < WORDS; i++)
		/* pair: metrics.latest -- release; the acquire is in take(), below. */
		croom_set_release(metrics.latest.run, &metrics->latest[i], from[i]);
	/* pair: metrics.sequence -- release; the acquire is in take(), below. All words are written. */
	croom_set_release(metrics.sequence.run, &metrics->sequence, sequence + 1);
	return 0;
}
CROOM_RUN(counters, metrics_run_counters, struct metrics, tap_counters);

/* A whole set of figures; false when the lane was writing, or has not yet. */
static bool take(struct metrics *metrics, tap_counters *counters)
{
	uint64_t word[WORDS] = { 0 };
	/* pair: metrics.sequence -- acquire; the release is in metrics_run_counters(), above. */
	uint64_t before = croom_get_acquire(metrics.sequence.take, &metrics->sequence);

	for (size_t i = 0; i < WORDS; i++)
		/* pair: metrics.latest -- acquire; the release is in metrics_run_counters(), above. */
		word[i] = croom_get_acquire(metrics.latest.take, &metrics->latest[i]);
	memcpy(counters, word, sizeof(*counters));
	/* relaxed: the acquires before keep it behind the words. */
	return before && before % 2 == 0 && croom_get_relaxed(&metrics->sequence) == before;
}

static const struct { const char *name, *unit, *help; size_t at; } counters_shown[] = {
	{ "received", "packets", "Packets that the lane took.", offsetof(tap_counters, received) },
	{ "received", "bytes", "Bytes on the wire of these.", offsetof(tap_counters, bytes) },
	{ "printed", "packets", "Packets printed.", offsetof(tap_counters, verdict[TAP_PRINT]) },
	{ "filtered", "packets", "Packets that the filter left out.", offsetof(tap_counters, verdict[TAP_FILTERED]) },
	{ "sampled_out", "packets", "Packets that sampling left out.", offsetof(tap_counters, verdict[TAP_SAMPLED_OUT]) },
	{ "summarised", "packets", "Packets counted into rows.", offsetof(tap_counters, verdict[TAP_SUMMARISED]) },
	{ "not_printed", "packets", "Packets that the printer could not show.", offsetof(tap_counters, verdict[TAP_NOT_PRINTED]) },
	{ "lost_ring", "packets", "Packets lost because the ring was full.", offsetof(tap_counters, lost_ring) },
	{ "lost_kernel", "packets", "Packets lost by the kernel.", offsetof(tap_counters, lost_kernel) },
	{ "written", "bytes", "Bytes of output written.", offsetof(tap_counters, output_bytes) },
	{ "journal_lost", "rows", "Rows that the journal could not take.", offsetof(tap_counters, journal_lost) },
};
enum { SHOWN = sizeof(counters_shown) / sizeof(counters_shown[0]) };

static uint64_t figure(const tap_counters *counters, size_t i)
{
	return *(const uint64_t *)(const void *)((const char *)counters + counters_shown[i].at);
}

/* statsd wants what was added since the last time. */
static void send_statsd(struct metrics *metrics, const tap_counters *now)
{
	char text[1400];
	size_t used = 0;

	for (size_t i = 0; i < SHOWN; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "croomtap.%s_%s:%" PRIu64 "|c\n", counters_shown[i].name,
					 counters_shown[i].unit, figure(now, i) - figure(&metrics->sent, i));
	used += (size_t)snprintf(text + used, sizeof(text) - used, "croomtap.revision:%" PRIu64 "|g\n", now->revision);
	if (now->journal != TAP_JOURNAL_NONE)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "croomtap.journal_kept:%d|g\n", now->journal == TAP_JOURNAL_KEPT);
	/*
	 * Nobody listening is nobody's loss; the next second has what this one had not. The second try is for the first
	 * one's error, which may be about the packet of a second ago: it was refused, and by now there may be a listener.
	 */
	for (int tries = 0; tries < 2; tries++)
		if (send(metrics->socket, text, used, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)used) {
			metrics->sent = *now;
			break;
		}
}

/* In a folder that others may write to, somebody may have put a link or a FIFO where the part is to be. */
static int open_part(const char *part)
{
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666);
	struct stat about;

	if (fd >= 0 && (fstat(fd, &about) || !S_ISREG(about.st_mode))) {
		close(fd);
		fd = -1;
		errno = EEXIST;
	}
	return fd;
}

/* 0 or -errno; the file with the figures before stays. */
static int write_part(struct metrics *metrics, const tap_counters *now)
{
	int fd = open_part(metrics->part);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (size_t i = 0; i < SHOWN; i++) {
		const char *name = counters_shown[i].name, *unit = counters_shown[i].unit;

		fprintf(file, "# TYPE croomtap_%s_%s counter\n# UNIT croomtap_%s_%s %s\n# HELP croomtap_%s_%s %s\n"
			"croomtap_%s_%s_total %" PRIu64 "\n", name, unit, name, unit, unit, name, unit, counters_shown[i].help,
			name, unit, figure(now, i));
	}
	if (now->journal != TAP_JOURNAL_NONE)
		fprintf(file, "# TYPE croomtap_journal_kept gauge\n# HELP croomtap_journal_kept 0 while the journal cannot be written.\n"
			"croomtap_journal_kept %d\n", now->journal == TAP_JOURNAL_KEPT);
	fprintf(file, "# TYPE croomtap_revision gauge\n# HELP croomtap_revision The panel in force.\ncroomtap_revision %" PRIu64
		"\n# EOF\n", now->revision);
	return fclose(file) ? -errno : 0;
}

/* Once, until it works again. Nobody waits for a standard error that nobody reads. */
static void say(struct metrics *metrics, int rc)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (rc && !metrics->said && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT))
		tap_say("cannot write to %s: %s; it keeps the figures from before until that works again", metrics->path,
			strerror(-rc));
	metrics->said = rc != 0;
}

static void write_file(struct metrics *metrics, const tap_counters *now)
{
	int rc = write_part(metrics, now);

	/* A reader sees the old file or the new one, whole. */
	rc = rc ? rc : tap_check_replaceable(metrics->path, NULL);
	if (rc == 0 && rename(metrics->part, metrics->path))
		rc = -errno;
	say(metrics, rc);
}

static void push(struct metrics *metrics)
{
	tap_counters now;

	/* The lane writes ten times a second, for nanoseconds: a second look finds it done. */
	if (!take(metrics, &now))
		if (!take(metrics, &now))
			return;
	if (metrics->first)
		memcpy(&metrics->sent, metrics->base, sizeof(metrics->sent));
	metrics->first = false;
	if (metrics->socket >= 0)
		send_statsd(metrics, &now);
	else
		write_file(metrics, &now);
}

static void *push_every_second(void *arg)
{
	struct metrics *metrics = arg;
	struct timespec next, now;
	bool last = false;

	clock_gettime(CLOCK_MONOTONIC, &next);
	/* The last time it is after the lane's last call; also where stop was set before this thread came to run. */
	while (!last) {
		next.tv_sec++;
		pthread_mutex_lock(&metrics->mutex);
		while (!metrics->stop && pthread_cond_timedwait(&metrics->wake, &metrics->mutex, &next) == 0)
			;
		last = metrics->stop;
		pthread_mutex_unlock(&metrics->mutex);
		push(metrics);
		/* A process that was stopped for an hour has not 3,600 pushes to make up for. */
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > next.tv_sec)
			next = now;
	}
	return NULL;
}

static void metrics_free(struct metrics *metrics)
{
	if (metrics->socket >= 0)
		close(metrics->socket);
	if (metrics->part)
		unlink(metrics->part);   /* left when nothing was ever pushed */
	free(metrics->path);
	free(metrics->part);
	free(metrics);
}

static int start(struct metrics *metrics, void **ctx, struct croom_error *err)
{
	pthread_condattr_t clock;
	sigset_t all, old;
	int rc;

	pthread_mutex_init(&metrics->mutex, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&metrics->wake, &clock);
	pthread_condattr_destroy(&clock);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&metrics->thread, NULL, push_every_second, metrics);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		metrics_free(metrics);
		return croom_error_set(err, -rc, CROOM_ERROR_OTHER, NULL, "cannot start a thread: %s", strerror(rc));
	}
	*ctx = metrics;
	return 0;
}

static int out_of_memory(struct croom_error *err)
{
	return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
}

static struct metrics *metrics_new(struct croom_error *err)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics) {
		out_of_memory(err);
		return NULL;
	}
	metrics->socket = -1;
	metrics->first = true;
	return metrics;
}

/*
 * An address needs nobody. A name may need a name server, and the room's mutex is held meanwhile: operators wait, data
 * does not. So each server is asked once, for a second, and not for half a minute as resolv.conf would have it.
 */
static int find_host(const char *host, const char *port, struct addrinfo **found)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST };
	int rc = getaddrinfo(host, port, &hints, found);

	if (rc != EAI_NONAME)
		return rc;
	hints.ai_flags = 0;
	if (res_init() == 0) {
		_res.retrans = 1;
		_res.retry = 1;
	}
	return getaddrinfo(host, port, &hints, found);
}

/* HOST:PORT, [ADDRESS]:PORT. */
static int connect_to(struct metrics *metrics, const char *config, struct croom_error *err)
{
	struct addrinfo *found = NULL;
	const char *colon = strrchr(config, ':');
	char host[256];
	size_t length = colon ? (size_t)(colon - config) : 0;
	int rc;

	if (length >= 2 && config[0] == '[' && config[length - 1] == ']') {
		config++;
		length -= 2;
	}
	if (!colon || length == 0 || length >= sizeof(host) || !colon[1])
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes HOST:PORT, as in statsd:127.0.0.1:8125");
	memcpy(host, config, length);
	host[length] = 0;
	rc = find_host(host, colon + 1, &found);
	if (rc == EAI_MEMORY)
		return out_of_memory(err);
	if (rc)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "cannot find '%s' port '%s': %s; takes HOST:PORT, "
				       "as in statsd:127.0.0.1:8125", host, colon + 1, gai_strerror(rc));
	metrics->socket = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rc = metrics->socket < 0 || connect(metrics->socket, found->ai_addr, found->ai_addrlen) ? -errno : 0;
	freeaddrinfo(found);
	return rc ? croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "cannot send to '%s': %s", host, strerror(-rc)) : 0;
}

static int statsd_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct metrics *metrics = metrics_new(err);
	int rc;

	(void)env;
	if (!metrics)
		return -ENOMEM;
	rc = connect_to(metrics, config, err);
	if (rc) {
		metrics_free(metrics);
		return rc;
	}
	return start(metrics, ctx, err);
}

static int file_check(const char *config, void *env, struct croom_error *err)
{
	int rc;

	if (!*config)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a path, as in file:/run/croomtap.prom");
	rc = tap_check_own(env, config, err);
	return rc ? rc : tap_check_replaceable(config, err);
}

/* For a dry run; opening finds the rest out by making the file that is renamed. */
static int file_try(const char *config, void *env, struct croom_error *err)
{
	int rc = file_check(config, env, err);

	return rc ? rc : tap_check_writable(config, err);
}

static int file_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct metrics *metrics;
	char *part;
	int rc, fd;

	rc = file_check(config, env, err);
	if (rc)
		return rc;
	metrics = metrics_new(err);
	if (!metrics)
		return -ENOMEM;
	/* A link stays one; what it points to is replaced. */
	metrics->path = realpath(config, NULL);
	if (!metrics->path && errno != ENOMEM)
		metrics->path = strdup(config);
	if (!metrics->path || asprintf(&part, "%s.part", metrics->path) < 0) {
		rc = out_of_memory(err);
	} else if ((rc = tap_check_own(env, part, err))) {
		free(part);
	} else if ((fd = open_part(part)) < 0) {
		rc = tap_cannot_write(part, err);
		free(part);
	} else {
		close(fd);
		metrics->part = part;
	}
	if (rc) {
		metrics_free(metrics);
		return rc;
	}
	return start(metrics, ctx, err);
}

static void metrics_close(void *ctx, void *env)
{
	struct metrics *metrics = ctx;

	(void)env;
	pthread_mutex_lock(&metrics->mutex);
	metrics->stop = true;
	pthread_cond_signal(&metrics->wake);
	pthread_mutex_unlock(&metrics->mutex);
	pthread_join(metrics->thread, NULL);
	pthread_cond_destroy(&metrics->wake);
	pthread_mutex_destroy(&metrics->mutex);
	metrics_free(metrics);
}

int tap_metrics_add(struct croom_room *room, struct tap_env *env)
{
	const struct croom_class classes[] = {
		{ .name = "statsd", .help = "counters every second over UDP", .syntax = "HOST:PORT", CROOM_RUNS(counters),
		  .open = statsd_open, .close = metrics_close, .traits = CROOM_OWN_OUTPUT },
		{ .name = "file", .help = "OpenMetrics text, replaced every second", .syntax = "PATH", CROOM_RUNS(counters),
		  .open = file_open, .close = metrics_close, .check = file_try,
		  .traits = CROOM_OWN_OUTPUT | CROOM_WRITES_FILE },
	};
	int rc = croom_room_class_add(room, "metrics", &classes[0], env);

	return rc ? rc : croom_room_class_add(room, "metrics", &classes[1], env);
}
