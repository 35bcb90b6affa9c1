/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP and ICMPv6. */
#include "inside.h"

enum { ICMP_REPLY = 0, ICMP_UNREACHABLE = 3, ICMP_REDIRECT = 5, ICMP_ECHO = 8, ICMP_ROUTER = 9, ICMP_EXCEEDED = 11,
       ICMP_PARAMETER = 12, ICMP_STAMP = 13, ICMP_STAMP_REPLY = 14, ICMP_MASK_REPLY = 18 };

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
static void put_clock(struct line *line, uint32_t ms)
{
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
	put_clock(line, be32(p + 8));
	put_text(&line->to, ", recv ");
	put_clock(line, be32(p + 12));
	put_text(&line->to, ", xmit ");
	put_clock(line, be32(p + 16));
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
		put_ip4(&line->to, p + 8 + 8 * i);
		put_char(&line->to, ' ');
		put_u32(&line->to, be32(p + 12 + 8 * i));
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
	static const struct named kinds[] = { { 4, "source quench" }, { 10, "router solicitation" }, { 15, "information request" },
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
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	return true;
}

/* The upper layer of the IPv6 packet that an error is about: its protocol and ports. */
static const uint8_t *inner_ports(const struct line *line, const uint8_t *ip6, uint8_t *protocol)
{
	const uint8_t *at = ip6 + 40;

	if (!has(line, ip6, 40))
		return NULL;
	*protocol = ip6[6];
	while (has(line, at, 2)) {
		switch (*protocol) {
		case 0: case 43: case 60:
			*protocol = at[0];
			at += (at[1] + 1u) * 8;
			break;
		case 44:
			if (!has(line, at, 8) || (be16(at + 2) & 0xfff8))
				return NULL;
			*protocol = at[0];
			at += 8;
			break;
		default:
			return has(line, at, 4) ? at : NULL;
		}
	}
	return NULL;
}

static bool put_ip6_at(struct line *line, const char *before, const uint8_t *p, size_t offset)
{
	put_string(&line->to, before);
	if (!has(line, p + offset, 16))
		return false;
	put_ip6(&line->to, p + offset);
	return true;
}

static bool put_unreachable6(struct line *line, const uint8_t *p, uint32_t length, bool *over)
{
	static const struct named codes[] = { { 0, "unreachable route" }, { 1, " unreachable prohibited" }, { 2, "beyond scope" },
		{ 3, "unreachable address" }, { 4, "unreachable port" }, { 0, NULL } };
	const char *code = name_of(codes, p[1]);
	const uint8_t *ports;
	uint8_t protocol;

	put_text(&line->to, ", ");
	put_string(&line->to, code ? code : "unknown unreach code (");
	if (!code) {
		put_u32(&line->to, p[1]);
		put_char(&line->to, ')');
		print_hex(line, p, length);
		*over = true;
		return true;
	}
	if (p[1] != 4) {
		if (!has(line, p + 8, 40))
			return false;
		if (!put_ip6_at(line, " ", p, 32))
			return false;
		return p[1] != 2 || put_ip6_at(line, ", source address ", p, 16);
	}
	ports = inner_ports(line, p + 8, &protocol);
	if (!ports)
		return false;
	put_text(&line->to, ", ");
	put_ip6(&line->to, p + 32);
	if (protocol == 6) {
		put_text(&line->to, " tcp port ");
	} else if (protocol == 17) {
		put_text(&line->to, " udp port ");
	} else {
		put_text(&line->to, " protocol ");
		put_u32(&line->to, protocol);
		put_text(&line->to, " port ");
	}
	put_u32(&line->to, be16(ports + 2));
	if (protocol != 6 && protocol != 17)
		put_text(&line->to, " unreachable");
	return true;
}

static bool put_exceeded6(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 48))
		return false;
	if (p[1] == 0)
		return put_ip6_at(line, " for ", p, 32);
	if (p[1] == 1) {
		put_text(&line->to, " (reassembly)");
	} else {
		put_text(&line->to, ", unknown code (");
		put_u32(&line->to, p[1]);
		put_char(&line->to, ')');
	}
	return true;
}

static bool put_problem6(struct line *line, const uint8_t *p)
{
	static const char *const codes[] = { ", erroneous - octet ", ", next header - octet ", ", option - octet ",
					     ", incomplete header chain - octet " };

	if (!has(line, p, 48))
		return false;
	put_string(&line->to, p[1] < 4 ? codes[p[1]] : ", code-#");
	put_u64(&line->to, p[1] < 4 ? be32(p + 4) : p[1]);
	return true;
}

static bool put_listener_query(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t sources;

	if (length < 28) {
		put_text(&line->to, " unknown-version (len ");
		put_u32(&line->to, length);
		put_text(&line->to, ") ");
		return true;
	}
	put_text(&line->to, " v2");
	if (!has(line, p, 8))
		return false;
	if (!put_ip6_at(line, " [gaddr ", p, 8) || !has(line, p, 28))
		return false;
	sources = be16(p + 26);
	if (sources && length < 28 + sources * 16) {
		put_text(&line->to, " [invalid number of sources]");
	} else if (sources) {
		put_text(&line->to, ", ");
		put_u32(&line->to, sources);
		put_text(&line->to, " source(s)");
	}
	put_char(&line->to, ']');
	return true;
}

static void put_listener(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 24))
		return;
	put_text(&line->to, "max resp delay: ");
	put_u32(&line->to, be16(p + 4));
	put_text(&line->to, " addr: ");
	put_ip6(&line->to, p + 8);
}

static bool put_listener_report2(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < 8) {
		put_text(&line->to, " [invalid len ");
		put_u32(&line->to, length);
		put_char(&line->to, ']');
		return true;
	}
	if (!has(line, p, 8))
		return false;
	put_text(&line->to, ", ");
	put_u32(&line->to, be16(p + 6));
	put_text(&line->to, " group record(s)");
	return true;
}

/* *over: the line is complete, without ", length N". */
static bool put_kind6(struct line *line, const uint8_t *p, uint32_t length, bool *over)
{
	switch (p[0]) {
	case 1: return put_unreachable6(line, p, length, over);
	case 2:
		put_text(&line->to, ", mtu ");
		if (!has(line, p, 8))
			return false;
		put_u64(&line->to, be32(p + 4));
		return true;
	case 3: return put_exceeded6(line, p);
	case 4: return put_problem6(line, p);
	case 128: case 129: return put_numbered(line, p, ", id ", ", seq ");
	case 130:
		if (length == 24)
			return put_listener(line, p), true;
		return put_listener_query(line, p, length);
	case 131: case 132: return put_listener(line, p), true;
	case 133: case 134: case 138: case 139: case 140: case 141: case 142: case 145: case 147: return true;
	case 135: return put_ip6_at(line, ", who has ", p, 8);
	case 136: return put_ip6_at(line, ", tgt is ", p, 8);
	case 137: return put_ip6_at(line, ", ", p, 24) && put_ip6_at(line, " to ", p, 8);
	case 143: return put_listener_report2(line, p, length);
	case 144: case 146:
		if (!has(line, p, 6))
			return false;
		put_text(&line->to, ", id 0x");
		put_hex_padded(&line->to, be16(p + 4), 4);
		return true;
	default:
		put_text(&line->to, ", length ");
		put_u32(&line->to, length);
		print_hex(line, p, length);
		*over = true;
		return true;
	}
}

bool print_icmp6(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named kinds[] = { { 1, "destination unreachable" }, { 2, "packet too big" },
		{ 3, "time exceeded in-transit" }, { 4, "parameter problem" }, { 128, "echo request" }, { 129, "echo reply" },
		{ 130, "multicast listener query" }, { 131, "multicast listener report" }, { 132, "multicast listener done" },
		{ 133, "router solicitation" }, { 134, "router advertisement" }, { 135, "neighbor solicitation" },
		{ 136, "neighbor advertisement" }, { 137, "redirect" }, { 138, "router renumbering" },
		{ 139, "who-are-you request" }, { 140, "who-are-you reply" }, { 141, "inverse neighbor solicitation" },
		{ 142, "inverse neighbor advertisement" }, { 143, "multicast listener report v2" }, { 144, "ha discovery request" },
		{ 145, "ha discovery reply" }, { 146, "mobile router solicitation" }, { 147, "mobile router advertisement" },
		{ 155, "RPL" }, { 200, "mtrace response" }, { 201, "mtrace message" }, { 0, NULL } };
	const char *kind;
	bool over = false;

	if (length == 0) {
		put_text(&line->to, "ICMP6, length 0 (invalid)");
		return false;
	}
	if (!has(line, p, 1))
		return cut(line, "icmp6");
	kind = name_of(kinds, p[0]);
	put_text(&line->to, "ICMP6, ");
	put_string(&line->to, kind ? kind : "unknown icmp6 type (");
	if (!kind) {
		put_u32(&line->to, p[0]);
		put_char(&line->to, ')');
	}
	if (!has(line, p, 2) || !put_kind6(line, p, length, &over))
		return cut(line, "icmp6");
	if (!over) {
		put_text(&line->to, ", length ");
		put_u32(&line->to, length);
	}
	return kind != NULL;
}
