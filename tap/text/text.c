/* SPDX-License-Identifier: BSD-2-Clause */
/* The line as a whole: time of day, then the link. */
#include "text.h"
#include "inside.h"
#include "link.h"
#include <errno.h>
#include <net/if.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY = 86400, LONGEST_PACKET = 262144 };

static int32_t zone_at(int64_t second)
{
	time_t when = (time_t)second;
	struct tm local;

	return localtime_r(&when, &local) ? (int32_t)local.tm_gmtoff : 0;
}

static int find_interfaces(struct text_ctx *ctx)
{
	struct if_nameindex *all = if_nameindex();

	if (!all)
		return errno == ENOMEM || errno == ENOBUFS ? -ENOMEM : errno == EMFILE || errno == ENFILE ? -errno : 0;
	for (struct if_nameindex *one = all; one->if_index && ctx->interfaces < TEXT_INTERFACES; one++) {
		struct text_interface *to = &ctx->interface[ctx->interfaces++];

		to->index = one->if_index;
		snprintf(to->name, sizeof(to->name), "%s", one->if_name);
	}
	if_freenameindex(all);
	return 0;
}

/* Every change of the zone from 1970 to 2038, where put_time() ends, found week by week and then by halving. */
int text_open(struct text_ctx *ctx, bool nano)
{
	const int64_t last = INT64_C(0x80000000), week = INT64_C(7) * DAY;
	int32_t offset = zone_at(0);

	memset(ctx, 0, sizeof(*ctx));
	ctx->nano = nano;
	ctx->zone[ctx->zones++] = (struct text_zone){ INT64_MIN, offset };
	for (int64_t at = week; at < last && ctx->zones < TEXT_ZONES; at += week) {
		int64_t low = at - week, high = at;

		if (zone_at(at) == offset)
			continue;
		while (high - low > 1) {
			int64_t middle = low + (high - low) / 2;

			if (zone_at(middle) == offset)
				low = middle;
			else
				high = middle;
		}
		offset = zone_at(high);
		ctx->zone[ctx->zones++] = (struct text_zone){ high, offset };
	}
	return find_interfaces(ctx);
}

static void find_zone(struct text_ctx *ctx, int64_t second)
{
	unsigned i = 0;

	while (i + 1 < ctx->zones && ctx->zone[i + 1].from <= second)
		i++;
	ctx->since = ctx->zone[i].from;
	ctx->until = i + 1 < ctx->zones ? ctx->zone[i + 1].from : INT64_MAX;
	ctx->offset = ctx->zone[i].offset;
}

static void put_time(struct text_ctx *ctx, struct put *to, int64_t second, uint64_t nsec)
{
	/* As tcpdump has it: years from 2038 on are taken for the sign of a broken file. */
	if ((uint64_t)second & 0x80000000) {
		put_text(to, "[Error converting time] ");
		return;
	}
	if (second != ctx->second || !ctx->clock[0]) {
		struct put clock = { ctx->clock, ctx->clock + sizeof(ctx->clock) };
		int64_t day;

		if (second < ctx->since || second >= ctx->until)
			find_zone(ctx, second);
		/* A broken file may have any second: first what cannot overflow. No offset is more than a day. */
		day = (second % DAY + ctx->offset + 2 * DAY) % DAY;
		put_clock(&clock, (uint32_t)day);
		ctx->second = second;
	}
	put_bytes(to, ctx->clock, sizeof(ctx->clock));
	put_char(to, '.');
	/* A broken file may hold more than a second in the fraction; then it is shown as it is. */
	if (nsec >= 1000000000)
		put_u64(to, ctx->nano ? nsec : nsec / 1000);
	else if (ctx->nano)
		put_padded(to, nsec, 9);
	else
		put_padded(to, nsec / 1000, 6);
	put_char(to, ' ');
}

const char *name_of(const struct named *table, uint32_t value)
{
	for (; table->name; table++)
		if (table->value == value)
			return table->name;
	return NULL;
}

void put_name(struct put *to, const char *name, const char *before, uint32_t value, unsigned digits, const char *after)
{
	if (name) {
		put_string(to, name);
		return;
	}
	put_string(to, before);
	if (digits > 1)
		put_hex_padded(to, value, digits);
	else if (digits)
		put_hex(to, value);
	put_string(to, after);
}

void put_bits(struct line *line, const struct named *bits, uint32_t value)
{
	const char *before = "";

	for (; bits->name; bits++) {
		if ((bits->value & value) != bits->value)
			continue;
		put_string(&line->to, before);
		put_string(&line->to, bits->name);
		before = ", ";
	}
	if (!*before)
		put_text(&line->to, "none");
}

size_t text_time(struct text_ctx *ctx, char *out, size_t cap, int64_t second, uint64_t nsec)
{
	struct put to = { out, out + cap };

	put_time(ctx, &to, second, nsec);
	return (size_t)(to.at - out);
}

static bool print_link(struct line *line, const struct text_packet *packet)
{
	switch (packet->linktype) {
	case DLT_EN10MB: return print_ethernet(line, packet->data, packet->len);
	case DLT_LINUX_SLL: return print_sll(line, packet->data, packet->len);
	case DLT_LINUX_SLL2: return print_sll2(line, packet->data, packet->len);
	case DLT_NULL: case DLT_LOOP: return print_null(line, packet->data, packet->len);
	default: return print_ip_any(line, packet->data, packet->len);
	}
}

/* A capture header that makes no sense is all there is to print. */
static bool print_invalid_header(struct line *line, uint32_t caplen, uint32_t length)
{
	const char *before = "[Invalid header:";

	if (caplen && caplen <= length && length <= LONGEST_PACKET)
		return false;
	if (!caplen) {
		put_text(&line->to, "[Invalid header: caplen==0");
		before = ",";
	}
	if (!length || length < caplen) {
		put_string(&line->to, before);
		before = ",";
	}
	if (!length) {
		put_text(&line->to, " len==0");
	} else if (length < caplen) {
		put_text(&line->to, " len(");
		put_u32(&line->to, length);
		put_text(&line->to, ") < caplen(");
		put_u32(&line->to, caplen);
		put_char(&line->to, ')');
	}
	if (length > LONGEST_PACKET) {
		put_string(&line->to, before);
		put_text(&line->to, " len(");
		put_u32(&line->to, length);
		put_text(&line->to, ") > 262144");
	}
	put_char(&line->to, ']');
	return true;
}

size_t text_packet(struct text_ctx *ctx, char *out, size_t cap, const struct text_packet *packet)
{
	struct line line = { .to = { out, out + cap - 1 }, .end = packet->data + packet->caplen, .ctx = ctx };

	if (!print_invalid_header(&line, packet->caplen, packet->len)) {
		put_time(ctx, &line.to, packet->sec, packet->nsec);
		print_link(&line, packet);
	}
	*line.to.at++ = '\n';
	return (size_t)(line.to.at - out);
}
