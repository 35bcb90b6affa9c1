/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "../../tap/handlers/decode.h"
#include "../../tap/sink.h"
#include <croom/lane.h>
#include <croom/room.h>
#include <jansson.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROOMS = 5, SLOTS = 6, CSV_COLUMNS = 14 };

const int bench_links[BENCH_LINKS] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_IPV4, DLT_IPV6, DLT_NULL,
				       DLT_LOOP };

enum kind { LINES, JSON, CSV, PCAP, PCAPNG };

struct tap_sink {
	enum kind kind;
	bool lossy;
	char *room;
	size_t max;
	uint32_t begun;
};

/* Memory with an inaccessible page before and behind. */
struct fenced {
	char *start, *end;
};

struct station {                       /* a room with one handler in each slot */
	struct croom_room *room;
	struct croom_lane *lane;
	const struct croom_panel *panel;
	struct tap_sink out;
};

static struct station station[ROOMS], filters[BENCH_LINKS];
static struct tap_env env = { .linktype = DLT_EN10MB, .snaplen = BENCH_LONGEST, .interface = "bench", .offline = true,
			      .nano = true };
static struct fenced packets, written;
static bool refuse;
static uint64_t number;

static struct fenced fence(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
	char *at = mmap(NULL, whole + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at + page, whole, PROT_READ | PROT_WRITE))
		abort();
	return (struct fenced){ at + page, at + page + whole };
}

static void unfence(struct fenced *one)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(one->start - page, (size_t)(one->end - one->start) + 2 * page);
}

const uint8_t *bench_place(const uint8_t *bytes, uint32_t length, bool last)
{
	char *at = last ? packets.end - length : packets.start;

	memcpy(at, bytes, length);
	return (const uint8_t *)at;
}

bool bench_line(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((bytes[i] < ' ' && bytes[i] != '\n' && bytes[i] != '\t') || bytes[i] == 127)
			return false;
	return length > 0 && bytes[length - 1] == '\n';
}

static bool is_json(const char *bytes, size_t length)
{
	json_t *value = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
	bool good = json_is_object(value) && memchr(bytes, '\n', length) == bytes + length - 1;

	json_decref(value);
	return good;
}

/* The header and a row may come together. */
static bool is_csv(const char *bytes, size_t length)
{
	unsigned columns = 1;

	for (size_t i = 0; i < length; i++) {
		columns += bytes[i] == ',';
		if (bytes[i] == '"' || bytes[i] & 0x80 || (bytes[i] == '\n' && columns != CSV_COLUMNS))
			return false;
		if (bytes[i] == '\n')
			columns = 1;
	}
	return columns == 1;
}

static uint32_t word(const char *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static bool is_pcap(const char *bytes, size_t length)
{
	if (length == 24 && (word(bytes) == 0xa1b2c3d4 || word(bytes) == 0xa1b23c4d))
		return true;
	return length >= 16 && length == 16 + (size_t)word(bytes + 8);
}

static bool is_blocks(const char *bytes, size_t length)
{
	while (length >= 12) {
		uint32_t size = word(bytes + 4);

		if (size < 12 || size > length || size % 4 || word(bytes + size - 4) != size)
			return false;
		bytes += size;
		length -= size;
	}
	return length == 0;
}

static bool good(enum kind kind, const char *bytes, size_t length)
{
	switch (kind) {
	case JSON: return bench_line(bytes, length) && is_json(bytes, length);
	case CSV: return bench_line(bytes, length) && is_csv(bytes, length);
	case PCAP: return is_pcap(bytes, length);
	case PCAPNG: return is_blocks(bytes, length);
	default: return bench_line(bytes, length);
	}
}

/* What tap/sink.h promises, without a thread. */
int tap_sink_open(struct tap_sink **sink, struct tap_writer *writer, const char *path, int fd, bool lossy,
		  struct croom_error *err)
{
	(void)writer;
	(void)path;
	(void)fd;
	(void)err;
	*sink = calloc(1, sizeof(**sink));
	if (!*sink)
		return -1;
	(*sink)->lossy = lossy;
	return 0;
}

void tap_sink_take(struct tap_sink *sink)
{
	(void)sink;
}

void tap_sink_close(struct tap_sink *sink)
{
	free(sink);
}

char *tap_sink_reserve(struct tap_sink *sink, size_t max)
{
	if (sink->lossy && refuse)
		return NULL;
	if (max > TAP_SINK_MAX)
		bench_wrong("a handler asks for more than TAP_SINK_MAX", NULL, max);
	sink->max = max;
	sink->room = written.end - max;
	return sink->room;
}

void tap_sink_commit(struct tap_sink *sink, size_t length)
{
	if (!sink->room || length > sink->max)
		bench_wrong("a handler has written more than it asked for", NULL, length);
	else if (!good(sink->kind, sink->room, length))
		bench_wrong("a handler has written what nobody can read", sink->room, length);
	sink->room = NULL;
}

void tap_sink_count(struct tap_sink *sink)
{
	(void)sink;
}

bool tap_sink_begin(struct tap_sink *sink, uint32_t kind)
{
	bool due = sink->begun != kind;

	sink->begun = kind;
	return due;
}

/* No file is made here. */
int tap_check_own(const struct tap_env *who, const char *path, struct croom_error *err)
{
	(void)who;
	(void)path;
	(void)err;
	return 0;
}

int tap_check_replaceable(const char *path, struct croom_error *err)
{
	(void)path;
	(void)err;
	return 0;
}

int tap_check_writable(const char *path, struct croom_error *err)
{
	(void)path;
	(void)err;
	return 0;
}

static void must(int rc, const char *what, const char *why)
{
	if (rc == 0)
		return;
	printf("# bench: %s: %s\n", what, why);
	abort();
}

static void open_room(struct station *at, const struct croom_change *changes, unsigned count)
{
	static const struct croom_slot slots[SLOTS] = {
		[filter_slot] = { .name = "filter", .type = filter_slot_type, .empty = "all" },
		[strategy_slot] = { .name = "strategy", .type = strategy_slot_type, .empty = "each" },
		[printer_slot] = { .name = "printer", .type = printer_slot_type, .empty = "none" },
		[audit_slot] = { .name = "audit", .type = audit_slot_type },
		[metrics_slot] = { .name = "metrics", .type = metrics_slot_type },
		[diag_slot] = { .name = "diag", .type = diag_slot_type },
	};
	const struct croom_swap_options now = { .wait_ms = 0 };
	struct croom_error err = { .text = "" };

	must(croom_room_open(&at->room, "bench", slots, SLOTS), "room", "");
	must(tap_filters_add(at->room, &env) || tap_strategies_add(at->room, &env) || tap_printers_add(at->room, &env) ||
	     tap_audits_add(at->room, &env) || tap_diags_add(at->room, &env), "classes", "");
	must(croom_room_lane_add(at->room, "bench", &at->lane), "lane", "");
	must(croom_room_swap(at->room, changes, count, &now, NULL, &err), "swap", err.text);
	at->panel = croom_lane_unpark(at->lane);
}

void bench_open(void)
{
	static const struct croom_change in[ROOMS][4] = {
		{ { "printer", "text" }, { "strategy", "flows" }, { "audit", "file:x" }, { "diag", "malformed" } },
		{ { "printer", "json" }, { "strategy", "flows:1h" }, { "audit", "file:x" }, { "diag", "malformed" } },
		{ { "printer", "csv" }, { "strategy", "top:3" }, { "audit", "file:x" }, { "diag", "drops" } },
		{ { "printer", "pcap" }, { "strategy", "sample:3" }, { "audit", "file:x" }, { "diag", "latency:1h" } },
		{ { "printer", "pcapng" }, { "strategy", "top:1000" }, { "audit", "file:x" }, { "diag", "malformed" } },
	};
	static const enum kind kinds[ROOMS] = { LINES, JSON, CSV, PCAP, PCAPNG };
	const struct croom_change filter = { "filter", "bpf:(ip[6:2] & 0x1fff != 0 and tcp[((tcp[12] & 0xf0) >> 2):4] = 7) or "
		"icmp6 or ip6 host ::1 or tcp port 80 or udp portrange 50-60 or ip broadcast or sctp or greater 1000" };

	packets = fence(BENCH_LONGEST);
	written = fence(TAP_SINK_MAX);
	must(croom_strings_open(&env.strings, 1 << 16, 4 << 20), "strings", "");
	for (unsigned i = 0; i < ROOMS; i++) {
		station[i].out.kind = kinds[i];
		open_room(&station[i], in[i], 4);
	}
	for (unsigned i = 0; i < BENCH_LINKS; i++) {
		env.linktype = bench_links[i];
		open_room(&filters[i], &filter, 1);
	}
}

static void close_room(struct station *at)
{
	croom_lane_park(at->lane);
	croom_room_close(at->room);
}

void bench_close(void)
{
	for (unsigned i = 0; i < ROOMS; i++)
		close_room(&station[i]);
	for (unsigned i = 0; i < BENCH_LINKS; i++)
		close_room(&filters[i]);
	croom_strings_close(env.strings);
	unfence(&packets);
	unfence(&written);
}

void bench_refuse(bool on)
{
	refuse = on;
}

static void run(struct station *at, const struct tap_packet *packet)
{
	tap_event event = { .kind = TAP_PACKET, .number = number, .now_ns = tap_ns(packet->sec, packet->nsec), .packet = *packet,
			    .panel = at->panel, .out = &at->out };
	tap_item item = { .packet = packet, .number = number, .out = &at->out };
	tap_decision decision = { .number = number, .revision = 2, .packet = packet, .verdict = number % TAP_VERDICTS };
	tap_probe probe = { .number = number, .revision = 2, .packet = packet, .verdict = TAP_PRINT };

	croom_slot_call(strategy, at->panel, &event);
	if (croom_slot_call(printer, at->panel, &item) != 1)
		bench_wrong("a printer has not printed a packet", NULL, 0);
	croom_slot_call(audit, at->panel, &decision);
	croom_slot_call(diag, at->panel, &probe);
}

/* The fields are in the packet. */
static void look(const struct tap_packet *packet)
{
	const uint8_t *start = packet->data, *end = start + packet->caplen;
	struct decoded decoded;
	size_t address;

	decode(&decoded, packet);
	address = decoded.version == 6 ? 16 : 4;
	if ((decoded.source && (decoded.source < start || decoded.source + address > end)) ||
	    (decoded.target && (decoded.target < start || decoded.target + address > end)) || !decoded.source != !decoded.target)
		bench_wrong("an address is not in the packet", NULL, 0);
	if ((decoded.source_mac && (decoded.source_mac < start || decoded.source_mac + 6 > end)) ||
	    (decoded.target_mac && (decoded.target_mac < start || decoded.target_mac + 6 > end)) ||
	    !decoded.source_mac != !decoded.target_mac)
		bench_wrong("a MAC address is not in the packet", NULL, 0);
}

void bench_packet(const struct tap_packet *packet)
{
	number++;
	look(packet);
	for (unsigned i = 0; i < ROOMS; i++)
		run(&station[i], packet);
	for (unsigned i = 0; i < BENCH_LINKS; i++)
		if (bench_links[i] == packet->linktype) {
			tap_event event = { .packet = *packet, .panel = filters[i].panel };

			croom_slot_call(filter, filters[i].panel, &event);
		}
}

void bench_flush(bool last)
{
	for (unsigned i = 0; i < ROOMS; i++) {
		struct station *at = &station[i];
		tap_event event = { .kind = TAP_FLUSH, .number = number, .panel = at->panel, .out = &at->out };
		tap_probe probe = { .number = number, .revision = 2, .lost_ring = number, .last = last };

		croom_slot_call(strategy, at->panel, &event);
		if (event.unshown && (at->out.kind == LINES || at->out.kind == JSON || at->out.kind == CSV))
			bench_wrong("a printer has not printed a row", NULL, 0);
		croom_slot_call(diag, at->panel, &probe);
	}
}
