/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP and UDP. */
#include "inside.h"

enum { TCP = 6, UDP = 17, TCP_HEADER = 20, UDP_HEADER = 8 };

static void put_address(struct line *line, const struct ip *ip, const uint8_t *address)
{
	if (ip->v6)
		put_ip6(&line->to, address);
	else
		put_ip4(&line->to, address);
}

void put_addresses(struct line *line, const struct ip *ip)
{
	put_address(line, ip, ip->source);
	put_text(&line->to, " > ");
	put_address(line, ip, ip->target);
}

void put_ports(struct line *line, const struct ip *ip, const uint8_t *p, uint8_t protocol)
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

bool print_tcp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length)
{
	uint32_t header;

	if (!has(line, p, 4)) {
		put_addresses(line, ip);
		put_char(&line->to, ':');
		return cut(line, "tcp");
	}
	put_ports(line, ip, p, TCP);
	if (!has(line, p, TCP_HEADER))
		return cut(line, "tcp");
	header = 4u * (p[12] >> 4);
	if (header < TCP_HEADER) {
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

bool print_udp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length)
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
	if (length < UDP_HEADER) {
		put_text(&line->to, "truncated-udp ");
		put_u32(&line->to, length);
		return false;
	}
	if (!has(line, p, 6))
		return cut(line, "udp");
	announced = be16(p + 4);
	/* A jumbogram's length does not fit the field. */
	if (announced == 0 && length > 65535)
		announced = length;
	if (announced < UDP_HEADER) {
		put_text(&line->to, "truncated-udplength ");
		put_u32(&line->to, announced);
		return false;
	}
	if (!has(line, p, UDP_HEADER))
		return cut(line, "udp");
	announced -= UDP_HEADER;
	length -= UDP_HEADER;
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
