/* SPDX-License-Identifier: BSD-2-Clause */
/* Printers for people and programs: text, json, csv. */
#include "../sink.h"
#include "../text/text.h"
#include "decode.h"
#include "files.h"
#include <croom/room.h>
#include <errno.h>
#include <stdlib.h>

enum { ROW_MAX = 1024 };

struct lines {
	const struct tap_env *env;
	struct utc utc;
	bool headed;          /* csv: the header has been written */
	struct text_ctx text;
};

static void put_name(struct put *to, const struct croom_strings *strings, uint32_t id)
{
	size_t length = 1;
	const char *name = croom_strings_get(strings, id, &length);

	put_bytes(to, name ? name : "?", length);
}

/* The time of a row is that of its last packet; before 1970 the second is the one that is further back. */
static uint64_t row_nsec(const struct tap_summary *row)
{
	return (uint64_t)((row->last_ns % 1000000000 + 1000000000) % 1000000000);
}

static int64_t row_second(const struct tap_summary *row)
{
	return row->last_ns / 1000000000 - (row->last_ns % 1000000000 < 0);
}

static void put_seconds(struct put *to, const struct tap_summary *row)
{
	uint64_t ns = (uint64_t)row->last_ns - (uint64_t)row->first_ns;

	put_u64(to, ns / 1000000000);
	put_char(to, '.');
	put_padded(to, ns / 1000 % 1000000, 6);
}

/* A row as a line of text. */
static size_t text_row(struct lines *lines, char *out, const struct tap_summary *row)
{
	struct put to = { out, out + ROW_MAX };

	to.at += text_time(&lines->text, out, ROW_MAX, row_second(row), row_nsec(row));
	if (row->top) {
		put_text(&to, "top ");
		put_u32(&to, row->rank);
		put_text(&to, ": ");
	} else {
		put_text(&to, "flow ");
	}
	put_name(&to, lines->env->strings, row->source);
	put_text(&to, " > ");
	put_name(&to, lines->env->strings, row->target);
	put_char(&to, ' ');
	put_name(&to, lines->env->strings, row->protocol);
	put_text(&to, ", ");
	put_u64(&to, row->packets);
	put_text(&to, " packets, ");
	put_u64(&to, row->bytes);
	put_text(&to, " bytes in ");
	put_seconds(&to, row);
	put_text(&to, " s\n");
	return (size_t)(to.at - out);
}

static int text_print(struct lines *lines, tap_item *item)
{
	const struct tap_packet *packet = item->packet;
	struct text_packet one;
	size_t max;
	char *out;

	if (!packet && !item->summary)
		return 0;
	if (!packet) {
		out = tap_sink_reserve(item->out, ROW_MAX);
		if (out)
			tap_sink_commit(item->out, text_row(lines, out, item->summary));
		return out != NULL;
	}
	one = (struct text_packet){ packet->data, packet->caplen, packet->len, packet->linktype, packet->sec, packet->nsec };
	max = text_max(packet->caplen) < TAP_SINK_MAX ? text_max(packet->caplen) : TAP_SINK_MAX;
	out = tap_sink_reserve(item->out, max);
	if (!out)
		return 0;
	tap_sink_commit(item->out, text_packet(&lines->text, out, max, &one));
	return 1;
}
CROOM_RUN(text, text_print, struct lines, tap_item);

/* ,"name": */
#define put_key(to, name) put_text(to, ",\"" name "\":")

static void put_quoted_address(struct put *to, const struct decoded *decoded, const uint8_t *address)
{
	put_char(to, '"');
	put_decoded_address(to, decoded, address);
	put_char(to, '"');
}

static void put_tcp_flags(struct put *to, uint8_t flags)
{
	static const char names[] = "FSRPAUEC";

	for (unsigned i = 0; i < 8; i++)
		if (flags >> i & 1)
			put_char(to, names[i]);
}

static void json_network(struct put *to, const struct decoded *decoded)
{
	if (decoded->source_mac) {
		put_key(to, "src_mac");
		put_char(to, '"');
		put_mac(to, decoded->source_mac, 6);
		put_text(to, "\",\"dst_mac\":\"");
		put_mac(to, decoded->target_mac, 6);
		put_char(to, '"');
	}
	if (decoded->vlan) {
		put_key(to, "vlan");
		put_u32(to, decoded->vlan);
	}
	if (decoded->source) {
		put_key(to, "src");
		put_quoted_address(to, decoded, decoded->source);
		put_key(to, "dst");
		put_quoted_address(to, decoded, decoded->target);
	}
	if (decoded->version) {
		put_key(to, "ip");
		put_u32(to, decoded->version);
		put_key(to, "ttl");
		put_u32(to, decoded->ttl);
	}
	if (decoded->fragment)
		put_text(to, ",\"fragment\":true");
	if (decoded->ports) {
		put_key(to, "src_port");
		put_u32(to, decoded->source_port);
		put_key(to, "dst_port");
		put_u32(to, decoded->target_port);
	}
	if (decoded->ports && decoded->protocol == 6) {
		put_text(to, ",\"tcp_flags\":\"");
		put_tcp_flags(to, decoded->tcp_flags);
		put_char(to, '"');
	}
	if (decoded->icmp) {
		put_key(to, "icmp_type");
		put_u32(to, decoded->icmp_type);
		put_key(to, "icmp_code");
		put_u32(to, decoded->icmp_code);
	}
	if (decoded->partial)
		put_text(to, ",\"truncated\":true");
}

static void json_row(struct lines *lines, struct put *to, const struct tap_summary *row)
{
	put_string(to, row->top ? "{\"type\":\"top\",\"time\":\"" : "{\"type\":\"flow\",\"time\":\"");
	put_utc(to, &lines->utc, row_second(row), row_nsec(row));
	put_char(to, '"');
	if (row->top) {
		put_key(to, "rank");
		put_u32(to, row->rank);
	}
	/* Names are addresses, ports and words of ours: nothing in them needs escaping. */
	put_text(to, ",\"src\":\"");
	put_name(to, lines->env->strings, row->source);
	put_text(to, "\",\"dst\":\"");
	put_name(to, lines->env->strings, row->target);
	put_text(to, "\",\"protocol\":\"");
	put_name(to, lines->env->strings, row->protocol);
	put_text(to, "\",\"packets\":");
	put_u64(to, row->packets);
	put_key(to, "bytes");
	put_u64(to, row->bytes);
	put_key(to, "seconds");
	put_seconds(to, row);
	put_text(to, "}\n");
}

static int json_print(struct lines *lines, tap_item *item)
{
	char *out = item->packet || item->summary ? tap_sink_reserve(item->out, ROW_MAX) : NULL, number[8];
	struct put to;
	struct decoded decoded;

	if (!out)
		return 0;
	to = (struct put){ out, out + ROW_MAX };
	if (!item->packet) {
		json_row(lines, &to, item->summary);
	} else {
		decode(&decoded, item->packet);
		put_text(&to, "{\"type\":\"packet\",\"time\":\"");
		put_utc(&to, &lines->utc, item->packet->sec, item->packet->nsec);
		put_text(&to, "\",\"number\":");
		put_u64(&to, item->number);
		put_key(&to, "length");
		put_u64(&to, item->packet->len);
		put_key(&to, "captured");
		put_u64(&to, item->packet->caplen);
		put_text(&to, ",\"protocol\":\"");
		put_string(&to, decode_protocol(&decoded, number));
		put_char(&to, '"');
		json_network(&to, &decoded);
		put_text(&to, "}\n");
	}
	tap_sink_commit(item->out, (size_t)(to.at - out));
	return 1;
}
CROOM_RUN(json, json_print, struct lines, tap_item);

/* Nothing in a column needs quoting: numbers, addresses, words of ours. */
static void csv_packet(struct put *to, const tap_item *item, const struct decoded *decoded)
{
	char number[8];

	put_u64(to, item->number);
	put_char(to, ',');
	put_u64(to, item->packet->len);
	put_char(to, ',');
	put_u64(to, item->packet->caplen);
	put_char(to, ',');
	put_string(to, decode_protocol(decoded, number));
	put_char(to, ',');
	if (decoded->source)
		put_decoded_address(to, decoded, decoded->source);
	else if (decoded->source_mac)
		put_mac(to, decoded->source_mac, 6);
	put_char(to, ',');
	if (decoded->ports)
		put_u32(to, decoded->source_port);
	put_char(to, ',');
	if (decoded->target)
		put_decoded_address(to, decoded, decoded->target);
	else if (decoded->target_mac)
		put_mac(to, decoded->target_mac, 6);
	put_char(to, ',');
	if (decoded->ports)
		put_u32(to, decoded->target_port);
	put_char(to, ',');
	if (decoded->ports && decoded->protocol == 6)
		put_tcp_flags(to, decoded->tcp_flags);
	put_text(to, ",,,\n");
}

static void csv_row(const struct lines *lines, struct put *to, const struct tap_summary *row)
{
	/* rank stands where a packet has its number; endpoints hold their ports. */
	if (row->top)
		put_u32(to, row->rank);
	put_text(to, ",,,");
	put_name(to, lines->env->strings, row->protocol);
	put_char(to, ',');
	put_name(to, lines->env->strings, row->source);
	put_text(to, ",,");
	put_name(to, lines->env->strings, row->target);
	put_text(to, ",,,");
	put_u64(to, row->packets);
	put_char(to, ',');
	put_u64(to, row->bytes);
	put_char(to, ',');
	put_seconds(to, row);
	put_char(to, '\n');
}

static int csv_print(struct lines *lines, tap_item *item)
{
	const struct tap_summary *row = item->summary;
	char *out = lines->headed && !item->packet && !row ? NULL : tap_sink_reserve(item->out, ROW_MAX);
	struct decoded decoded;
	struct put to;

	if (!out)
		return 0;
	to = (struct put){ out, out + ROW_MAX };
	if (!lines->headed)
		put_text(&to, "type,time,number,length,captured,protocol,src,src_port,dst,dst_port,tcp_flags,packets,bytes,seconds\n");
	lines->headed = true;
	if (item->packet || row)
		put_string(&to, item->packet ? "packet," : row->top ? "top," : "flow,");
	if (item->packet) {
		decode(&decoded, item->packet);
		put_utc(&to, &lines->utc, item->packet->sec, item->packet->nsec);
		put_char(&to, ',');
		csv_packet(&to, item, &decoded);
	} else if (row) {
		put_utc(&to, &lines->utc, row_second(row), row_nsec(row));
		put_char(&to, ',');
		csv_row(lines, &to, row);
	}
	tap_sink_commit(item->out, (size_t)(to.at - out));
	return item->packet || row;
}
CROOM_RUN(csv, csv_print, struct lines, tap_item);

static int lines_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct lines *lines;
	int rc;

	if (*config)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes no config; leave out ':%s'", config);
	lines = calloc(1, sizeof(*lines));
	if (!lines)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	lines->env = env;
	rc = text_open(&lines->text, lines->env->nano);
	if (rc) {
		free(lines);
		return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "cannot list the interfaces: %s%s", strerror(-rc),
				       rc == -EMFILE ? "; allow more open files (ulimit -n)" : "");
	}
	*ctx = lines;
	return 0;
}

static void lines_close(void *ctx, void *env)
{
	(void)env;
	free(ctx);
}

int tap_printers_add(struct croom_room *room, struct tap_env *env)
{
	const struct croom_class classes[] = {
		{ .name = "text", .help = "what tcpdump -nq prints", CROOM_RUNS(text), .open = lines_open, .close = lines_close },
		{ .name = "json", .help = "one object per line", CROOM_RUNS(json), .open = lines_open, .close = lines_close },
		{ .name = "csv", .help = "a header, then one line each", CROOM_RUNS(csv), .open = lines_open, .close = lines_close },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]) && rc == 0; i++)
		rc = croom_room_class_add(room, "printer", &classes[i], env);
	return rc ? rc : file_printers_add(room, env);
}
