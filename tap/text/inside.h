/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of text: the state of one line, and who prints which layer.
 *
 * Every print_ function writes its layer and what that carries. tcpdump writes a field only when all of it was
 * captured, and ends the line with " [|layer]" where it was not: `return cut(line, "layer")`. The functions return
 * false when nothing more may follow.
 */
#ifndef TEXT_INSIDE_H
#define TEXT_INSIDE_H

#include "put.h"
#include "text.h"
#include <stdbool.h>

struct line {
	struct put to;
	const uint8_t *end;                        /* of what was captured, or of what a length field announced */
	const uint8_t *source_mac, *target_mac;   /* NULL where the link has none */
	const struct text_ctx *ctx;
	unsigned depth;                            /* of tunnels */
};

enum { TEXT_DEPTH = 16 };

static inline bool has(const struct line *line, const uint8_t *from, size_t bytes)
{
	return from <= line->end && (size_t)(line->end - from) >= bytes;
}

static inline size_t captured(const struct line *line, const uint8_t *from)
{
	return from < line->end ? (size_t)(line->end - from) : 0;
}

/* What lies behind the end that a length field gives is padding. */
static inline void limit(struct line *line, const uint8_t *from, size_t length)
{
	if (from <= line->end && (size_t)(line->end - from) > length)
		line->end = from + length;
}

static inline bool cut(struct line *line, const char *layer)
{
	put_text(&line->to, " [|");
	put_string(&line->to, layer);
	put_char(&line->to, ']');
	return false;
}

static inline bool invalid(struct line *line)
{
	put_text(&line->to, " (invalid)");
	return false;
}

/* A value by its name, else NULL. */
struct named {
	uint32_t value;
	const char *name;
};
const char *name_of(const struct named *table, uint32_t value);
const char *name_of_type(uint16_t ethertype);
/* Its name, or `before`, the value in hex of at least `digits`, `after`. */
void put_name(struct put *to, const char *name, const char *before, uint32_t value, unsigned digits, const char *after);

/* The names of the bits that are set, or "none". */
void put_bits(struct line *line, const struct named *bits, uint32_t value);

/* The addresses of the IP packet whose contents are printed. */
struct ip {
	const uint8_t *source, *target;
	bool v6, fragmented;
	uint8_t first;       /* protocol named in the IP header itself, before extension headers */
	uint8_t ttl;
};
void put_addresses(struct line *line, const struct ip *ip);
/* "a.sport > b.dport: "; the addresses only if the port header follows the IP header at once. */
void put_ports(struct line *line, const struct ip *ip, const uint8_t *p, uint8_t protocol);

/* Do they follow the IP header itself, they print the addresses, because ports belong to them. */
static inline bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132;
}

/* ethertype.c, tags.c, llc.c, arp.c: what stands above a link. False from print_ethertype: nobody knows the type. */
bool print_ethertype(struct line *line, uint16_t type, const uint8_t *p, uint32_t length);
bool print_ethernet(struct line *line, const uint8_t *p, uint32_t length);
bool print_llc(struct line *line, const uint8_t *p, uint32_t length);
bool print_stp(struct line *line, const uint8_t *p, uint32_t length);
bool print_arp(struct line *line, const uint8_t *p, uint32_t length);

/* Tags that stand before the type. *skip: its bytes, 0 for an unknown kind; from print_macsec 0: the line is over. */
bool print_arista(struct line *line, const uint8_t *p, uint32_t length, uint32_t frame_length, uint32_t *skip);
uint32_t print_macsec(struct line *line, const uint8_t *p, uint32_t *length);

/* ip.c, ip6.c */
bool print_ip4(struct line *line, const uint8_t *p, uint32_t length);
bool print_ip6(struct line *line, const uint8_t *p, uint32_t length);
bool print_ip_any(struct line *line, const uint8_t *p, uint32_t length);
bool print_protocol(struct line *line, const struct ip *ip, uint8_t protocol, const uint8_t *p, uint32_t length);

/* transport.c, icmp.c, icmp6.c, node.c */
bool print_tcp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length);
bool print_udp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length);
bool print_icmp4(struct line *line, const uint8_t *p, uint32_t length);
bool print_icmp6(struct line *line, const uint8_t *p, uint32_t length);
bool print_renumbering(struct line *line, const uint8_t *p);
bool print_node_information(struct line *line, const uint8_t *p, uint32_t length);

/* sctp.c, routing.c */
bool print_sctp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length);
bool print_ospf(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length);
bool print_pim(struct line *line, const uint8_t *p, uint32_t length);
bool print_vrrp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length);
bool print_eigrp(struct line *line, const uint8_t *p, uint32_t length);
bool print_dccp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length);
bool print_rsvp(struct line *line, const uint8_t *p, uint32_t length);
bool print_pgm(struct line *line, const struct ip *ip, const uint8_t *p);
bool print_slow(struct line *line, const uint8_t *p, uint32_t length);
bool print_eapol(struct line *line, const uint8_t *p);
bool print_lldp(struct line *line, const uint8_t *p, uint32_t length);

/* cisco.c, ipx.c */
/* False from print_cisco: nobody knows the protocol. */
bool print_cisco(struct line *line, uint16_t protocol, const uint8_t *p, uint32_t length);
bool print_ipx(struct line *line, const uint8_t *p);

/* isis.c: from the identifier on that names the protocol */
bool print_osi(struct line *line, const uint8_t *p, uint32_t length);

/* ptp.c, vendor.c, vehicle.c */
bool print_ptp(struct line *line, const uint8_t *p, uint32_t length);
bool print_aoe(struct line *line, const uint8_t *p, uint32_t length);
bool print_realtek(struct line *line, const uint8_t *p);
bool print_heartbeat(struct line *line, const uint8_t *p);
bool print_geonet(struct line *line, const uint8_t *p, uint32_t length);
bool print_calm_fast(struct line *line, const uint8_t *p, uint32_t length);

/* tunnel.c, ppp.c */
bool print_gre(struct line *line, const uint8_t *p, uint32_t length);
bool print_mpls(struct line *line, const uint8_t *p, uint32_t length);
bool print_ppp(struct line *line, const uint8_t *p, uint32_t length);
bool print_pppoe(struct line *line, const uint8_t *p, uint32_t length);

/* dump.c: hex and text, or hex alone, of at most what was captured. */
void print_dump(struct line *line, const uint8_t *p, size_t length);
void print_hex(struct line *line, const uint8_t *p, size_t length);
/* As print_hex(), each row after `before`, which begins a line. */
void print_hex_after(struct line *line, const char *before, const uint8_t *p, size_t length);

#endif
