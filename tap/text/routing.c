/* SPDX-License-Identifier: BSD-2-Clause */
/* Protocols beside the promised ones whose quiet line is short: of routers over IP, of neighbours over Ethernet. */
#include "inside.h"

enum { OSPF_MD5 = 2, OSPF_MD5_BYTES = 16, DCCP_HEADER = 12, DCCP_LONG_HEADER = 16, LLDP_SYSTEM_NAME = 5, PGM = 113 };

static void put_numbered(struct line *line, const char *name, const char *before, uint32_t value, const char *after)
{
	put_string(&line->to, name ? name : before);
	if (name)
		return;
	put_u32(&line->to, value);
	put_string(&line->to, after);
}

static void put_length(struct line *line, const char *before, uint32_t length)
{
	put_string(&line->to, before);
	put_u32(&line->to, length);
}

bool print_ospf(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length)
{
	static const struct named types[] = { { 1, "Hello" }, { 2, "Database Description" }, { 3, "LS-Request" },
					      { 4, "LS-Update" }, { 5, "LS-Ack" }, { 0, NULL } };
	const char *layer = ip->v6 ? "ospf3" : "ospf2";

	if (!ip->v6) {
		if (!has(line, p, 16))
			return cut(line, layer);
		/* The digest at the end does not count. */
		if (be16(p + 14) == OSPF_MD5) {
			length -= OSPF_MD5_BYTES;
			line->end -= OSPF_MD5_BYTES;
		}
	}
	if (!has(line, p, 2))
		return cut(line, layer);
	put_length(line, "OSPFv", p[0]);
	put_text(&line->to, ", ");
	put_numbered(line, name_of(types, p[1]), ip->v6 ? "unknown packet type (" : "unknown LS-type ", p[1],
		     ip->v6 ? ")" : "");
	put_length(line, ", length ", length);
	return true;
}

bool print_pim(struct line *line, const uint8_t *p, uint32_t length)
{
	static const char *const types[] = { "Hello", "Register", "Register Stop", "Join / Prune", "Bootstrap", "Assert",
		"Graft", "Graft Acknowledgement", "Candidate RP Advertisement", "Prune Refresh", "DF Election",
		"ECMP Redirect" };
	uint8_t type;

	if (!has(line, p, 1))
		return cut(line, "pim");
	type = p[0] & 15;
	put_length(line, "PIMv", p[0] >> 4);
	if (p[0] >> 4 == 2) {
		put_text(&line->to, ", ");
		put_string(&line->to, type < sizeof(types) / sizeof(types[0]) ? types[type] : "Unknown Type");
	}
	put_length(line, ", length ", length);
	return true;
}

bool print_vrrp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length)
{
	static const struct named kinds[] = { { 0, "none" }, { 1, "simple" }, { 2, "ah" }, { 0, NULL } };
	uint8_t version;

	put_text(&line->to, "VRRP");
	if (!has(line, p, 1))
		return cut(line, "vrrp");
	version = p[0] >> 4;
	put_length(line, "v", version);
	put_text(&line->to, ", ");
	put_numbered(line, (p[0] & 15) == 1 ? "Advertisement" : NULL, "unknown type (", p[0] & 15, ")");
	if (ip->ttl != 255) {
		put_length(line, ", (ttl ", ip->ttl);
		put_char(&line->to, ')');
	}
	if (version < 2 || version > 3 || (p[0] & 15) != 1)
		return true;
	if (!has(line, p, 3))
		return cut(line, "vrrp");
	put_length(line, ", vrid ", p[1]);
	put_length(line, ", prio ", p[2]);
	if (version == 2) {
		if (!has(line, p, 5))
			return cut(line, "vrrp");
		put_text(&line->to, ", authtype ");
		put_numbered(line, name_of(kinds, p[4]), "#", p[4], "");
	}
	if (!has(line, p, 6))
		return cut(line, "vrrp");
	put_length(line, ", intvl ", version == 2 ? p[5] : be16(p + 4) & 0xfff);
	put_string(&line->to, version == 2 ? "s" : "cs");
	put_length(line, ", length ", length);
	return true;
}

bool print_eigrp(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named types[] = { { 1, "Update" }, { 3, "Query" }, { 4, "Reply" }, { 5, "Hello" },
					      { 6, "IPX SAP" }, { 7, "Probe" }, { 0, NULL } };

	if (!has(line, p, 20))
		return cut(line, "eigrp");
	put_text(&line->to, "EIGRP ");
	if (p[0] != 2) {
		put_length(line, "version ", p[0]);
		put_text(&line->to, " packet not supported");
		return true;
	}
	put_numbered(line, name_of(types, p[1]), "unknown (", p[1], ")");
	put_length(line, ", length: ", length);
	return true;
}

bool print_dccp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length)
{
	uint32_t fixed, header;

	if (!has(line, p, DCCP_HEADER))
		return cut(line, "dccp");
	fixed = length >= DCCP_HEADER && p[8] & 1 ? DCCP_LONG_HEADER : DCCP_HEADER;
	if (length < fixed) {
		put_text(&line->to, "truncated-dccp - ");
		put_u32(&line->to, fixed - length);
		put_text(&line->to, " bytes missing!");
		return false;
	}
	if (!has(line, p, fixed))
		return cut(line, "dccp");
	put_ports(line, ip, p, ip->first);
	header = 4u * p[4];
	put_length(line, "DCCP ", length - header);
	if (header > length) {
		put_length(line, " [bad hdr length ", header);
		put_length(line, " - too long, > ", length);
		put_char(&line->to, ']');
	}
	return true;
}

/* Reservations. The length is what the message says of itself. */
bool print_rsvp(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named types[] = { { 1, "Path" }, { 2, "Resv" }, { 3, "PathErr" }, { 4, "ResvErr" },
		{ 5, "PathTear" }, { 6, "ResvTear" }, { 7, "ResvConf" }, { 12, "Bundle" }, { 13, "Acknowledgement" },
		{ 14, "Hello (Old)" }, { 15, "Refresh" }, { 20, "Hello" }, { 0, NULL } };

	if (!has(line, p, 8))
		return cut(line, "rsvp");
	if (p[0] >> 4 != 1) {
		put_length(line, "ERROR: RSVP version ", p[0] >> 4);
		put_text(&line->to, " packet not supported");
		return false;
	}
	put_text(&line->to, "RSVPv1 ");
	put_numbered(line, name_of(types, p[1]), "unknown (", p[1], ")");
	put_length(line, " Message, length: ", length);
	return true;
}

/* Reliable multicast: the addresses once more, with ports. */
bool print_pgm(struct line *line, const struct ip *ip, const uint8_t *p)
{
	if (!has(line, p, 4)) {
		put_addresses(line, ip);
		put_char(&line->to, ':');
		return cut(line, "pgm");
	}
	put_ports(line, ip, p, PGM);
	if (!has(line, p, 16))
		return cut(line, "pgm");
	put_length(line, "PGM, length ", be16(p + 14));
	return true;
}

/* Link aggregation, its markers, and operation of the link. */
bool print_slow(struct line *line, const uint8_t *p, uint32_t length)
{
	static const char *const names[] = { NULL, "LACP", "MARKER", "OAM" };
	uint8_t type;

	if (length < 1) {
		put_text(&line->to, " (packet is too short)");
		return false;
	}
	if (!has(line, p, 1))
		return cut(line, "slow");
	type = p[0];
	if (type == 1 || type == 2) {
		if (length < 2) {
			put_text(&line->to, " (packet is too short)");
			return false;
		}
		if (!has(line, p, 2))
			return cut(line, "slow");
		put_string(&line->to, names[type]);
		put_length(line, p[1] == 1 ? "v" : " version ", p[1]);
		if (p[1] != 1) {
			put_text(&line->to, " packet not supported");
			return true;
		}
	} else {
		put_numbered(line, type == 3 ? names[3] : NULL, "unknown (", type, ")");
	}
	put_length(line, ", length ", length);
	if (type == 0 || type > 3)
		print_hex(line, p, length);
	return true;
}

bool print_eapol(struct line *line, const uint8_t *p)
{
	static const char *const types[] = { "EAP packet", "EAPOL start", "EAPOL logoff", "EAPOL key",
					     "Encapsulated ASF alert" };

	if (!has(line, p, 4))
		return cut(line, "eap");
	put_string(&line->to, p[1] < sizeof(types) / sizeof(types[0]) ? types[p[1]] : "unknown");
	put_length(line, " (", p[1]);
	put_length(line, ") v", p[0]);
	put_length(line, ", len ", be16(p + 2));
	return true;
}

/* Of all that a neighbour says only its name is shown; the rest is walked, as far as it is there. */
bool print_lldp(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t type, size;

	put_length(line, "LLDP, length ", length);
	while (length >= 2) {
		if (!has(line, p, 2))
			return cut(line, "lldp");
		type = p[0] >> 1;
		size = be16(p) & 0x1ff;
		p += 2;
		length -= 2;
		if (!type || !size)
			break;
		if (!has(line, p, size) || length < size)
			return cut(line, "lldp");
		if (type == LLDP_SYSTEM_NAME) {
			put_text(&line->to, ": ");
			for (uint32_t i = 0; i < size && p[i]; i++)
				put_visible(&line->to, p[i]);
		}
		p += size;
		length -= size;
	}
	return true;
}
