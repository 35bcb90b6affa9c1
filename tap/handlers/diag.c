/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diagnostics on stderr: latency (capture to output), drops, malformed. latency reads the clock for each packet,
 * through the vDSO and without a system call; that is its purpose and the reason why it is off by default.
 */
#include "../sink.h"
#include "config.h"
#include "decode.h"
#include <croom/room.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Histogram: 32 buckets to each doubling, so a bucket is at most 3.2 % wide. */
enum { STEPS = 32, BUCKETS = 60 * STEPS, LINE = 256, DUMP_BYTES = 256, DUMP_MAX = 2048, DUMPS_PER_SECOND = 20 };

struct diag {
	struct tap_sink *sink;
	bool terminal, offline;
	int64_t interval_ns, since_ns;
	uint64_t count, max, bucket[BUCKETS];
	uint64_t lost_ring, lost_kernel;
	bool seen;
	uint32_t dumps;
	uint64_t skipped;
};

static unsigned bucket_of(uint64_t ns)
{
	unsigned log;

	if (ns < STEPS)
		return (unsigned)ns;
	log = 63u - (unsigned)__builtin_clzll(ns);
	log = log > 62 ? 62 : log;
	return (log - 4) * STEPS + (unsigned)(ns >> (log - 5) & (STEPS - 1));
}

/* The highest value that falls into the bucket. */
static uint64_t bucket_top(unsigned bucket)
{
	unsigned log = bucket / STEPS + 4;

	if (bucket < STEPS)
		return bucket;
	return (((uint64_t)STEPS + bucket % STEPS + 1) << (log - 5)) - 1;
}

static uint64_t quantile(const struct diag *diag, uint64_t per_mille)
{
	uint64_t rank = (diag->count * per_mille + 999) / 1000, seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += diag->bucket[i];
		if (seen >= rank)
			return bucket_top(i) < diag->max ? bucket_top(i) : diag->max;
	}
	return diag->max;
}

static void put_us(struct put *to, uint64_t ns)
{
	put_u64(to, ns / 1000);
	put_char(to, '.');
	put_padded(to, ns % 1000 / 100, 1);
}

/* On a terminal the status line may stand there: over it. */
static struct put start_line(const struct diag *diag, char *out, size_t size)
{
	struct put to = { out, out + size };

	if (diag->terminal)
		put_text(&to, "\r\033[K");
	return to;
}

static void print_latency(struct diag *diag)
{
	char *out = diag->count ? tap_sink_reserve(diag->sink, LINE) : NULL;
	struct put to;

	if (!out)
		return;
	to = start_line(diag, out, LINE);
	/* From a file it is how long ago they were captured. */
	put_string(&to, diag->offline ? "age us: p50 " : "latency us: p50 ");
	put_us(&to, quantile(diag, 500));
	put_text(&to, " p99 ");
	put_us(&to, quantile(diag, 990));
	put_text(&to, " p99.9 ");
	put_us(&to, quantile(diag, 999));
	put_text(&to, " max ");
	put_us(&to, diag->max);
	put_text(&to, " of ");
	put_u64(&to, diag->count);
	put_text(&to, " packets\n");
	tap_sink_commit(diag->sink, (size_t)(to.at - out));
	diag->count = diag->max = 0;
	memset(diag->bucket, 0, sizeof(diag->bucket));
}

static int latency_probe(struct diag *diag, tap_probe *probe)
{
	struct timespec now;
	int64_t now_ns, then_ns;
	uint64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	if (!diag->since_ns)
		diag->since_ns = now_ns;
	if (probe->packet && probe->verdict == TAP_PRINT) {
		then_ns = tap_ns(probe->packet->sec, probe->packet->nsec);
		age = then_ns < now_ns ? (uint64_t)now_ns - (uint64_t)then_ns : 0;
		diag->bucket[bucket_of(age)]++;
		diag->max = age > diag->max ? age : diag->max;
		diag->count++;
	}
	/* The clock may be set back; then the interval starts there. */
	if (probe->last || now_ns < diag->since_ns || now_ns - diag->since_ns >= diag->interval_ns) {
		print_latency(diag);
		diag->since_ns = now_ns;
	}
	return 0;
}
CROOM_RUN(latency, latency_probe, struct diag, tap_probe);

static int drops_probe(struct diag *diag, tap_probe *probe)
{
	uint64_t ring = probe->lost_ring - diag->lost_ring, kernel = probe->lost_kernel - diag->lost_kernel;
	struct put to;
	char *out;

	if (probe->packet)
		return 0;
	/* What was lost before this handler came is not news. */
	if (diag->seen && (ring || kernel) && (out = tap_sink_reserve(diag->sink, LINE))) {
		to = start_line(diag, out, LINE);
		put_text(&to, "drops: ");
		put_u64(&to, ring);
		put_text(&to, " in ring, ");
		put_u64(&to, kernel);
		put_text(&to, " in kernel, before record ");
		put_u64(&to, probe->number + 1);
		put_char(&to, '\n');
		tap_sink_commit(diag->sink, (size_t)(to.at - out));
	}
	diag->seen = true;
	diag->lost_ring = probe->lost_ring;
	diag->lost_kernel = probe->lost_kernel;
	return 0;
}
CROOM_RUN(drops, drops_probe, struct diag, tap_probe);

static void dump(struct put *to, const struct tap_packet *packet)
{
	uint32_t length = packet->caplen < DUMP_BYTES ? packet->caplen : DUMP_BYTES;

	for (uint32_t i = 0; i < length; i++) {
		if (i % 16 == 0) {
			put_string(to, i ? "\n  " : "  ");
			put_hex_padded(to, i, 4);
			put_char(to, ' ');
		}
		put_char(to, ' ');
		put_hex_padded(to, packet->data[i], 2);
	}
	put_char(to, '\n');
}

static void put_skipped(struct diag *diag, struct put *to)
{
	put_text(to, "malformed: ");
	put_u64(to, diag->skipped);
	put_text(to, " more were not shown\n");
	diag->skipped = 0;
}

static void print_skipped(struct diag *diag)
{
	char *out = diag->skipped ? tap_sink_reserve(diag->sink, LINE) : NULL;
	struct put to;

	if (!out)
		return;
	to = start_line(diag, out, LINE);
	put_skipped(diag, &to);
	tap_sink_commit(diag->sink, (size_t)(to.at - out));
}

/* A flood of them must not drown the rest: twenty a second, the others counted. */
static int malformed_probe(struct diag *diag, tap_probe *probe)
{
	struct decoded decoded;
	struct put to;
	char *out;

	if (!probe->packet) {
		/* About ten times a second. */
		diag->dumps = diag->dumps > DUMPS_PER_SECOND / 10 ? diag->dumps - DUMPS_PER_SECOND / 10 : 0;
		if (probe->last)
			print_skipped(diag);
		return 0;
	}
	decode(&decoded, probe->packet);
	if (!decoded.partial)
		return 0;
	if (diag->dumps >= DUMPS_PER_SECOND || !(out = tap_sink_reserve(diag->sink, DUMP_MAX))) {
		diag->skipped++;
		return 0;
	}
	diag->dumps++;
	to = start_line(diag, out, DUMP_MAX);
	if (diag->skipped)
		put_skipped(diag, &to);
	put_text(&to, "malformed: record ");
	put_u64(&to, probe->number);
	put_text(&to, ", ");
	put_u64(&to, probe->packet->caplen);
	put_text(&to, " of ");
	put_u64(&to, probe->packet->len);
	put_text(&to, " bytes captured\n");
	dump(&to, probe->packet);
	tap_sink_commit(diag->sink, (size_t)(to.at - out));
	return 0;
}
CROOM_RUN(malformed, malformed_probe, struct diag, tap_probe);

static int diag_new(void **ctx, struct tap_env *env, int64_t interval_ns, struct croom_error *err)
{
	struct diag *diag = calloc(1, sizeof(*diag));
	int rc;

	if (!diag)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	rc = tap_sink_open(&diag->sink, env->writer, NULL, STDERR_FILENO, true, err);
	if (rc) {
		free(diag);
		return rc;
	}
	diag->interval_ns = interval_ns;
	diag->terminal = isatty(STDERR_FILENO);
	diag->offline = env->offline;
	*ctx = diag;
	return 0;
}

static int latency_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	int64_t interval_ns = 1000000000;

	if (*config && !config_interval(config, &interval_ns))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "takes an interval such as 500ms, 10s or 1m, not '%s'", config);
	return diag_new(ctx, env, interval_ns, err);
}

static int plain_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	if (*config)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes no config; leave out ':%s'", config);
	return diag_new(ctx, env, 0, err);
}

static void diag_close(void *ctx, void *env)
{
	struct diag *diag = ctx;

	(void)env;
	/* A lane that slept meanwhile has not told it that its panel was left. */
	tap_sink_take(diag->sink);
	print_latency(diag);
	print_skipped(diag);
	tap_sink_close(diag->sink);
	free(diag);
}

int tap_diags_add(struct croom_room *room, struct tap_env *env)
{
	const struct croom_class classes[] = {
		{ .name = "latency", .help = "capture to output, on stderr each interval (default 1s)", .syntax = "[INTERVAL]",
		  CROOM_RUNS(latency), .open = latency_open, .close = diag_close },
		{ .name = "drops", .help = "a line on stderr when packets were lost", CROOM_RUNS(drops), .open = plain_open,
		  .close = diag_close },
		{ .name = "malformed", .help = "hexdump on stderr of what could not be decoded", CROOM_RUNS(malformed),
		  .open = plain_open, .close = diag_close },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]) && rc == 0; i++)
		rc = croom_room_class_add(room, "diag", &classes[i], env);
	return rc;
}
