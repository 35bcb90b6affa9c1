/* SPDX-License-Identifier: BSD-2-Clause */
/* 802.2: service access points, SNAP, and the spanning tree. */
#include "inside.h"

enum { SNAP = 0xaa, STP = 0x42, IP = 0x06, IPX = 0xe0, OSI = 0xfe, UI = 3, XID = 0xaf };
enum { STP_SHORTEST = 35, RSTP_SHORTEST = 36, MSTP_SHORTEST = 102, STP_CONFIG = 0, STP_RAPID = 2, STP_CHANGE = 0x80 };

static const struct named vendors[] = { { 0x000000, "Ethernet" }, { 0x00000c, "Cisco" }, { 0x00005e, "IANA" },
	{ 0x000081, "Nortel Networks SONMP" }, { 0x0000f8, "Cisco bridged" }, { 0x0080c2, "Ethernet bridged" },
	{ 0x00a03e, "ATM Forum" }, { 0x00e02f, "DOCSIS Spanning Tree" }, { 0x080007, "Appletalk" }, { 0x009069, "Juniper" },
	{ 0x080009, "Hewlett-Packard" }, { 0x00120f, "IEEE 802.3 Private" }, { 0x0012bb, "ANSI/TIA" }, { 0x001b21, "DCBX" },
	{ 0x002320, "Nicira Networks" }, { 0x5c16c7, "Big Switch Networks" }, { 0xb0d2f5, "Vello Systems" },
	{ 0x002481, "HP" }, { 0x0004ea, "HP-Labs" }, { 0x748771, "Infoblox Inc" }, { 0xa42305, "Open Networking Lab" },
	{ 0x00049f, "Freescale" }, { 0x0015ad, "Netronome" }, { 0x001018, "Broadcom" }, { 0x00e004, "PMC-Sierra" },
	{ 0xd0f0db, "Ericsson" }, { 0, NULL } };

static void put_frame_addresses(struct line *line)
{
	if (!line->source_mac)
		return;
	put_mac(&line->to, line->source_mac, 6);
	put_text(&line->to, " > ");
	put_mac(&line->to, line->target_mac, 6);
	put_char(&line->to, ' ');
}

static void put_flags(struct line *line, uint8_t flags)
{
	static const char *const names[] = { "Topology change", "Proposal", NULL, NULL, "Learn", "Forward", "Agreement",
					     "Topology change ACK" };
	bool any = false;

	for (unsigned i = 0; i < 8; i++) {
		if (!(flags >> i & 1) || !names[i])
			continue;
		if (any)
			put_text(&line->to, ", ");
		put_string(&line->to, names[i]);
		any = true;
	}
	if (!any)
		put_text(&line->to, "none");
}

static bool print_bridge(struct line *line, const uint8_t *p, uint32_t length)
{
	if (!has(line, p, 5))
		return cut(line, "stp");
	put_text(&line->to, ", Flags [");
	put_flags(line, p[4]);
	put_char(&line->to, ']');
	if (!has(line, p, 27))
		return cut(line, "stp");
	put_text(&line->to, ", bridge-id ");
	put_hex_padded(&line->to, be16(p + 17), 4);
	put_char(&line->to, '.');
	put_mac(&line->to, p + 19, 6);
	put_char(&line->to, '.');
	put_hex_padded(&line->to, be16(p + 25), 4);
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	return true;
}

/* The multiple and the shortest path versions: only their lengths are looked at. */
static bool print_tree(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t third, fourth;

	if (length < MSTP_SHORTEST)
		return invalid(line);
	if (!has(line, p, 36))
		return cut(line, "stp");
	if (p[35])
		return invalid(line);
	if (!has(line, p, 38))
		return cut(line, "stp");
	third = be16(p + 36) + 2u;
	if (length < RSTP_SHORTEST + third)
		return invalid(line);
	put_text(&line->to, ", CIST Flags [");
	put_flags(line, p[4]);
	put_text(&line->to, "], length ");
	put_u32(&line->to, length);
	if (p[2] != 4)
		return true;
	if (!has(line, p, 38 + third))
		return cut(line, "stp");
	fourth = be16(p + 36 + third) + 2u;
	return (length >= RSTP_SHORTEST + third + fourth && fourth >= 87) || invalid(line);
}

bool print_stp(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named versions[] = { { 0, "802.1d" }, { 2, "802.1w" }, { 3, "802.1s" }, { 4, "802.1aq" },
						 { 0, NULL } };
	static const struct named kinds[] = { { STP_CONFIG, "Config" }, { STP_RAPID, "Rapid STP" },
					      { STP_CHANGE, "Topology Change" }, { 0, NULL } };

	if (length < 4)
		return invalid(line);
	if (!has(line, p, 2))
		return cut(line, "stp");
	if (be16(p)) {
		put_text(&line->to, "unknown STP version, length ");
		put_u32(&line->to, length);
		return false;
	}
	if (!has(line, p, 3))
		return cut(line, "stp");
	put_text(&line->to, "STP ");
	put_name(&line->to, name_of(versions, p[2]), "Unknown STP protocol (0x", p[2], 2, ")");
	if (!name_of(versions, p[2]))
		return false;
	if (!has(line, p, 4))
		return cut(line, "stp");
	put_text(&line->to, ", ");
	put_name(&line->to, name_of(kinds, p[3]), "Unknown BPDU Type (0x", p[3], 2, ")");
	if (p[3] == STP_CONFIG)
		return length < STP_SHORTEST ? invalid(line) : print_bridge(line, p, length);
	if (p[3] != STP_RAPID || p[2] == 0)
		return true;
	if (p[2] == 2)
		return length < RSTP_SHORTEST ? invalid(line) : print_bridge(line, p, length);
	return print_tree(line, p, length);
}

static void put_access_point(struct line *line, uint8_t sap, const char *unknown)
{
	static const struct named saps[] = { { 0x00, "Null" }, { 0xff, "Global" }, { 0x02, "802.1B I" }, { 0x03, "802.1B G" },
		{ 0x06, "IP" }, { 0x04, "SNA" }, { 0x0e, "ProWay NM" }, { 0x42, "STP" }, { 0x4e, "RS511" }, { 0x7e, "ISO8208" },
		{ 0x8e, "ProWay" }, { 0xaa, "SNAP" }, { 0xe0, "IPX" }, { 0xf0, "NetBeui" }, { 0xfe, "OSI" }, { 0, NULL } };

	put_name(&line->to, name_of(saps, sap), unknown, sap, 2, "");
	put_char(&line->to, ' ');
}

static void put_access_points(struct line *line, uint8_t to, uint8_t from)
{
	if (from == to) {
		put_frame_addresses(line);
	} else {
		if (line->source_mac) {
			put_mac(&line->to, line->source_mac, 6);
			put_char(&line->to, ' ');
		}
		put_access_point(line, from, "Unknown SSAP 0x");
		put_text(&line->to, "> ");
		if (line->target_mac) {
			put_mac(&line->to, line->target_mac, 6);
			put_char(&line->to, ' ');
		}
	}
	put_access_point(line, to, "Unknown DSAP 0x");
}

static void put_frame_kind(struct line *line, const uint8_t *p)
{
	static const struct named commands[] = {
		{ UI, "ui" }, { 0xe3, "test" }, { XID, "xid" }, { 0x63, "ua" }, { 0x43, "disc" },
		{ 0x0f, "dm" }, { 0x6f, "sabme" }, { 0x87, "frmr" }, { 0, NULL } };
	static const char *const supervisory[] = { "Receiver Ready", "Receiver not Ready", "Reject", "?" };

	if ((p[2] & 3) == 3) {
		put_text(&line->to, "Unnumbered, ");
		put_name(&line->to, name_of(commands, p[2] & 0xef), "", p[2] & 0xef, 2, "");
		return;
	}
	if ((p[2] & 3) == 1) {
		put_text(&line->to, "Supervisory, ");
		put_string(&line->to, supervisory[p[2] >> 2 & 3]);
	} else {
		put_text(&line->to, "Information, send seq ");
		put_u32(&line->to, p[2] >> 1);
	}
	put_text(&line->to, ", rcv seq ");
	put_u32(&line->to, p[3] >> 1);
}

/* Frames whose access points nobody reads. */
static bool print_plain(struct line *line, const uint8_t *p, uint32_t length)
{
	static const char *const flags[] = { "Command", "Response", "Poll", "Final" };
	unsigned response = p[1] & 1, poll = (p[2] & 3) == 3 ? p[2] >> 4 & 1 : p[3] & 1;

	put_access_points(line, p[0] & 0xfe, p[1] & 0xfe);
	put_frame_kind(line, p);
	put_text(&line->to, ", Flags [");
	put_string(&line->to, flags[2 * poll + response]);
	put_text(&line->to, "], length ");
	put_u32(&line->to, length);
	if ((p[2] & 0xef) != XID || length == 3)
		return true;
	if (!has(line, p, 4))
		return cut(line, "llc");
	if (p[3] != 0x81)
		return true;
	if (!has(line, p, 6) || length < 6) {
		cut(line, "llc");
		print_dump(line, p + 3, captured(line, p + 3));
		return false;
	}
	put_text(&line->to, ": ");
	put_hex_padded(&line->to, p[4], 2);
	put_char(&line->to, ' ');
	put_hex_padded(&line->to, p[5], 2);
	return true;
}

static const char *name_of_protocol(uint32_t vendor, uint16_t protocol)
{
	static const struct named cisco[] = { { 0x2000, "CDP" }, { 0x2003, "VTP" }, { 0x2004, "DTP" }, { 0x0111, "UDLD" },
		{ 0x010b, "PVST" }, { 0x010c, "VLAN Bridge" }, { 0, NULL } };
	static const struct named bridged[] = { { 1, "Ethernet + FCS" }, { 7, "Ethernet w/o FCS" }, { 2, "802.4 + FCS" },
		{ 8, "802.4 w/o FCS" }, { 3, "Token Ring + FCS" }, { 9, "Token Ring w/o FCS" }, { 4, "FDDI + FCS" },
		{ 10, "FDDI w/o FCS" }, { 5, "802.6 + FCS" }, { 11, "802.6 w/o FCS" }, { 14, "BPDU" }, { 0, NULL } };
	const char *name;

	switch (vendor) {
	case 0x000000: case 0x0000f8: case 0x080007: name = name_of_type(protocol); break;
	case 0x00000c: name = name_of(cisco, protocol); break;
	case 0x0080c2: name = name_of(bridged, protocol); break;
	default: name = NULL; break;
	}
	return name ? name : "Unknown";
}

static void print_unknown_protocol(struct line *line, uint32_t vendor, uint16_t protocol, uint32_t length)
{
	const char *name = name_of(vendors, vendor);

	put_frame_addresses(line);
	put_text(&line->to, "SNAP, ");
	if (vendor) {
		put_text(&line->to, "oui ");
		put_string(&line->to, name ? name : "Unknown");
		put_text(&line->to, " (0x");
		put_hex_padded(&line->to, vendor, 6);
		put_text(&line->to, "), pid ");
	} else {
		put_text(&line->to, "ethertype ");
	}
	put_string(&line->to, name_of_protocol(vendor, protocol));
	put_text(&line->to, " (0x");
	put_hex_padded(&line->to, protocol, 4);
	put_text(&line->to, "), length ");
	put_u32(&line->to, length);
	put_text(&line->to, ": ");
}

static bool print_snap(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t vendor;
	uint16_t protocol;

	if (!has(line, p, 5) || length < 5)
		return cut(line, "snap");
	vendor = be32(p) >> 8;
	protocol = be16(p + 3);
	p += 5;
	length -= 5;
	if ((vendor == 0 || vendor == 0x0000f8) && print_ethertype(line, protocol, p, length))
		return true;
	if (vendor == 0x00000c && print_cisco(line, protocol, p, length))
		return true;
	if (vendor == 0x0080c2 && protocol == 14)
		return print_stp(line, p, length);
	if (vendor == 0x0080c2 && (protocol == 1 || protocol == 7)) {
		if (!has(line, p, 2))
			return cut(line, "snap");
		return print_ethernet(line, p + 2, length - 2);
	}
	print_unknown_protocol(line, vendor, protocol, length);
	return true;
}

bool print_llc(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t header = length >= 3 && has(line, p, 3) && (p[2] & 3) != 3 ? 4 : 3;

	if (length < header || !has(line, p, header)) {
		cut(line, "llc");
		print_dump(line, p, captured(line, p));
		return false;
	}
	/* IPX without 802.2 begins with a checksum that is never used. */
	if (p[0] == 0xff && p[1] == 0xff)
		return print_ipx(line, p);
	if (p[2] == UI && (p[0] & 0xfe) == (p[1] & 0xfe)) {
		switch (p[0] & 0xfe) {
		case SNAP: return print_snap(line, p + 3, length - 3);
		case STP: return print_stp(line, p + 3, length - 3);
		case IP: return print_ip4(line, p + 3, length - 3);
		case IPX: return print_ipx(line, p + 3);
		case OSI: return print_osi(line, p + 3, length - 3);
		default: break;
		}
	}
	return print_plain(line, p, length);
}
