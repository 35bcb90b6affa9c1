/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Printers that copy packets. pcap is byte for byte what `tcpdump -w` writes: microseconds, or nanoseconds where the
 * source is a nanosecond file or --nano was given. pcapng always has nanoseconds. Both are in this machine's byte
 * order. Rows of a strategy that sums up cannot be shown: not printed.
 */
#include "files.h"
#include "../sink.h"
#include <croom/room.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_MAX = 256 };

struct copy {
	bool nano, headed;
	uint32_t linktype, more, snaplen;
	char name[64];              /* of the interface, for pcapng */
};

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, figures, snaplen, linktype;
};

struct packet_header {
	uint32_t sec, fraction, caplen, len;
};

/*
 * The lane splits between two printers that it saw; it cannot see one come back at the same address. Link type and
 * snaplen are the source's, the same for all printers: by its magic number a header is like another.
 */
static bool pcap_begin(struct copy *copy, struct tap_sink *sink)
{
	const struct file_header file = { copy->nano ? 0xa1b23c4d : 0xa1b2c3d4, 2, 4, 0, 0, copy->snaplen,
					  copy->linktype | copy->more };
	char *out;

	if (copy->headed)
		return true;
	if (tap_sink_begin(sink, file.magic)) {
		out = tap_sink_reserve(sink, sizeof(file));
		if (!out)
			return false;
		memcpy(out, &file, sizeof(file));
		tap_sink_commit(sink, sizeof(file));
	}
	copy->headed = true;
	return true;
}

static int pcap_print(struct copy *copy, tap_item *item)
{
	const struct tap_packet *packet = item->packet;
	struct packet_header header;
	char *out;

	if (!packet && item->summary)
		return 0;
	if (!pcap_begin(copy, item->out) || !packet)
		return 0;
	out = tap_sink_reserve(item->out, sizeof(header) + packet->caplen);
	if (!out)
		return 0;
	header = (struct packet_header){ (uint32_t)packet->sec, (uint32_t)(copy->nano ? packet->nsec : packet->nsec / 1000),
					 packet->caplen, packet->len };
	memcpy(out, &header, sizeof(header));
	memcpy(out + sizeof(header), packet->data, packet->caplen);
	tap_sink_commit(item->out, sizeof(header) + packet->caplen);
	return 1;
}
CROOM_RUN(pcap, pcap_print, struct copy, tap_item);

static char *put_word(char *out, uint32_t word)
{
	memcpy(out, &word, sizeof(word));
	return out + sizeof(word);
}

static char *put_option(char *out, uint16_t code, const void *value, uint16_t length)
{
	memcpy(out, &code, 2);
	memcpy(out + 2, &length, 2);
	memset(out + 4, 0, (length + 3u) & ~3u);
	memcpy(out + 4, value, length);
	return out + 4 + ((length + 3u) & ~3u);
}

/* Each block has its length before and after. */
static size_t block_end(char *start, char *at)
{
	uint32_t length = (uint32_t)(at - start) + 4;

	memcpy(start + 4, &length, 4);
	put_word(at, length);
	return length;
}

/* Section header and interface description: at most HEAD_MAX bytes. */
static size_t pcapng_head(const struct copy *copy, char *out)
{
	static const uint8_t nanoseconds = 9;
	char *at = put_word(out, 0x0a0d0d0a), *block;
	uint64_t unknown = UINT64_MAX;
	uint32_t version = 1, link = copy->linktype;

	at = put_word(at, 0);
	at = put_word(at, 0x1a2b3c4d);
	at = put_word(at, version);
	memcpy(at, &unknown, 8);
	at += 8;
	at = put_option(at, 4, "croomtap", 8);
	at = put_option(at, 0, "", 0);
	at = out + block_end(out, at);
	block = at;
	at = put_word(at, 1);
	at = put_word(at, 0);
	at = put_word(at, link);
	at = put_word(at, copy->snaplen);
	if (copy->name[0])
		at = put_option(at, 2, copy->name, (uint16_t)strlen(copy->name));
	at = put_option(at, 9, &nanoseconds, 1);
	at = put_option(at, 0, "", 0);
	at = block + block_end(block, at);
	return (size_t)(at - out);
}

/* In a pcapng file a header may come at any time: a section of its own. */
static bool pcapng_begin(struct copy *copy, struct tap_sink *sink)
{
	char *out;

	if (copy->headed)
		return true;
	tap_sink_begin(sink, 0x0a0d0d0a);
	out = tap_sink_reserve(sink, HEAD_MAX);
	if (!out)
		return false;
	tap_sink_commit(sink, pcapng_head(copy, out));
	copy->headed = true;
	return true;
}

static int pcapng_print(struct copy *copy, tap_item *item)
{
	const struct tap_packet *packet = item->packet;
	uint32_t padded = packet ? (packet->caplen + 3) & ~3u : 0;
	uint64_t when;
	char *out, *at;

	if (!packet && item->summary)
		return 0;
	if (!pcapng_begin(copy, item->out) || !packet)
		return 0;
	out = tap_sink_reserve(item->out, 32 + padded);
	if (!out)
		return 0;
	when = (uint64_t)tap_ns(packet->sec, packet->nsec);
	at = put_word(out, 6);
	at = put_word(at, 0);
	at = put_word(at, 0);
	at = put_word(at, (uint32_t)(when >> 32));
	at = put_word(at, (uint32_t)when);
	at = put_word(at, packet->caplen);
	at = put_word(at, packet->len);
	memcpy(at, packet->data, packet->caplen);
	memset(at + packet->caplen, 0, padded - packet->caplen);
	tap_sink_commit(item->out, block_end(out, at + padded));
	return 1;
}
CROOM_RUN(pcapng, pcapng_print, struct copy, tap_item);

bool file_printer(croom_run_fn *run)
{
	return run == pcap_run || run == pcapng_run;
}

/* DLT_RAW has another number in files than in memory; the others that croomtap reads have one. */
static uint32_t link_in_file(int linktype)
{
	return linktype == DLT_RAW ? 101 : (uint32_t)linktype;
}

static int copy_open(void **ctx, const char *config, void *arg, struct croom_error *err)
{
	const struct tap_env *env = arg;
	struct copy *copy;

	if (*config)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes no config; leave out ':%s'", config);
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	copy->nano = env->source_nano;
	copy->linktype = link_in_file(env->linktype);
	copy->more = env->link_more;
	copy->snaplen = env->snaplen;
	if (!env->offline)
		strncpy(copy->name, env->interface, sizeof(copy->name) - 1);
	*ctx = copy;
	return 0;
}

static void copy_close(void *ctx, void *env)
{
	(void)env;
	free(ctx);
}

int file_printers_add(struct croom_room *room, struct tap_env *env)
{
	const struct croom_class pcap = { .name = "pcap", .help = "a capture file, as tcpdump -w writes it", CROOM_RUNS(pcap),
					  .open = copy_open, .close = copy_close, .traits = CROOM_EXCLUSIVE };
	const struct croom_class pcapng = { .name = "pcapng", .help = "a pcapng file with nanoseconds", CROOM_RUNS(pcapng),
					    .open = copy_open, .close = copy_close, .traits = CROOM_EXCLUSIVE };
	int rc = croom_room_class_add(room, "printer", &pcap, env);

	return rc ? rc : croom_room_class_add(room, "printer", &pcapng, env);
}
