/* SPDX-License-Identifier: BSD-2-Clause */
/* The line as a whole: time of day, link layer, hex dumps. */
#include "text.h"
#include "inside.h"
#include <pcap/dlt.h>
#include <string.h>
#include <time.h>

enum { DAY = 86400, LONGEST_PACKET = 262144 };

static int32_t zone_at(int64_t second)
{
	time_t when = (time_t)second;
	struct tm local;

	return localtime_r(&when, &local) ? (int32_t)local.tm_gmtoff : 0;
}

/* Every change of the zone between 1970 and 2100, found week by week and then by halving. */
void text_open(struct text_ctx *ctx, bool nano)
{
	const int64_t last = INT64_C(4102444800), week = 7 * DAY;
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
	ctx->second = INT64_MIN;
	ctx->since = ctx->until = 0;
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
	if (second != ctx->second) {
		struct put clock = { ctx->clock, ctx->clock + sizeof(ctx->clock) };
		int64_t day;

		if (second < ctx->since || second >= ctx->until)
			find_zone(ctx, second);
		day = ((second + ctx->offset) % DAY + DAY) % DAY;
		put_padded(&clock, (uint64_t)(day / 3600), 2);
		put_char(&clock, ':');
		put_padded(&clock, (uint64_t)(day / 60 % 60), 2);
		put_char(&clock, ':');
		put_padded(&clock, (uint64_t)(day % 60), 2);
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

static void dump(struct line *line, const uint8_t *p, size_t length, bool text)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t at = 0; at < length; at += 16) {
		size_t n = length - at < 16 ? length - at : 16;
		char row[16 * 3 + 4 + 16];
		size_t used = 0;

		for (size_t i = 0; i < n; i++) {
			if (i % 2 == 0)
				row[used++] = ' ';
			row[used++] = hex[p[at + i] >> 4];
			row[used++] = hex[p[at + i] & 15];
		}
		if (text) {
			memset(row + used, ' ', 42 - used);
			for (size_t i = 0; i < n; i++)
				row[42 + i] = p[at + i] > 32 && p[at + i] < 127 ? (char)p[at + i] : '.';
			used = 42 + n;
		}
		put_text(&line->to, "\n\t0x");
		put_hex_padded(&line->to, at, 4);
		put_text(&line->to, ": ");
		put_bytes(&line->to, row, used);
	}
}

size_t text_time(struct text_ctx *ctx, char *out, size_t cap, int64_t second, uint64_t nsec)
{
	struct put to = { out, out + cap };

	put_time(ctx, &to, second, nsec);
	return (size_t)(to.at - out);
}

static size_t captured(const struct line *line, const uint8_t *p, size_t length)
{
	size_t have = p < line->end ? (size_t)(line->end - p) : 0;

	return length < have ? length : have;
}

void print_dump(struct line *line, const uint8_t *p, size_t length)
{
	dump(line, p, captured(line, p, length), true);
}

void print_hex(struct line *line, const uint8_t *p, size_t length)
{
	dump(line, p, captured(line, p, length), false);
}

/* A cooked capture without an Ethernet header: `type` is an Ethernet type, or 1 and 4 for 802.3 and 802.2. */
static bool print_cooked(struct line *line, uint16_t type, const uint8_t *p, uint32_t length)
{
	bool known = true;

	while (type == 0x8100) {
		if (!has(line, p, 4))
			return cut(line, "vlan");
		type = be16(p + 2);
		if (type <= 1500)
			type = 4;
		p += 4;
		length = length < 4 ? 0 : length - 4;
	}
	if (type == 4)
		return print_llc(line, p, length);
	if (type > 1500 && !print_ethertype(line, type, p, length, &known))
		return false;
	if (type <= 1500 || !known)
		print_dump(line, p, captured(line, p, length));
	return type > 1500 && known;
}

static bool print_sll(struct line *line, const uint8_t *p, uint32_t length)
{
	if (!has(line, p, 16))
		return cut(line, "sll");
	return print_cooked(line, be16(p + 14), p + 16, length - 16);
}

static bool print_sll2(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named directions[] = { { 0, "In " }, { 1, "B  " }, { 2, "M  " }, { 3, "P  " }, { 4, "Out" }, { 0, NULL } };
	const char *direction;

	if (!has(line, p, 20))
		return cut(line, "sll2");
	/* tcpdump looks the interface's number up on the machine it runs on; on another one that says nothing. */
	put_text(&line->to, "?     ");
	direction = name_of(directions, p[10]);
	put_string(&line->to, direction ? direction : "?  ");
	put_char(&line->to, ' ');
	return print_cooked(line, be16(p), p + 20, length - 20);
}

static bool print_null(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t family;

	if (!has(line, p, 4))
		return cut(line, "null");
	family = be32(p);
	if (family & 0xffff0000)
		family = __builtin_bswap32(family);
	if (family == 2)
		return print_ip4(line, p + 4, length - 4);
	if (family == 24 || family == 28 || family == 30 || family == 10)
		return print_ip6(line, p + 4, length - 4);
	put_text(&line->to, "AF Unknown (");
	put_u32(&line->to, family);
	put_text(&line->to, "), length ");
	put_u32(&line->to, length);
	put_text(&line->to, ": ");
	print_dump(line, p + 4, captured(line, p + 4, length));
	return false;
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
	put_text(&line->to, "]\n");
	return true;
}

size_t text_packet(struct text_ctx *ctx, char *out, size_t cap, const struct text_packet *packet)
{
	struct line line = { .to = { out, out + cap - 1 }, .end = packet->data + packet->caplen };

	if (print_invalid_header(&line, packet->caplen, packet->len))
		return (size_t)(line.to.at - out);
	put_time(ctx, &line.to, packet->sec, packet->nsec);
	ctx->partial = !print_link(&line, packet);
	*line.to.at++ = '\n';
	return (size_t)(line.to.at - out);
}
