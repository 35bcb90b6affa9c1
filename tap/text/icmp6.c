/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMPv6: errors, echo, neighbours, multicast listeners; the rarer kinds are in node.c. */
#include "inside.h"

enum { UNREACHABLE = 1, TOO_BIG = 2, EXCEEDED = 3, PROBLEM = 4, ECHO = 128, ECHO_REPLY = 129, QUERY = 130, REPORT = 131,
       DONE = 132, SOLICITATION = 135, ADVERTISEMENT = 136, REDIRECT = 137, RENUMBERING = 138, NODE_QUERY = 139,
       NODE_REPLY = 140, REPORT_V2 = 143, HOME_REQUEST = 144, MOBILE_SOLICITATION = 146, RPL = 155,
       HEADER = 8, ABOUT_SOURCE = HEADER + 8, ABOUT_TARGET = HEADER + 24 };

/* Done: the line ends without a length. Cut: only the kind's own part was cut, the length follows. */
enum outcome { OVER, DONE_HERE, WITH_LENGTH };

static enum outcome cut_here(struct line *line)
{
	cut(line, "icmp6");
	return OVER;
}

static enum outcome put_address_at(struct line *line, const char *before, const uint8_t *p, size_t offset)
{
	if (!has(line, p, offset + 16))
		return cut_here(line);
	put_string(&line->to, before);
	put_ip6(&line->to, p + offset);
	return WITH_LENGTH;
}

/* The ports of the packet that an error is about: TCP or UDP behind any extension headers, else NULL. */
static const uint8_t *inner_ports(const struct line *line, const uint8_t *ip6, uint8_t *protocol)
{
	const uint8_t *at = ip6 + 40;
	uint32_t skip;

	if (!has(line, ip6, 7))
		return NULL;
	*protocol = ip6[6];
	for (;;) {
		switch (*protocol) {
		case 6: case 17: return has(line, at, 4) ? at : NULL;
		case 0: case 43: case 60: case 51:
			if (!has(line, at, 2))
				return NULL;
			skip = *protocol == 51 ? (at[1] + 2u) * 4 : (at[1] + 1u) * 8;
			break;
		case 44:
			if (!has(line, at, 4) || (be16(at + 2) & 0xfff8))
				return NULL;
			skip = 8;
			break;
		default: return NULL;
		}
		*protocol = at[0];
		at += skip;
	}
}

static enum outcome put_port_unreachable(struct line *line, const uint8_t *p)
{
	uint8_t protocol = 0;
	const uint8_t *ports = inner_ports(line, p + HEADER, &protocol);

	if (!ports)
		return cut_here(line);
	put_text(&line->to, ", ");
	put_ip6(&line->to, p + ABOUT_TARGET);
	put_string(&line->to, protocol == 6 ? " tcp port " : " udp port ");
	put_u32(&line->to, be16(ports + 2));
	return WITH_LENGTH;
}

static enum outcome put_unreachable(struct line *line, const uint8_t *p, uint32_t length)
{
	static const char *const codes[] = { "unreachable route", " unreachable prohibited", "beyond scope",
					     "unreachable address", "unreachable port" };

	put_text(&line->to, ", ");
	if (p[1] > 4) {
		put_text(&line->to, "unknown unreach code (");
		put_u32(&line->to, p[1]);
		put_char(&line->to, ')');
		print_hex(line, p, length);
		return DONE_HERE;
	}
	put_string(&line->to, codes[p[1]]);
	if (p[1] == 4)
		return put_port_unreachable(line, p);
	if (p[1] != 2)
		return put_address_at(line, " ", p, ABOUT_TARGET);
	put_address_at(line, " ", p, ABOUT_TARGET);
	return has(line, p, ABOUT_TARGET + 16) ? put_address_at(line, ", source address ", p, ABOUT_SOURCE) : OVER;
}

static enum outcome put_exceeded(struct line *line, const uint8_t *p)
{
	if (p[1] == 0)
		return put_address_at(line, " for ", p, ABOUT_TARGET);
	if (p[1] == 1) {
		put_text(&line->to, " (reassembly)");
	} else {
		put_text(&line->to, ", unknown code (");
		put_u32(&line->to, p[1]);
		put_char(&line->to, ')');
	}
	return WITH_LENGTH;
}

static enum outcome put_problem(struct line *line, const uint8_t *p)
{
	static const char *const codes[] = { ", erroneous - octet ", ", next header - octet ", ", option - octet ",
					     ", incomplete header chain - octet " };

	if (!has(line, p, ABOUT_TARGET + 16))
		return cut_here(line);
	put_string(&line->to, p[1] < 4 ? codes[p[1]] : ", code-#");
	put_u64(&line->to, p[1] < 4 ? be32(p + 4) : p[1]);
	return WITH_LENGTH;
}

static enum outcome put_listener(struct line *line, const uint8_t *p)
{
	if (has(line, p, 24)) {
		put_text(&line->to, "max resp delay: ");
		put_u32(&line->to, be16(p + 4));
		put_text(&line->to, " addr: ");
		put_ip6(&line->to, p + 8);
	}
	return WITH_LENGTH;
}

static enum outcome put_query(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t sources;

	if (length == 24)
		return put_listener(line, p);
	if (length < 28) {
		put_text(&line->to, " unknown-version (len ");
		put_u32(&line->to, length);
		put_text(&line->to, ") ");
		return WITH_LENGTH;
	}
	put_text(&line->to, " v2");
	if (put_address_at(line, " [gaddr ", p, 8) == OVER)
		return OVER;
	if (!has(line, p, 28))
		return cut_here(line);
	sources = be16(p + 26);
	if (sources && length < 28 + sources * 16) {
		put_text(&line->to, " [invalid number of sources]");
	} else if (sources) {
		put_text(&line->to, ", ");
		put_u32(&line->to, sources);
		put_text(&line->to, " source(s)");
	}
	put_char(&line->to, ']');
	return WITH_LENGTH;
}

static enum outcome put_report_2(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < 8) {
		put_text(&line->to, " [invalid len ");
		put_u32(&line->to, length);
		put_char(&line->to, ']');
		return WITH_LENGTH;
	}
	if (!has(line, p, 8))
		return cut_here(line);
	put_text(&line->to, ", ");
	put_u32(&line->to, be16(p + 6));
	put_text(&line->to, " group record(s)");
	return WITH_LENGTH;
}

static enum outcome put_echo(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 8))
		return cut_here(line);
	put_text(&line->to, ", id ");
	put_u32(&line->to, be16(p + 4));
	put_text(&line->to, ", seq ");
	put_u32(&line->to, be16(p + 6));
	return WITH_LENGTH;
}

static enum outcome put_identifier(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 6))
		return cut_here(line);
	put_text(&line->to, ", id 0x");
	put_hex_padded(&line->to, be16(p + 4), 4);
	return WITH_LENGTH;
}

/* Routing of low-power networks. */
static enum outcome put_rpl(struct line *line, uint8_t code)
{
	static const char *const codes[] = { "DODAG Information Solicitation", "DODAG Information Object",
		"Destination Advertisement Object", "Destination Advertisement Object Ack" };

	if (code & 0x80) {
		put_text(&line->to, ", (SEC) [worktodo]");
		return WITH_LENGTH;
	}
	put_text(&line->to, ", (CLR)");
	put_string(&line->to, code < 4 ? codes[code] : "RPL message, unknown code ");
	if (code >= 4)
		put_u32(&line->to, code);
	return WITH_LENGTH;
}

static enum outcome put_kind(struct line *line, const uint8_t *p, uint32_t length)
{
	switch (p[0]) {
	case UNREACHABLE: return put_unreachable(line, p, length);
	case TOO_BIG:
		if (!has(line, p, 8))
			return cut_here(line);
		put_text(&line->to, ", mtu ");
		put_u64(&line->to, be32(p + 4));
		return WITH_LENGTH;
	case EXCEEDED: return put_exceeded(line, p);
	case PROBLEM: return put_problem(line, p);
	case ECHO: case ECHO_REPLY: return put_echo(line, p);
	case QUERY: return put_query(line, p, length);
	case REPORT: case DONE: return put_listener(line, p);
	case SOLICITATION: return put_address_at(line, ", who has ", p, 8);
	case ADVERTISEMENT: return put_address_at(line, ", tgt is ", p, 8);
	case REDIRECT:
		if (put_address_at(line, ", ", p, 24) == OVER)
			return OVER;
		return put_address_at(line, " to ", p, 8);
	case RENUMBERING: return print_renumbering(line, p) ? WITH_LENGTH : OVER;
	case NODE_QUERY: case NODE_REPLY: return print_node_information(line, p, length) ? WITH_LENGTH : OVER;
	case REPORT_V2: return put_report_2(line, p, length);
	case HOME_REQUEST: case MOBILE_SOLICITATION: return put_identifier(line, p);
	case RPL: return put_rpl(line, p[1]);
	/* Router solicitation and advertisement, inverse neighbours, home agents' answers: nothing but their names. */
	case 133: case 134: case 141: case 142: case 145: case 147: return WITH_LENGTH;
	default:
		put_text(&line->to, ", length ");
		put_u32(&line->to, length);
		print_hex(line, p, length);
		return DONE_HERE;
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

	if (length == 0) {
		put_text(&line->to, "ICMP6, length 0");
		return invalid(line);
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
	if (!has(line, p, 2))
		return cut(line, "icmp6");
	switch (put_kind(line, p, length)) {
	case OVER: return false;
	case DONE_HERE: return true;
	default:
		put_text(&line->to, ", length ");
		put_u32(&line->to, length);
		return true;
	}
}
