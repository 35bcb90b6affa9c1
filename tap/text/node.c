/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 router renumbering and node information. Here " [|icmp6]" may also stand in the middle of a line: the
 * length follows (true) unless a field of the fixed part was not captured (false).
 */
#include "inside.h"

enum { NODE_HEADER = 16, RENUMBERING_HEADER = 16, MATCH = 24, USE = 32, QUERY = 139, NOOP = 0, TYPES = 1, NAME = 2,
       ADDRESSES = 3 };

static bool cut_part(struct line *line)
{
	cut(line, "icmp6");
	return true;
}

static void put_prefix(struct line *line, const uint8_t *prefix, uint32_t length)
{
	put_ip6(&line->to, prefix);
	put_char(&line->to, '/');
	put_u32(&line->to, length);
}

static void put_match(struct line *line, const uint8_t *match)
{
	static const char *const codes[] = { NULL, "add", "change", "setglobal" };

	put_text(&line->to, " match(");
	if (match[0] >= 1 && match[0] <= 3) {
		put_string(&line->to, codes[match[0]]);
	} else {
		put_char(&line->to, '#');
		put_u32(&line->to, match[0]);
	}
	put_char(&line->to, ',');
	put_prefix(line, match + 8, match[3]);
	put_char(&line->to, ')');
}

bool print_renumbering(struct line *line, const uint8_t *p)
{
	static const struct named codes[] = { { 0, ", command" }, { 1, ", result" }, { 255, ", sequence number reset" },
					      { 0, NULL } };
	const uint8_t *match = p + RENUMBERING_HEADER;

	if (!has(line, p, RENUMBERING_HEADER))
		return cut_part(line);
	put_string(&line->to, name_of(codes, p[1]) ? name_of(codes, p[1]) : ", code-#");
	if (!name_of(codes, p[1]))
		put_u32(&line->to, p[1]);
	put_text(&line->to, ", seq=");
	put_u64(&line->to, be32(p + 4));
	if (p[1] != 0)
		return true;
	if (!has(line, match, MATCH))
		return cut_part(line);
	put_match(line, match);
	if (match[1] < 3 || (match[1] - 3) % 4)
		return cut_part(line);
	for (unsigned i = 0; i < (match[1] - 3u) / 4; i++) {
		const uint8_t *use = match + MATCH + (size_t)USE * i;

		if (!has(line, use, USE))
			return cut_part(line);
		put_text(&line->to, " use(");
		if (use[12]) {
			if (use[12] & 0x80)
				put_char(&line->to, 'V');
			if (use[12] & 0x40)
				put_char(&line->to, 'P');
			put_char(&line->to, ',');
		}
		put_prefix(line, use + 16, use[0]);
		put_char(&line->to, '/');
		put_u32(&line->to, use[1]);
		put_char(&line->to, ')');
	}
	return true;
}

/* A name as labels, or, in an old draft, all of what is left behind one length. */
static void put_host_name(struct line *line, const uint8_t *p)
{
	const uint8_t *end = line->end;
	bool whole = p < end && p[0] == end - p - 1;

	put_text(&line->to, ", \"");
	for (p += whole; whole && p < end; p++)
		put_visible(&line->to, *p);
	while (!whole && p < end) {
		size_t label = *p++;

		if (label == 0) {
			if (p == end)
				put_char(&line->to, '.');
			else if (p + 1 != end || *p != 0)
				put_text(&line->to, "???");
			break;
		}
		if (label > (size_t)(end - p)) {
			put_text(&line->to, "???");
			break;
		}
		while (label-- > 0)
			put_visible(&line->to, *p++);
		if (p + 1 < end && *p)
			put_char(&line->to, '.');
	}
	put_char(&line->to, '"');
}

static void put_flags(struct line *line, uint16_t flags, bool with_truncated)
{
	static const struct { uint16_t bit; char letter; } letters[] = { { 0x40, 'a' }, { 0x20, 'G' }, { 0x10, 'S' },
		{ 0x08, 'L' }, { 0x04, 'C' }, { 0x02, 'A' }, { 0x01, 'T' } };

	if (!flags)
		return;
	put_text(&line->to, " [");
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (flags & letters[i].bit && (with_truncated || letters[i].letter != 'T'))
			put_char(&line->to, letters[i].letter);
	put_char(&line->to, ']');
}

/* What is asked for, or what the answer is about. */
static void put_question(struct line *line, uint16_t question, uint16_t flags)
{
	static const char *const questions[] = { "noop", "supported qtypes", "DNS name", "node addresses" };

	put_string(&line->to, question < 4 ? questions[question] : "unknown");
	if (question == TYPES && flags)
		put_string(&line->to, flags & 1 ? " [C]" : " []");
}

/* About whom: an IPv6 address, a name or an IPv4 address, by the code. */
static bool put_subject(struct line *line, const uint8_t *p, size_t size)
{
	switch (p[1]) {
	case 0: case 2:
		if (size != NODE_HEADER + (p[1] ? 4u : 16u))
			return true;
		put_text(&line->to, ", subject=");
		if (p[1])
			put_ip4(&line->to, p + NODE_HEADER);
		else
			put_ip6(&line->to, p + NODE_HEADER);
		return true;
	case 1:
		put_text(&line->to, ", subject=DNS name");
		if (size <= NODE_HEADER)
			return cut(line, "icmp6");
		put_host_name(line, p + NODE_HEADER);
		return true;
	default:
		put_text(&line->to, ", unknown subject");
		return true;
	}
}

static bool print_query(struct line *line, const uint8_t *p, size_t size)
{
	uint16_t question, flags;

	if (size == 12) {
		put_text(&line->to, " who-are-you request");
		return true;
	}
	put_text(&line->to, " node information query");
	if (size < NODE_HEADER)
		return cut_part(line);
	question = be16(p + 4);
	flags = be16(p + 6);
	put_text(&line->to, " (");
	put_question(line, question, flags);
	if (question == ADDRESSES)
		put_flags(line, flags, false);
	if (question > TYPES && size == NODE_HEADER)
		put_text(&line->to, ", 03 draft");
	else if (question > TYPES && !put_subject(line, p, size))
		return false;
	put_char(&line->to, ')');
	return true;
}

static bool put_answer(struct line *line, const uint8_t *p, size_t size)
{
	uint16_t question = be16(p + 4), flags = be16(p + 6);

	put_question(line, question, flags);
	if (question == NAME) {
		if (size <= NODE_HEADER + 4)
			return cut(line, "icmp6");
		put_host_name(line, p + NODE_HEADER + 4);
		if (flags & 1) {
			put_text(&line->to, " [TTL=");
			put_u64(&line->to, be32(p + NODE_HEADER));
			put_char(&line->to, ']');
		}
	}
	if (question == ADDRESSES) {
		for (size_t at = NODE_HEADER; at + 20 <= size; at += 20) {
			put_char(&line->to, ' ');
			put_ip6(&line->to, p + at + 4);
			put_char(&line->to, '(');
			put_u64(&line->to, be32(p + at));
			put_char(&line->to, ')');
		}
		put_flags(line, flags, true);
	}
	return true;
}

bool print_node_information(struct line *line, const uint8_t *p, uint32_t length)
{
	size_t size = captured(line, p);

	if (p[0] == QUERY)
		return print_query(line, p, size);
	if (length > size || size < NODE_HEADER)
		return cut_part(line);
	put_text(&line->to, " node information reply (");
	if (p[1] == 1 || p[1] == 2)
		put_string(&line->to, p[1] == 1 ? "refused" : "unknown");
	if (p[1] == 0 && !put_answer(line, p, size))
		return false;
	put_char(&line->to, ')');
	return true;
}
