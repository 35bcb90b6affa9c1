/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP. */
#include "inside.h"

enum { ICMP_REPLY = 0, ICMP_UNREACHABLE = 3, ICMP_REDIRECT = 5, ICMP_ECHO = 8, ICMP_ROUTER = 9, ICMP_EXCEEDED = 11,
       ICMP_PARAMETER = 12, ICMP_STAMP = 13, ICMP_STAMP_REPLY = 14, ICMP_MASK_REPLY = 18 };

/* "ICMP ", and how much tcpdump keeps of what follows, which only a long router advertisement reaches. */
enum { PREFIX = 5, LONGEST = 163 };

/* The packet that an error is about lies 8 bytes in; its addresses, if they were captured. */
static const uint8_t *about(const struct line *line, const uint8_t *p, uint32_t offset, uint32_t bytes)
{
	return has(line, p, 8 + offset + bytes) ? p + 8 + offset : NULL;
}

/* "what A whatever", where A is the target of the packet that it is about. */
static bool put_about(struct line *line, const uint8_t *p, const char *before, const char *after)
{
	const uint8_t *target = about(line, p, 16, 4);

	if (!target)
		return false;
	put_string(&line->to, before);
	put_ip4(&line->to, target);
	put_string(&line->to, after);
	return true;
}

static bool put_port_unreachable(struct line *line, const uint8_t *p)
{
	const uint8_t *inner = about(line, p, 0, 20);
	uint32_t header;

	if (!inner)
		return false;
	header = 4u * (inner[0] & 15);
	if (!has(line, inner, header + 4))
		return false;
	put_ip4(&line->to, inner + 16);
	if (inner[9] == 6) {
		put_text(&line->to, " tcp port ");
	} else if (inner[9] == 17) {
		put_text(&line->to, " udp port ");
	} else {
		put_text(&line->to, " protocol ");
		put_u32(&line->to, inner[9]);
		put_text(&line->to, " port ");
	}
	put_u32(&line->to, be16(inner + header + 2));
	put_text(&line->to, " unreachable");
	return true;
}

static bool put_need_to_fragment(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 8) || !put_about(line, p, "", " unreachable - need to frag"))
		return false;
	if (be16(p + 6)) {
		put_text(&line->to, " (mtu ");
		put_u32(&line->to, be16(p + 6));
		put_char(&line->to, ')');
	}
	return true;
}

static bool put_unreachable(struct line *line, const uint8_t *p)
{
	static const struct { const char *before, *after; } codes[] = {
		[0] = { "net ", " unreachable" }, [1] = { "host ", " unreachable" },
		[5] = { "", " unreachable - source route failed" }, [6] = { "net ", " unreachable - unknown" },
		[7] = { "host ", " unreachable - unknown" }, [8] = { "", " unreachable - source host isolated" },
		[9] = { "net ", " unreachable - admin prohibited" }, [10] = { "host ", " unreachable - admin prohibited" },
		[11] = { "net ", " unreachable - tos prohibited" }, [12] = { "host ", " unreachable - tos prohibited" },
		[13] = { "host ", " unreachable - admin prohibited filter" },
		[14] = { "host ", " unreachable - host precedence violation" },
		[15] = { "host ", " unreachable - precedence cutoff" } };
	const uint8_t *protocol;

	if (p[1] == 3)
		return put_port_unreachable(line, p);
	if (p[1] == 4)
		return put_need_to_fragment(line, p);
	if (p[1] == 2) {
		protocol = about(line, p, 9, 1);
		if (!protocol || !put_about(line, p, "", " protocol "))
			return false;
		put_u32(&line->to, *protocol);
		put_text(&line->to, " unreachable");
		return true;
	}
	if (p[1] < sizeof(codes) / sizeof(codes[0]))
		return put_about(line, p, codes[p[1]].before, codes[p[1]].after);
	if (!put_about(line, p, "", " unreachable - #"))
		return false;
	put_u32(&line->to, p[1]);
	return true;
}

static bool put_redirect(struct line *line, const uint8_t *p)
{
	static const struct { const char *before, *between; } codes[] = { { "redirect ", " to net " },
		{ "redirect ", " to host " }, { "redirect-tos ", " to net " }, { "redirect-tos ", " to host " } };

	if (!about(line, p, 16, 4))
		return false;
	if (p[1] < 4) {
		put_about(line, p, codes[p[1]].before, codes[p[1]].between);
	} else {
		put_text(&line->to, "redirect-#");
		put_u32(&line->to, p[1]);
		put_about(line, p, " ", " to ");
	}
	put_ip4(&line->to, p + 4);
	return true;
}

/* Milliseconds since midnight. */
static void put_milliseconds(struct line *line, uint32_t ms)
{
	/* A broken one may have more than a day's hours. */
	if (ms / 3600000 > 99)
		put_u32(&line->to, ms / 3600000);
	else
		put_padded(&line->to, ms / 3600000, 2);
	put_char(&line->to, ':');
	put_padded(&line->to, ms / 60000 % 60, 2);
	put_char(&line->to, ':');
	put_padded(&line->to, ms / 1000 % 60, 2);
	put_char(&line->to, '.');
	put_padded(&line->to, ms % 1000, 3);
}

static bool put_stamp_reply(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 20))
		return false;
	put_text(&line->to, "time stamp reply id ");
	put_u32(&line->to, be16(p + 4));
	put_text(&line->to, " seq ");
	put_u32(&line->to, be16(p + 6));
	put_text(&line->to, ": org ");
	put_milliseconds(line, be32(p + 8));
	put_text(&line->to, ", recv ");
	put_milliseconds(line, be32(p + 12));
	put_text(&line->to, ", xmit ");
	put_milliseconds(line, be32(p + 16));
	return true;
}

static void put_lifetime(struct line *line, uint32_t seconds)
{
	if (seconds >= 3600) {
		put_u32(&line->to, seconds / 3600);
		put_char(&line->to, ':');
	}
	if (seconds >= 3600)
		put_padded(&line->to, seconds / 60 % 60, 2);
	else if (seconds >= 60)
		put_u32(&line->to, seconds / 60);
	if (seconds >= 60) {
		put_char(&line->to, ':');
		put_padded(&line->to, seconds % 60, 2);
	} else {
		put_u32(&line->to, seconds);
	}
}

static bool put_router(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 8))
		return false;
	put_text(&line->to, "router advertisement lifetime ");
	put_lifetime(line, be16(p + 6));
	put_char(&line->to, ' ');
	put_u32(&line->to, p[4]);
	put_char(&line->to, ':');
	if (p[5] != 2) {
		put_text(&line->to, " [size ");
		put_u32(&line->to, p[5]);
		put_char(&line->to, ']');
		return true;
	}
	for (uint32_t i = 0; i < p[4]; i++) {
		if (!has(line, p, 16 + 8 * i))
			return false;
		put_text(&line->to, " {");
		put_ip4(&line->to, p + 8 + (size_t)8 * i);
		put_char(&line->to, ' ');
		put_u32(&line->to, be32(p + 12 + (size_t)8 * i));
		put_char(&line->to, '}');
	}
	return true;
}

static bool put_numbered(struct line *line, const uint8_t *p, const char *what, const char *between)
{
	if (!has(line, p, 8))
		return false;
	put_string(&line->to, what);
	put_u32(&line->to, be16(p + 4));
	put_string(&line->to, between);
	put_u32(&line->to, be16(p + 6));
	return true;
}

static bool put_kind(struct line *line, const uint8_t *p)
{
	static const struct named kinds[] = {
		{ 4, "source quench" }, { 10, "router solicitation" }, { 15, "information request" },
		{ 16, "information reply" }, { 17, "address mask request" }, { 0, NULL } };
	const char *kind = name_of(kinds, p[0]);

	switch (p[0]) {
	case ICMP_ECHO: return put_numbered(line, p, "echo request, id ", ", seq ");
	case ICMP_REPLY: return put_numbered(line, p, "echo reply, id ", ", seq ");
	case ICMP_STAMP: return put_numbered(line, p, "time stamp query id ", " seq ");
	case ICMP_STAMP_REPLY: return put_stamp_reply(line, p);
	case ICMP_UNREACHABLE: return put_unreachable(line, p);
	case ICMP_REDIRECT: return put_redirect(line, p);
	case ICMP_ROUTER: return put_router(line, p);
	case ICMP_EXCEEDED:
		if (!about(line, p, 16, 4))
			return false;
		put_string(&line->to, p[1] == 0 ? "time exceeded in-transit" : p[1] == 1 ? "ip reassembly time exceeded" :
			   "time exceeded-#");
		if (p[1] > 1)
			put_u32(&line->to, p[1]);
		return true;
	case ICMP_PARAMETER:
		if (!p[1] && !has(line, p, 5))
			return false;
		put_string(&line->to, p[1] ? "parameter problem - code " : "parameter problem - octet ");
		put_u32(&line->to, p[1] ? p[1] : p[4]);
		return true;
	case ICMP_MASK_REPLY:
		if (!has(line, p, 12))
			return false;
		put_text(&line->to, "address mask is 0x");
		put_hex_padded(&line->to, be32(p + 8), 8);
		return true;
	default:
		put_string(&line->to, kind ? kind : "type-#");
		if (!kind)
			put_u32(&line->to, p[0]);
		return true;
	}
}

bool print_icmp4(struct line *line, const uint8_t *p, uint32_t length)
{
	char *before = line->to.at;

	if (!has(line, p, 2))
		return cut(line, "icmp");
	put_text(&line->to, "ICMP ");
	if (!put_kind(line, p)) {
		/* Nothing is said before all of it can be. */
		line->to.at = before;
		return cut(line, "icmp");
	}
	if (line->to.at > before + PREFIX + LONGEST)
		line->to.at = before + PREFIX + LONGEST;
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	return true;
}
