/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet with its tags, and what an Ethernet type leads to. */
#include "inside.h"

enum { IP4 = 0x0800, ARP = 0x0806, RARP = 0x8035, IP6 = 0x86dd, VLAN = 0x8100, QINQ = 0x88a8, QINQ_9100 = 0x9100,
       QINQ_9200 = 0x9200, MACSEC = 0x88e5, JUMBO = 0x8870, ARISTA = 0xd28b, LOOPBACK = 0x9000, MPLS = 0x8847,
       MPLS_MULTI = 0x8848, PPPOE_SESSION = 0x8864, PPPOE_DISCOVERY = 0x8863, PPPOE_SESSION_OLD = 0x3c13,
       PPPOE_DISCOVERY_OLD = 0x3c12, SLOW = 0x8809, EAPOL = 0x888e, LLDP = 0x88cc, PTP = 0x88f7, AOE = 0x88a2,
       REALTEK = 0x8899, HEARTBEAT = 0x886f, GEONET = 0x8947, GEONET_OLD = 0x0707, CALM_FAST = 0x1111, OSI = 0xfefe,
       IPX = 0x8137, PPP = 0x880b, LONGEST = 1500, HEADER = 14 };

const char *name_of_type(uint16_t ethertype)
{
	static const struct named types[] = { { 0x0800, "IPv4" }, { 0x8847, "MPLS unicast" }, { 0x8848, "MPLS multicast" },
		{ 0x86dd, "IPv6" }, { 0x8100, "802.1Q" }, { 0x9100, "802.1Q-9100" }, { 0x88a8, "802.1Q-QinQ" },
		{ 0x9200, "802.1Q-9200" }, { 0x88e5, "802.1AE MACsec" }, { 0x0200, "PUP" }, { 0x0806, "ARP" },
		{ 0x8035, "Reverse ARP" }, { 0x0600, "NS" }, { 0x0500, "Sprite" }, { 0x1000, "Trail" }, { 0x6001, "MOP DL" },
		{ 0x6002, "MOP RC" }, { 0x6003, "DN" }, { 0x6004, "LAT" }, { 0x6007, "SCA" }, { 0x6558, "TEB" },
		{ 0x8038, "Lanbridge" }, { 0x803c, "DEC DNS" }, { 0x803e, "DEC DTS" }, { 0x805b, "VEXP" }, { 0x805c, "VPROD" },
		{ 0x809b, "Appletalk" }, { 0x80f3, "Appletalk ARP" }, { 0x8137, "IPX" }, { 0x880b, "PPP" }, { 0x8808, "MPCP" },
		{ 0x8809, "Slow Protocols" }, { 0x8863, "PPPoE D" }, { 0x8864, "PPPoE S" }, { 0x888e, "EAPOL" },
		{ 0x8899, "Realtek protocols" }, { 0x886f, "MS NLB heartbeat" }, { 0x8870, "Jumbo" }, { 0x894f, "NSH" },
		{ 0x9000, "Loopback" }, { 0xfefe, "OSI" }, { 0x00fe, "GRE-OSI" }, { 0xabcd, "CFM (old)" }, { 0x8902, "CFM" },
		{ 0x893a, "IEEE1905.1" }, { 0x88cc, "LLDP" }, { 0x88ca, "TIPC" }, { 0x0707, "GeoNet (old)" },
		{ 0x8947, "GeoNet" }, { 0x1111, "CALM FAST" }, { 0x88a2, "AoE" }, { 0x88f7, "PTP" },
		{ 0xd28b, "Arista Vendor Specific Protocol" }, { 0, NULL } };

	return name_of(types, ethertype);
}

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

/* What the configuration test protocol leaves unread has to be there, or the line says that it is not. */
static bool need_rest(struct line *line, const uint8_t *p, uint32_t length)
{
	return has(line, p, length) || cut(line, "loopback");
}

static bool print_loopback_message(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t bytes;

	if (length < 2)
		return invalid(line), need_rest(line, p, length);
	if (!has(line, p, 2))
		return cut(line, "loopback");
	put_name(&line->to, le16(p) == 1 ? ", Reply" : le16(p) == 2 ? ", Forward Data" : NULL, ",  invalid (", 0, 0, "");
	if (le16(p) != 1 && le16(p) != 2) {
		put_u32(&line->to, le16(p));
		put_char(&line->to, ')');
		return need_rest(line, p + 2, length - 2);
	}
	bytes = le16(p) == 1 ? 2 : 6;
	if (length - 2 < bytes)
		return invalid(line), need_rest(line, p + 2, length - 2);
	if (!has(line, p + 2, bytes))
		return cut(line, "loopback");
	if (bytes == 2) {
		put_text(&line->to, ", receipt number ");
		put_u32(&line->to, le16(p + 2));
	} else {
		put_text(&line->to, ", forwarding address ");
		put_mac(&line->to, p + 2, 6);
	}
	put_text(&line->to, ", data (");
	put_u32(&line->to, length - 2 - bytes);
	put_text(&line->to, " octets)");
	return need_rest(line, p + 2 + bytes, length - 2 - bytes);
}

static bool print_loopback(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t skip;

	put_text(&line->to, "Loopback");
	if (length < 2)
		return invalid(line), need_rest(line, p, length);
	if (!has(line, p, 2))
		return cut(line, "loopback");
	skip = le16(p);
	put_text(&line->to, ", skipCount ");
	put_u32(&line->to, skip);
	if (skip % 8)
		put_text(&line->to, " (bogus)");
	if (skip > length - 2)
		return invalid(line), need_rest(line, p + 2, length - 2);
	if (!has(line, p + 2, skip))
		return cut(line, "loopback");
	return print_loopback_message(line, p + 2 + skip, length - 2 - skip);
}

bool print_ethertype(struct line *line, uint16_t type, const uint8_t *p, uint32_t length)
{
	switch (type) {
	case IP4: print_ip4(line, p, length); return true;
	case IP6: print_ip6(line, p, length); return true;
	case ARP: case RARP: print_arp(line, p, length); return true;
	case LOOPBACK: print_loopback(line, p, length); return true;
	case MPLS: case MPLS_MULTI: print_mpls(line, p, length); return true;
	case PPPOE_DISCOVERY: case PPPOE_SESSION: case PPPOE_DISCOVERY_OLD: case PPPOE_SESSION_OLD:
		print_pppoe(line, p, length);
		return true;
	case SLOW: print_slow(line, p, length); return true;
	case EAPOL: print_eapol(line, p); return true;
	case LLDP: print_lldp(line, p, length); return true;
	case PTP: print_ptp(line, p, length); return true;
	case PPP:
		if (length)
			put_text(&line->to, ": "), print_ppp(line, p, length);
		return true;
	case OSI:
		/* A byte of padding stands in front. */
		if (length < 1 || !has(line, p, 1))
			cut(line, "isoclns");
		else
			print_osi(line, p + 1, length - 1);
		return true;
	case IPX: put_text(&line->to, "(NOV-ETHII) "), print_ipx(line, p); return true;
	case AOE: print_aoe(line, p, length); return true;
	case REALTEK: print_realtek(line, p); return true;
	case HEARTBEAT: print_heartbeat(line, p); return true;
	case GEONET: case GEONET_OLD: print_geonet(line, p, length); return true;
	case CALM_FAST: print_calm_fast(line, p, length); return true;
	default: return false;
	}
}

static void print_unknown_type(struct line *line, uint16_t type, uint32_t length)
{
	put_mac(&line->to, line->source_mac, 6);
	put_text(&line->to, " > ");
	put_mac(&line->to, line->target_mac, 6);
	put_text(&line->to, ", ");
	put_name(&line->to, name_of_type(type), "Unknown Ethertype (0x", type, 4, ")");
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	put_text(&line->to, ": ");
}

static bool is_vlan(uint16_t type)
{
	return type == VLAN || type == QINQ || type == QINQ_9100 || type == QINQ_9200;
}

/* The tags and the type from `p` on. A switch's tag may be followed by others; each takes bytes of the frame. */
static bool print_tagged(struct line *line, const uint8_t *p, uint32_t length, uint32_t frame_length)
{
	const char *layer = "ether";
	uint32_t skip;
	uint16_t type;

	for (;;) {
		if (!has(line, p, 2))
			return cut(line, layer);
		type = be16(p);
		p += 2;
		length -= 2;
		if (type == MACSEC) {
			skip = print_macsec(line, p, &length);
			if (!skip)
				return false;
			p += skip;
			if (!has(line, p, 2))
				return cut(line, "ether");
			type = be16(p);
			p += 2;
			length -= 2;
		}
		for (; is_vlan(type); length -= 4) {
			if (!has(line, p, 4) || length < 4)
				return cut(line, "vlan");
			type = be16(p + 2);
			p += 4;
		}
		if (type != ARISTA)
			break;
		if (!print_arista(line, p, length, frame_length, &skip))
			return false;
		if (!skip)
			break;
		p += skip;
		length -= skip;
		layer = "arista";
	}
	if (type <= LONGEST) {
		if (type < length)
			length = type;
		limit(line, p, length);
		return print_llc(line, p, length);
	}
	if (type == JUMBO)
		return print_llc(line, p, length);
	if (!print_ethertype(line, type, p, length))
		print_unknown_type(line, type, frame_length);
	return true;
}

bool print_ethernet(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < captured(line, p)) {
		put_text(&line->to, "[length ");
		put_u32(&line->to, length);
		put_text(&line->to, " < caplen ");
		put_u64(&line->to, captured(line, p));
		put_char(&line->to, ']');
		return invalid(line);
	}
	if (!has(line, p, HEADER))
		return cut(line, "ether");
	line->target_mac = p;
	line->source_mac = p + 6;
	/* The one way for most packets. */
	if (p[12] == 0x08 && p[13] == 0x00)
		return print_ip4(line, p + HEADER, length - HEADER);
	return print_tagged(line, p + 12, length - 12, length);
}
