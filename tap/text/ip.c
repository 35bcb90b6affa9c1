/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4, and what an IP packet of either version carries. */
#include "inside.h"

enum { ICMP = 1, IGMP = 2, IPIP = 4, TCP = 6, UDP = 17, IP6IP = 41, GRE = 47, ESP = 50, AH = 51, ICMP6 = 58,
       NO_NEXT = 59, ND = 77, IPCOMP = 108, DCCP = 33, EIGRP = 88, OSPF = 89, PIM = 103, VRRP = 112,
       RSVP = 46, PGM = 113, SCTP = 132, ETHERNET = 143, HEADER = 20 };

/* Returns its length, 0 when the line ends here. */
static uint32_t print_ah(struct line *line, const uint8_t *p)
{
	uint32_t length;

	if (!has(line, p, 1))
		return cut(line, "ah");
	put_text(&line->to, "AH");
	if (!has(line, p, 2))
		return cut(line, "ah");
	length = (p[1] + 2u) * 4;
	put_char(&line->to, '(');
	if (!has(line, p, 4))
		return cut(line, "ah");
	if (be16(p + 2)) {
		put_text(&line->to, "reserved=0x");
		put_hex(&line->to, be16(p + 2));
		put_text(&line->to, "[MustBeZero],");
	}
	if (!has(line, p, 8))
		return cut(line, "ah");
	put_text(&line->to, "spi=0x");
	put_hex_padded(&line->to, be32(p + 4), 8);
	put_char(&line->to, ',');
	if (!has(line, p, 12))
		return cut(line, "ah");
	put_text(&line->to, "seq=0x");
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
	/* Not shown unless there is something encrypted behind its header. */
	if (!has(line, p, 9))
		return cut(line, "esp");
	put_text(&line->to, "ESP(spi=0x");
	put_hex_padded(&line->to, be32(p), 8);
	put_text(&line->to, ",seq=0x");
	put_hex(&line->to, be32(p + 4));
	put_text(&line->to, "), length ");
	put_u32(&line->to, length);
	return true;
}

static bool print_ipcomp(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 4))
		return cut(line, "ipcomp");
	put_text(&line->to, "IPComp(cpi=0x");
	put_hex_padded(&line->to, be16(p + 2), 4);
	put_char(&line->to, ')');
	return true;
}

static bool only_in(struct line *line, const char *name, const char *family)
{
	put_char(&line->to, '[');
	put_string(&line->to, name);
	put_text(&line->to, " requires ");
	put_string(&line->to, family);
	put_char(&line->to, ']');
	return invalid(line);
}

static bool print_number(struct line *line, uint8_t protocol, uint32_t length)
{
	if (protocol == ND) {
		put_text(&line->to, " nd ");
	} else {
		put_text(&line->to, " ip-proto-");
		put_u32(&line->to, protocol);
		put_char(&line->to, ' ');
	}
	put_u32(&line->to, length);
	return true;
}

bool print_protocol(struct line *line, const struct ip *ip, uint8_t protocol, const uint8_t *p, uint32_t length)
{
	while (protocol == AH) {
		uint32_t skip = print_ah(line, p);

		if (!skip)
			return false;
		protocol = p[0];
		p += skip;
		length -= skip;
	}
	/* Each tunnel takes bytes of the packet; this bounds the stack, too. */
	if (++line->depth > TEXT_DEPTH)
		return false;
	switch (protocol) {
	case TCP: return print_tcp(line, ip, p, length);
	case UDP: return print_udp(line, ip, p, length);
	case ICMP: return ip->v6 ? only_in(line, "ICMP", "IPv4") : print_icmp4(line, p, length);
	case ICMP6: return ip->v6 ? print_icmp6(line, p, length) : only_in(line, "ICMPv6", "IPv6");
	case ETHERNET: return ip->v6 ? print_ethernet(line, p, length) : only_in(line, "Ethernet", "IPv6");
	case IGMP:
		if (ip->v6)
			return only_in(line, "IGMP", "IPv4");
		put_text(&line->to, "igmp");
		return true;
	case IPIP: return print_ip4(line, p, length);
	case IP6IP: return print_ip6(line, p, length);
	case GRE: return print_gre(line, p, length);
	case ESP: return print_esp(line, p, length);
	case IPCOMP: return print_ipcomp(line, p);
	case NO_NEXT: put_text(&line->to, "no next header"); return true;
	case SCTP: return print_sctp(line, ip, p, length);
	case DCCP: return print_dccp(line, ip, p, length);
	case EIGRP: return print_eigrp(line, p, length);
	case OSPF: return print_ospf(line, ip, p, length);
	case PIM: return print_pim(line, p, length);
	case VRRP: return print_vrrp(line, ip, p, length);
	case RSVP: return print_rsvp(line, p, length);
	case PGM: return print_pgm(line, ip, p);
	default: return print_number(line, protocol, length);
	}
}

static bool print_other_version(struct line *line, uint8_t version)
{
	put_text(&line->to, "IP");
	put_u32(&line->to, version);
	if (version == 6)
		put_text(&line->to, ", wrong link-layer encapsulation");
	return invalid(line);
}

/* The lengths that a header gives, checked against each other and the packet's: 0, and the line is over. */
static uint32_t read_lengths(struct line *line, const uint8_t *p, uint32_t length, uint32_t *whole)
{
	uint32_t header = 4u * (p[0] & 15);

	if (length < HEADER) {
		put_text(&line->to, "truncated-ip ");
		put_u32(&line->to, length);
		return 0;
	}
	if (header < HEADER) {
		put_text(&line->to, "bad-hlen ");
		put_u32(&line->to, header);
		return 0;
	}
	*whole = be16(p + 2);
	if (length < *whole) {
		put_text(&line->to, "truncated-ip - ");
		put_u32(&line->to, *whole - length);
		put_text(&line->to, " bytes missing! ");
	}
	if (*whole < header) {
		put_text(&line->to, "bad-len ");
		put_u32(&line->to, *whole);
		return 0;
	}
	return header;
}

bool print_ip4(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t header, whole, offset;
	struct ip ip;

	if (!has(line, p, 1))
		return cut(line, "ip");
	if (p[0] >> 4 != 4)
		return print_other_version(line, p[0] >> 4);
	put_text(&line->to, "IP ");
	if (!has(line, p, HEADER))
		return cut(line, "ip");
	header = read_lengths(line, p, length, &whole);
	if (!header)
		return false;
	limit(line, p, whole);
	offset = be16(p + 6);
	ip = (struct ip){ .source = p + 12, .target = p + 16, .first = p[9], .ttl = p[8],
			  .fragmented = (offset & 0x2000) != 0 };
	if (offset & 0x1fff) {
		put_addresses(line, &ip);
		put_text(&line->to, ": ip-proto-");
		put_u32(&line->to, p[9]);
		return true;
	}
	if (!has_ports(p[9])) {
		put_addresses(line, &ip);
		put_text(&line->to, ": ");
	}
	if (!has(line, p, header)) {
		put_text(&line->to, " [remaining caplen(");
		put_u32(&line->to, (uint32_t)captured(line, p));
		put_text(&line->to, ") < header length(");
		put_u32(&line->to, header);
		put_text(&line->to, ")]");
		return cut(line, "ip");
	}
	return print_protocol(line, &ip, p[9], p + header, whole - header);
}

bool print_ip_any(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < 1) {
		put_text(&line->to, "truncated-ip 0");
		return false;
	}
	if (!has(line, p, 1))
		return cut(line, "ipn");
	if (p[0] >> 4 == 4)
		return print_ip4(line, p, length);
	if (p[0] >> 4 == 6)
		return print_ip6(line, p, length);
	put_text(&line->to, "unknown ip ");
	put_u32(&line->to, p[0] >> 4);
	return false;
}
