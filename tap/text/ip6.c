/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 and its extension headers. */
#include "inside.h"

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, OPTIONS = 60, MOBILITY_OLD = 62, MOBILITY = 135, HEADER = 40 };

/* Where print_ip6 stands in the chain of headers. */
struct chain {
	const uint8_t *ip6;
	const uint8_t *outer_end;  /* before this packet's own length was taken into account */
	struct ip ip;
	uint32_t payload;          /* as the header or the jumbo option says it; 0: neither did */
	bool any, jumbo;           /* extension headers, and a jumbo option among them */
};

/* Options of which the value's length is fixed, and how tcpdump calls them. */
static const struct fixed_option {
	uint8_t type, length;
	bool at_least;
	const char *name;
} fixed_options[] = {
	{ 0x05, 2, false, "(rtalert: " }, { 0xc2, 4, false, "(jumbo: " }, { 0xc9, 16, true, "(homeaddr: " } };

/* Nothing is said about one that is as it should be. `left`: bytes of the header from this option on. */
static bool check_option(struct line *line, const uint8_t *option, uint32_t left)
{
	for (size_t i = 0; i < sizeof(fixed_options) / sizeof(fixed_options[0]); i++) {
		const struct fixed_option *fixed = &fixed_options[i];

		if (option[0] != fixed->type)
			continue;
		if (left < fixed->length + 2u) {
			put_string(&line->to, fixed->name);
			put_text(&line->to, "trunc)");
			return false;
		}
		if (fixed->at_least ? option[1] < fixed->length : option[1] != fixed->length) {
			put_string(&line->to, fixed->name);
			put_text(&line->to, "invalid len ");
			put_u32(&line->to, option[1]);
			put_char(&line->to, ')');
			return false;
		}
	}
	return true;
}

/* The options of a hop-by-hop header of `length` bytes, all of them captured. */
static bool read_options(struct line *line, struct chain *chain, const uint8_t *p, uint32_t length)
{
	uint32_t size;
	bool seen = false;

	for (uint32_t at = 2; at < length; at += size) {
		const uint8_t *option = p + at;

		if (option[0] == 0) {
			size = 1;
			continue;
		}
		if (length - at < 2)
			return false;
		size = option[1] + 2u;
		if (size > length - at || !check_option(line, option, length - at))
			return false;
		if (option[0] != 0xc2 || seen)
			continue;
		seen = true;
		if (!chain->payload && be32(option + 2) >= 65536) {
			chain->jumbo = true;
			chain->payload = be32(option + 2);
		}
	}
	return true;
}

/* Each of these returns its header's length, 0 when the line ends here. */
static uint32_t print_hop_by_hop(struct line *line, struct chain *chain, const uint8_t *p)
{
	uint32_t length;
	bool good = true;

	if (!has(line, p, 2))
		return cut(line, "hbhopt");
	length = (p[1] + 1u) * 8;
	if (has(line, p, length)) {
		put_text(&line->to, "HBH ");
		good = read_options(line, chain, p, length);
	} else {
		good = false;
	}
	if (!good)
		cut(line, "hbhopt");
	if (!chain->payload && !chain->jumbo) {
		put_text(&line->to, "[No valid Jumbo Payload Hop-by-Hop option found]");
		return invalid(line);
	}
	return good ? length : 0;
}

static uint32_t print_options(struct line *line, const uint8_t *p)
{
	uint32_t length;

	if (!has(line, p, 2))
		return cut(line, "dstopt");
	length = (p[1] + 1u) * 8;
	if (!has(line, p, length))
		return cut(line, "dstopt");
	put_text(&line->to, "DSTOPT ");
	return length;
}

/* What stands between the type and the addresses: source routes have a reserved word, segment routes three fields. */
static bool print_routing_fields(struct line *line, const uint8_t *p)
{
	if (p[2] != 4) {
		if (!has(line, p, 8))
			return cut(line, "rt6");
		if (be32(p + 4)) {
			put_text(&line->to, ", rsv=0x");
			put_hex(&line->to, be32(p + 4));
		}
		return true;
	}
	if (!has(line, p, 5))
		return cut(line, "rt6");
	put_text(&line->to, ", last-entry=");
	put_u32(&line->to, p[4]);
	if (!has(line, p, 6))
		return cut(line, "rt6");
	if (p[5]) {
		put_text(&line->to, ", flags=0x");
		put_hex(&line->to, p[5]);
	}
	if (!has(line, p, 8))
		return cut(line, "rt6");
	put_text(&line->to, ", tag=");
	put_hex(&line->to, be16(p + 6));
	return true;
}

static uint32_t print_routes(struct line *line, const uint8_t *p)
{
	if (p[1] % 2) {
		put_text(&line->to, " (invalid length ");
		put_u32(&line->to, p[1]);
		put_char(&line->to, ')');
		return invalid(line);
	}
	for (uint32_t i = 0; i < p[1] / 2u; i++) {
		if (!has(line, p, 24 + 16 * i))
			return cut(line, "rt6");
		put_text(&line->to, ", [");
		put_u32(&line->to, i);
		put_char(&line->to, ']');
		put_ip6(&line->to, p + 8 + (size_t)16 * i);
	}
	put_text(&line->to, ") ");
	return (p[1] + 1u) * 8;
}

static uint32_t print_routing(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 1))
		return cut(line, "ip6");
	put_text(&line->to, "RT6");
	if (!has(line, p, 2))
		return cut(line, "rt6");
	put_text(&line->to, " (len=");
	put_u32(&line->to, p[1]);
	if (!has(line, p, 3))
		return cut(line, "rt6");
	put_text(&line->to, ", type=");
	put_u32(&line->to, p[2]);
	if (p[2] == 0)
		put_text(&line->to, " [Deprecated]");
	if (!has(line, p, 4))
		return cut(line, "rt6");
	put_text(&line->to, ", segleft=");
	put_u32(&line->to, p[3]);
	if (p[2] != 0 && p[2] != 2 && p[2] != 4) {
		put_text(&line->to, " (unknown type)");
		return invalid(line);
	}
	return print_routing_fields(line, p) ? print_routes(line, p) : 0;
}

/* 0 also for all but the first fragment, of which nothing more can be said. */
static uint32_t print_fragment(struct line *line, const struct chain *chain, const uint8_t *p)
{
	uint32_t offset;

	if (!has(line, p, 4))
		return cut(line, "frag6");
	offset = be16(p + 2) & 0xfff8;
	put_text(&line->to, "frag (");
	put_u32(&line->to, offset);
	put_char(&line->to, '|');
	put_u64(&line->to, HEADER + (uint64_t)be16(chain->ip6 + 4) - (uint64_t)(p - chain->ip6) - 8);
	put_char(&line->to, ')');
	if (offset)
		return 0;
	put_char(&line->to, ' ');
	return captured(line, p) > 8 ? 8 : 0;
}

/* A number of the mobility header's fixed part. */
static bool put_field(struct line *line, const char *name, const uint8_t *p, size_t bytes, uint32_t unit)
{
	if (!has(line, p, bytes))
		return cut(line, "mobility");
	put_string(&line->to, name);
	put_u32(&line->to, (bytes == 1 ? p[0] : be16(p)) * unit);
	return true;
}

static bool put_mobility_fields(struct line *line, const uint8_t *p)
{
	static const char letters[] = "AHLK";

	switch (p[2]) {
	case 0: case 1: case 2: return true;
	case 3: case 4:
		if (!has(line, p, 8))
			return cut(line, "mobility");
		put_text(&line->to, " nonce id=0x");
		put_hex(&line->to, be16(p + 6));
		return true;
	case 5:
		if (!put_field(line, " seq#=", p + 6, 2, 1))
			return false;
		if (!has(line, p, 10))
			return cut(line, "mobility");
		if (p[8] >> 4)
			put_char(&line->to, ' ');
		for (unsigned bit = 0; bit < 4; bit++)
			if (p[8] & 0x80 >> bit)
				put_char(&line->to, letters[bit]);
		return put_field(line, " lifetime=", p + 10, 2, 4);
	case 6:
		if (!put_field(line, " status=", p + 6, 1, 1))
			return false;
		if (!has(line, p, 8))
			return cut(line, "mobility");
		if (p[7] & 0x80)
			put_text(&line->to, " K");
		return put_field(line, " seq#=", p + 8, 2, 1) && put_field(line, " lifetime=", p + 10, 2, 4);
	case 7:
		if (!put_field(line, " status=", p + 6, 1, 1))
			return false;
		if (!has(line, p, 24))
			return cut(line, "mobility");
		put_text(&line->to, " homeaddr ");
		put_ip6(&line->to, p + 8);
		return true;
	default: return put_field(line, " len=", p + 1, 1, 1);
	}
}

static bool print_mobility(struct line *line, const uint8_t *p)
{
	static const char *const types[] = { "BRR", "HoTI", "CoTI", "HoT", "CoT", "BU", "BA", "BE" };
	static const uint8_t shortest[] = { 8, 16, 16, 24, 24, 12, 12, 24 };
	uint32_t length;

	if (!has(line, p, 3))
		return cut(line, "mobility");
	length = (p[1] + 1u) * 8;
	if (p[2] < sizeof(shortest) && length < shortest[p[2]]) {
		put_text(&line->to, "(header length ");
		put_u32(&line->to, length);
		put_text(&line->to, " is too small for type ");
		put_u32(&line->to, p[2]);
		put_char(&line->to, ')');
		return cut(line, "mobility");
	}
	put_text(&line->to, "mobility: ");
	put_string(&line->to, p[2] < sizeof(shortest) ? types[p[2]] : "type-#");
	if (p[2] >= sizeof(shortest))
		put_u32(&line->to, p[2]);
	return put_mobility_fields(line, p);
}

/* What comes behind the last header that belongs to IPv6 itself; `left`: by the lengths that were announced. */
static bool print_carried(struct line *line, struct chain *chain, uint8_t protocol, const uint8_t *p, uint32_t left,
			  uint32_t length)
{
	uint32_t whole = chain->payload + HEADER, done = (uint32_t)(p - chain->ip6);

	if (chain->jumbo) {
		if (whole < done)
			return cut(line, "ip6");
		if (length < whole) {
			put_text(&line->to, "truncated-ip6 - ");
			put_u32(&line->to, whole - length);
			put_text(&line->to, " bytes missing!");
		}
		line->end = chain->outer_end;
		limit(line, chain->ip6, whole);
		left = whole - done;
	} else if (!chain->payload) {
		if (chain->any)
			return cut(line, "ip6");
		limit(line, chain->ip6, HEADER);
		left = 0;
	}
	return print_protocol(line, &chain->ip, protocol, p, left);
}

/* The length of one extension header; 0 when the line is over. */
static uint32_t print_extension(struct line *line, struct chain *chain, uint8_t type, const uint8_t *p)
{
	switch (type) {
	case HOP_BY_HOP:
		if (chain->ip.first == HOP_BY_HOP && chain->any) {
			put_text(&line->to, "[The Hop-by-Hop Options header was already found]");
			return invalid(line);
		}
		if (chain->any) {
			put_text(&line->to, "[The Hop-by-Hop Options header don't follow the IPv6 header]");
			return invalid(line);
		}
		return print_hop_by_hop(line, chain, p);
	case OPTIONS: return print_options(line, p);
	case ROUTING: return print_routing(line, p);
	case FRAGMENT:
		chain->ip.fragmented = true;
		return print_fragment(line, chain, p);
	default:
		print_mobility(line, p);
		return 0;
	}
}

static bool is_extension(uint8_t type)
{
	return type == HOP_BY_HOP || type == OPTIONS || type == ROUTING || type == FRAGMENT || type == MOBILITY ||
		type == MOBILITY_OLD;
}

static bool print_chain(struct line *line, struct chain *chain, uint32_t length)
{
	const uint8_t *at = chain->ip6 + HEADER;
	uint32_t left = chain->payload ? chain->payload : length, skip;
	uint8_t next = chain->ip.first;

	while (is_extension(next)) {
		skip = print_extension(line, chain, next, at);
		if (!skip)
			return false;
		chain->any = true;
		next = at[0];
		if (at >= line->end)
			return false;
		if (left < skip)
			return cut(line, "ip6");
		at += skip;
		left -= skip;
	}
	return print_carried(line, chain, next, at, left, length);
}

bool print_ip6(struct line *line, const uint8_t *p, uint32_t length)
{
	struct chain chain = { .ip6 = p, .outer_end = line->end };

	if (!has(line, p, HEADER))
		return cut(line, "ip6");
	if (length < HEADER) {
		put_text(&line->to, "truncated-ip6 ");
		put_u32(&line->to, length);
		return false;
	}
	put_text(&line->to, "IP6 ");
	if (p[0] >> 4 != 6) {
		put_text(&line->to, "version error: ");
		put_u32(&line->to, p[0] >> 4);
		put_text(&line->to, " != 6");
		return false;
	}
	chain.payload = be16(p + 4);
	if (chain.payload && length < chain.payload + HEADER) {
		put_text(&line->to, "truncated-ip6 - ");
		put_u32(&line->to, chain.payload + HEADER - length);
		put_text(&line->to, " bytes missing!");
	}
	limit(line, p, (chain.payload ? chain.payload : length) + (size_t)HEADER);
	chain.ip = (struct ip){ .source = p + 8, .target = p + 24, .v6 = true, .first = p[6],
				.ttl = p[7] };
	if (!has_ports(p[6])) {
		put_addresses(line, &chain.ip);
		put_text(&line->to, ": ");
	}
	return print_chain(line, &chain, length);
}
