/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4, IPv6 with its extension headers, what they carry, GRE. */
#include "inside.h"

enum { HOP_BY_HOP = 0, ICMP = 1, IGMP = 2, IPIP = 4, TCP = 6, UDP = 17, DCCP = 33, IP6IP = 41, ROUTING = 43,
       FRAGMENT = 44, GRE = 47, ESP = 50, AH = 51, ICMP6 = 58, NO_NEXT = 59, OPTIONS = 60, SCTP = 132 };

/* The addresses of the packet being printed: of IPv4 when `v6` is false. */
struct ip {
	const uint8_t *source, *target;
	bool v6, fragmented;
	uint8_t first;       /* protocol named in the IP header itself */
};

static void put_address(struct line *line, const struct ip *ip, const uint8_t *address)
{
	if (ip->v6)
		put_ip6(&line->to, address);
	else
		put_ip4(&line->to, address);
}

static void put_addresses(struct line *line, const struct ip *ip)
{
	put_address(line, ip, ip->source);
	put_text(&line->to, " > ");
	put_address(line, ip, ip->target);
}

/* "a.sport > b.dport: "; the addresses only if the port header follows the IP header at once. */
static void put_ports(struct line *line, const struct ip *ip, const uint8_t *p, uint8_t protocol)
{
	if (ip->first == protocol) {
		put_address(line, ip, ip->source);
		put_char(&line->to, '.');
	}
	put_u32(&line->to, be16(p));
	put_text(&line->to, " > ");
	if (ip->first == protocol) {
		put_address(line, ip, ip->target);
		put_char(&line->to, '.');
	}
	put_u32(&line->to, be16(p + 2));
	put_text(&line->to, ": ");
}

static bool print_tcp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length)
{
	uint32_t header;

	if (!has(line, p, 4)) {
		put_addresses(line, ip);
		put_char(&line->to, ':');
		return cut(line, "tcp");
	}
	put_ports(line, ip, p, TCP);
	if (!has(line, p, 20))
		return cut(line, "tcp");
	header = 4u * (p[12] >> 4);
	if (header < 20) {
		put_text(&line->to, " tcp ");
		put_u32(&line->to, length - header);
		put_text(&line->to, " [bad hdr length ");
		put_u32(&line->to, header);
		put_text(&line->to, " - too short, < 20]");
		return false;
	}
	put_text(&line->to, "tcp ");
	put_u32(&line->to, length - header);
	if (header > length) {
		put_text(&line->to, " [bad hdr length ");
		put_u32(&line->to, header);
		put_text(&line->to, " - too long, > ");
		put_u32(&line->to, length);
		put_char(&line->to, ']');
		return false;
	}
	return true;
}

static bool print_udp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length)
{
	uint32_t announced;

	if (!has(line, p, 4)) {
		if (ip->first == UDP) {
			put_addresses(line, ip);
			put_text(&line->to, ": ");
		}
		return cut(line, "udp");
	}
	put_ports(line, ip, p, UDP);
	if (length < 8) {
		put_text(&line->to, "truncated-udp ");
		put_u32(&line->to, length);
		return false;
	}
	if (!has(line, p, 6))
		return cut(line, "udp");
	announced = be16(p + 4);
	if (announced == 0 && length > 65535)
		announced = length;
	if (announced < 8) {
		put_text(&line->to, "truncated-udplength ");
		put_u32(&line->to, announced);
		return false;
	}
	if (!has(line, p, 8))
		return cut(line, "udp");
	announced -= 8;
	length -= 8;
	put_text(&line->to, "UDP, ");
	if (announced > length && !ip->fragmented) {
		put_text(&line->to, "bad length ");
		put_u32(&line->to, announced);
		put_text(&line->to, " > ");
		put_u32(&line->to, length);
		return false;
	}
	put_text(&line->to, "length ");
	put_u32(&line->to, announced);
	return true;
}

/* Returns its length, 0 when the line ends here. */
static uint32_t print_ah(struct line *line, const uint8_t *p)
{
	uint32_t length;

	if (!has(line, p, 1))
		return cut(line, "ah");
	put_text(&line->to, "AH(");
	if (!has(line, p, 4))
		return cut(line, "ah");
	length = (p[1] + 2u) * 4;
	if (be16(p + 2)) {
		put_text(&line->to, "reserved=0x");
		put_hex(&line->to, be16(p + 2));
		put_text(&line->to, "[MustBeZero],");
	}
	if (!has(line, p, 12))
		return cut(line, "ah");
	put_text(&line->to, "spi=0x");
	put_hex_padded(&line->to, be32(p + 4), 8);
	put_text(&line->to, ",seq=0x");
	put_hex(&line->to, be32(p + 8));
	put_text(&line->to, ",icv=0x");
	for (uint32_t i = 12; i < length; i++) {
		if (!has(line, p + i, 1))
			return cut(line, "ah");
		put_hex_padded(&line->to, p[i], 2);
	}
	put_text(&line->to, "): ");
	return length;
}

static bool print_esp(struct line *line, const uint8_t *p, uint32_t length)
{
	if (!has(line, p, 8))
		return cut(line, "esp");
	put_text(&line->to, "ESP(spi=0x");
	put_hex_padded(&line->to, be32(p), 8);
	put_text(&line->to, ",seq=0x");
	put_hex(&line->to, be32(p + 4));
	put_text(&line->to, "), length ");
	put_u32(&line->to, length);
	return true;
}

/* Key, checksum, sequence number: each is there when its flag is set. */
static bool print_gre_v0(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t whole = length;
	uint16_t flags = be16(p), protocol;
	bool known;

	if (length < 4 || !has(line, p, 4))
		return cut(line, "gre");
	protocol = be16(p + 2);
	p += 4;
	length -= 4;
	if (flags & 0xc000) {
		if (length < 4 || !has(line, p, 4))
			return cut(line, "gre");
		put_text(&line->to, ", off 0x");
		put_hex(&line->to, be16(p + 2));
		p += 4;
		length -= 4;
	}
	if (flags & 0x2000) {
		if (length < 4 || !has(line, p, 4))
			return cut(line, "gre");
		put_text(&line->to, ", key=0x");
		put_hex(&line->to, be32(p));
		p += 4;
		length -= 4;
	}
	if (flags & 0x1000) {
		if (length < 4 || !has(line, p, 4))
			return cut(line, "gre");
		put_text(&line->to, ", seq ");
		put_u32(&line->to, be32(p));
		p += 4;
		length -= 4;
	}
	put_text(&line->to, ", length ");
	put_u32(&line->to, whole);
	put_text(&line->to, ": ");
	if (protocol == 0x6558)
		return print_ethernet(line, p, length);
	if ((protocol == 0x0800 || protocol == 0x86dd || protocol == 0x8847) &&
	    print_ethertype(line, protocol, p, length, &known))
		return true;
	if (protocol == 0x0800 || protocol == 0x86dd || protocol == 0x8847)
		return false;
	put_text(&line->to, "gre-proto-0x");
	put_hex(&line->to, protocol);
	return false;
}

bool print_gre(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t version;

	if (length < 2 || !has(line, p, 2))
		return cut(line, "gre");
	version = p[1] & 7;
	put_text(&line->to, "GREv");
	put_u32(&line->to, version);
	if (version == 0)
		return print_gre_v0(line, p, length);
	if (version > 1)
		put_text(&line->to, " ERROR: unknown-version");
	return false;
}

static bool only_in(struct line *line, const char *name, const char *family)
{
	put_char(&line->to, '[');
	put_string(&line->to, name);
	put_text(&line->to, " requires ");
	put_string(&line->to, family);
	put_text(&line->to, "] (invalid)");
	return false;
}

/* What an IP packet carries, after the extension headers. */
static bool print_protocol(struct line *line, const struct ip *ip, uint8_t protocol, const uint8_t *p, uint32_t length)
{
	uint32_t skip;

	while (protocol == AH) {
		skip = print_ah(line, p);
		if (!skip)
			return false;
		protocol = p[0];
		p += skip;
		length -= skip;
	}
	if (++line->depth > TEXT_DEPTH)
		return false;
	switch (protocol) {
	case TCP: return print_tcp(line, ip, p, length);
	case UDP: return print_udp(line, ip, p, length);
	case ICMP: return ip->v6 ? only_in(line, "ICMP", "IPv4") : print_icmp4(line, p, length);
	case ICMP6: return ip->v6 ? print_icmp6(line, p, length) : only_in(line, "ICMPv6", "IPv6");
	case IGMP:
		if (ip->v6)
			return only_in(line, "IGMP", "IPv4");
		put_text(&line->to, "igmp");
		return true;
	case IPIP: return print_ip4(line, p, length);
	case IP6IP: return print_ip6(line, p, length);
	case GRE: return print_gre(line, p, length);
	case ESP: return print_esp(line, p, length);
	case NO_NEXT: put_text(&line->to, "no next header"); return true;
	default:
		put_text(&line->to, " ip-proto-");
		put_u32(&line->to, protocol);
		put_char(&line->to, ' ');
		put_u32(&line->to, length);
		return false;
	}
}

static void limit(struct line *line, const uint8_t *p, size_t length)
{
	if (p <= line->end && (size_t)(line->end - p) > length)
		line->end = p + length;
}

bool print_ip4(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t header, whole, offset;
	struct ip ip;

	if (has(line, p, 1) && p[0] >> 4 != 4) {
		put_text(&line->to, "IP");
		put_u32(&line->to, p[0] >> 4);
		if (p[0] >> 4 == 6)
			put_text(&line->to, ", wrong link-layer encapsulation");
		put_text(&line->to, " (invalid)");
		return false;
	}
	if (has(line, p, 1))
		put_text(&line->to, "IP ");
	if (!has(line, p, 20))
		return cut(line, "ip");
	if (length < 20) {
		put_text(&line->to, "truncated-ip ");
		put_u32(&line->to, length);
		return false;
	}
	header = 4u * (p[0] & 15);
	if (header < 20) {
		put_text(&line->to, "bad-hlen ");
		put_u32(&line->to, header);
		return false;
	}
	whole = be16(p + 2);
	if (length < whole) {
		put_text(&line->to, "truncated-ip - ");
		put_u32(&line->to, whole - length);
		put_text(&line->to, " bytes missing! ");
	}
	/* A length of 0 is taken for a packet that the network card was to cut up. */
	if (whole == 0)
		whole = length;
	if (whole < header) {
		put_text(&line->to, "bad-len ");
		put_u32(&line->to, whole);
		return false;
	}
	limit(line, p, whole);
	offset = be16(p + 6);
	ip = (struct ip){ .source = p + 12, .target = p + 16, .first = p[9], .fragmented = (offset & 0x2000) != 0 };
	if (offset & 0x1fff) {
		put_addresses(line, &ip);
		put_text(&line->to, ": ip-proto-");
		put_u32(&line->to, p[9]);
		return true;
	}
	if (p[9] != TCP && p[9] != UDP && p[9] != SCTP && p[9] != DCCP) {
		put_addresses(line, &ip);
		put_text(&line->to, ": ");
	}
	if (!has(line, p, header)) {
		put_text(&line->to, " [remaining caplen(");
		put_u32(&line->to, (uint32_t)(line->end - p));
		put_text(&line->to, ") < header length(");
		put_u32(&line->to, header);
		put_text(&line->to, ")]");
		return cut(line, "ip");
	}
	return print_protocol(line, &ip, p[9], p + header, whole - header);
}

/* The header's length, 0 when the line ends here. */
static uint32_t print_routing(struct line *line, const uint8_t *p)
{
	uint32_t addresses, type;

	if (!has(line, p, 4))
		return cut(line, "rt6");
	type = p[2];
	put_text(&line->to, "RT6 (len=");
	put_u32(&line->to, p[1]);
	put_text(&line->to, ", type=");
	put_u32(&line->to, type);
	if (type == 0)
		put_text(&line->to, " [Deprecated]");
	put_text(&line->to, ", segleft=");
	put_u32(&line->to, p[3]);
	if (type != 0 && type != 2 && type != 4) {
		put_text(&line->to, " (unknown type) (invalid)");
		return 0;
	}
	if (!has(line, p, 8))
		return cut(line, "rt6");
	if (type == 4) {
		put_text(&line->to, ", last-entry=");
		put_u32(&line->to, p[4]);
		if (p[5]) {
			put_text(&line->to, ", flags=0x");
			put_hex(&line->to, p[5]);
		}
		put_text(&line->to, ", tag=");
		put_hex(&line->to, be16(p + 6));
	} else if (be32(p + 4)) {
		put_text(&line->to, ", rsv=0x");
		put_hex(&line->to, be32(p + 4));
	}
	if (p[1] % 2) {
		put_text(&line->to, " (invalid length ");
		put_u32(&line->to, p[1]);
		put_text(&line->to, ") (invalid)");
		return 0;
	}
	addresses = p[1] / 2;
	for (uint32_t i = 0; i < addresses; i++) {
		if (!has(line, p, 24 + 16 * i)) {
			put_text(&line->to, ", [");
			put_u32(&line->to, i);
			put_char(&line->to, ']');
			return cut(line, "rt6");
		}
		put_text(&line->to, ", [");
		put_u32(&line->to, i);
		put_char(&line->to, ']');
		put_ip6(&line->to, p + 8 + 16 * i);
	}
	put_text(&line->to, ") ");
	return (p[1] + 1u) * 8;
}

/* The fragment header; 0 also for all but the first fragment, of which nothing more can be said. */
static uint32_t print_fragment(struct line *line, const uint8_t *p, const uint8_t *ip6)
{
	uint32_t offset;

	if (!has(line, p, 4))
		return cut(line, "frag6");
	offset = be16(p + 2) & 0xfff8;
	put_text(&line->to, "frag (");
	put_u32(&line->to, offset);
	put_char(&line->to, '|');
	put_u64(&line->to, 40 + (uint64_t)be16(ip6 + 4) - (uint64_t)(p - ip6) - 8);
	put_char(&line->to, ')');
	if (offset)
		return 0;
	put_char(&line->to, ' ');
	return line->end <= p + 8 ? 0 : 8;
}

static uint32_t print_options(struct line *line, const uint8_t *p, const char *name, const char *short_name)
{
	uint32_t length;

	if (!has(line, p, 2))
		return cut(line, short_name);
	length = (p[1] + 1u) * 8;
	if (!has(line, p, length))
		return cut(line, short_name);
	put_string(&line->to, name);
	return length;
}

bool print_ip6(struct line *line, const uint8_t *p, uint32_t length)
{
	const uint8_t *at = p + 40;
	uint32_t payload, left, skip;
	struct ip ip;
	uint8_t next;
	bool any = false;

	if (!has(line, p, 40))
		return cut(line, "ip6");
	if (length < 40) {
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
	payload = be16(p + 4);
	left = payload ? payload : length;
	if (payload && length < payload + 40) {
		put_text(&line->to, "truncated-ip6 - ");
		put_u32(&line->to, payload + 40 - length);
		put_text(&line->to, " bytes missing!");
	}
	limit(line, p, (size_t)left + 40);
	next = p[6];
	ip = (struct ip){ .source = p + 8, .target = p + 24, .v6 = true, .first = next };
	if (next != TCP && next != UDP && next != SCTP && next != DCCP) {
		put_addresses(line, &ip);
		put_text(&line->to, ": ");
	}
	for (;;) {
		if (next == HOP_BY_HOP && any)
			return put_text(&line->to, "[The Hop-by-Hop Options header don't follow the IPv6 header] (invalid)"), false;
		if (next == HOP_BY_HOP)
			skip = print_options(line, at, "HBH ", "hbhopt");
		else if (next == OPTIONS)
			skip = print_options(line, at, "DSTOPT ", "dstopt");
		else if (next == ROUTING)
			skip = print_routing(line, at);
		else if (next == FRAGMENT)
			skip = print_fragment(line, at, p);
		else
			break;
		if (next == FRAGMENT)
			ip.fragmented = true;
		if (!skip)
			return next == FRAGMENT;
		any = true;
		next = at[0];
		at += skip;
		if (at >= line->end)
			return false;
		if (left < skip)
			return cut(line, "ip6");
		left -= skip;
	}
	if (!payload) {
		if (any)
			return cut(line, "ip6");
		left = 0;
		limit(line, p, 40);
	}
	return print_protocol(line, &ip, next, at, left);
}

bool print_ip_any(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < 1 || !has(line, p, 1)) {
		put_text(&line->to, "truncated-ip ");
		put_u32(&line->to, length);
		return false;
	}
	if (p[0] >> 4 == 4)
		return print_ip4(line, p, length);
	if (p[0] >> 4 == 6)
		return print_ip6(line, p, length);
	put_text(&line->to, "unknown ip ");
	put_u32(&line->to, p[0] >> 4);
	return false;
}
