/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet, VLAN tags, LLC and SNAP, ARP. */
#include "inside.h"

enum { IP4 = 0x0800, ARP = 0x0806, RARP = 0x8035, IP6 = 0x86dd, VLAN = 0x8100, QINQ = 0x88a8, QINQ_9100 = 0x9100,
       QINQ_9200 = 0x9200, LOOPBACK = 0x9000, MPLS = 0x8847, MPLS_MULTI = 0x8848, PPPOE_SESSION = 0x8864,
       PPPOE_DISCOVERY = 0x8863, LONGEST = 1500 };

static bool print_loopback(struct line *line, const uint8_t *p, uint32_t length)
{
	uint16_t skip, function;

	put_text(&line->to, "Loopback");
	if (length < 2)
		return put_text(&line->to, " (invalid)"), false;
	if (!has(line, p, 2))
		return cut(line, "loopback");
	skip = (uint16_t)(p[0] | p[1] << 8);
	put_text(&line->to, ", skipCount ");
	put_u32(&line->to, skip);
	if (skip % 8)
		put_text(&line->to, " (bogus)");
	if (skip > length - 2)
		return put_text(&line->to, " (invalid)"), false;
	p += 2 + skip;
	length -= 2u + skip;
	if (length < 2)
		return put_text(&line->to, " (invalid)"), false;
	if (!has(line, p, 2))
		return cut(line, "loopback");
	function = (uint16_t)(p[0] | p[1] << 8);
	p += 2;
	length -= 2;
	if (function == 1) {
		put_text(&line->to, ", Reply");
		if (length < 2)
			return put_text(&line->to, " (invalid)"), false;
		if (!has(line, p, 2))
			return cut(line, "loopback");
		put_text(&line->to, ", receipt number ");
		put_u32(&line->to, (uint32_t)(p[0] | p[1] << 8));
		length -= 2;
	} else if (function == 2) {
		put_text(&line->to, ", Forward Data");
		if (length < 6)
			return put_text(&line->to, " (invalid)"), false;
		if (!has(line, p, 6))
			return cut(line, "loopback");
		put_text(&line->to, ", forwarding address ");
		put_mac(&line->to, p, 6);
		if (p[0] & 1)
			put_text(&line->to, " (bogus)");
		length -= 6;
	} else {
		put_text(&line->to, ", Unknown");
	}
	put_text(&line->to, ", data (");
	put_u32(&line->to, length);
	put_text(&line->to, " octets)");
	return true;
}

static bool print_mpls(struct line *line, const uint8_t *p, uint32_t length)
{
	static const char *const reserved[] = { "IPv4 explicit NULL", "router alert", "IPv6 explicit NULL", "implicit NULL" };
	uint32_t shim, label;
	bool known;

	put_text(&line->to, "MPLS");
	do {
		if (!has(line, p, 4))
			return cut(line, "mpls");
		if (length < 4)
			return put_text(&line->to, "[|mpls]"), false;
		shim = be32(p);
		label = shim >> 12;
		put_text(&line->to, " (label ");
		put_u32(&line->to, label);
		if (label < 4) {
			put_text(&line->to, " (");
			put_string(&line->to, reserved[label]);
			put_char(&line->to, ')');
		}
		put_text(&line->to, ", exp ");
		put_u32(&line->to, shim >> 9 & 7);
		if (shim >> 8 & 1)
			put_text(&line->to, ", [S]");
		put_text(&line->to, ", ttl ");
		put_u32(&line->to, shim & 255);
		put_char(&line->to, ')');
		p += 4;
		length -= 4;
	} while (!(shim >> 8 & 1));
	/* What is inside is told by a reserved label, otherwise guessed from the first byte. */
	if (label == 0 || label == 2)
		put_text(&line->to, " ");
	if (label == 0)
		return print_ethertype(line, IP4, p, length, &known);
	if (label == 2)
		return print_ethertype(line, IP6, p, length, &known);
	if (label == 1 || label == 3 || !has(line, p, 1))
		return true;
	if (p[0] >= 0x45 && p[0] <= 0x4f)
		return put_char(&line->to, ' '), print_ip4(line, p, length);
	if (p[0] >= 0x60 && p[0] <= 0x6f)
		return put_char(&line->to, ' '), print_ip6(line, p, length);
	return true;
}

static bool print_pppoe(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named codes[] = { { 0x09, "PADI" }, { 0x07, "PADO" }, { 0x19, "PADR" }, { 0x65, "PADS" },
					      { 0xa7, "PADT" }, { 0, "" }, { 0, NULL } };
	uint16_t session, protocol;
	const char *code;

	if (!has(line, p, 6))
		return cut(line, "pppoe");
	put_text(&line->to, "PPPoE ");
	if (p[0] >> 4 != 1) {
		put_text(&line->to, " [ver ");
		put_u32(&line->to, p[0] >> 4);
		put_char(&line->to, ']');
	}
	if ((p[0] & 15) != 1) {
		put_text(&line->to, " [type ");
		put_u32(&line->to, p[0] & 15);
		put_char(&line->to, ']');
	}
	code = name_of(codes, p[1]);
	session = be16(p + 2);
	put_string(&line->to, code ? code : "Unknown");
	if (!code) {
		put_text(&line->to, " (0x");
		put_hex(&line->to, p[1]);
		put_char(&line->to, ')');
	}
	if (p[1])
		return false;
	put_text(&line->to, " [ses 0x");
	put_hex(&line->to, session);
	put_text(&line->to, "] ");
	if (length < 8 || !has(line, p, 8))
		return cut(line, "pppoe");
	protocol = be16(p + 6);
	if (protocol == 0x21)
		return print_ip4(line, p + 8, length - 8);
	if (protocol == 0x57)
		return print_ip6(line, p + 8, length - 8);
	return false;
}

/* *known is false when the type is nobody's; nothing was printed then. */
bool print_ethertype(struct line *line, uint16_t type, const uint8_t *p, uint32_t length, bool *known)
{
	*known = true;
	switch (type) {
	case IP4: return print_ip4(line, p, length);
	case IP6: return print_ip6(line, p, length);
	case ARP: case RARP: return print_arp(line, p, length);
	case LOOPBACK: return print_loopback(line, p, length);
	case MPLS: case MPLS_MULTI: return print_mpls(line, p, length);
	case PPPOE_DISCOVERY: case PPPOE_SESSION: return print_pppoe(line, p, length);
	default: *known = false; return true;
	}
}

static void print_unknown_type(struct line *line, uint16_t type, uint32_t length)
{
	static const struct named types[] = { { 0x88cc, "LLDP" }, { 0x888e, "EAPOL" }, { 0x8809, "Slow Protocols" },
		{ 0x88f7, "PTP" }, { 0x8899, "Realtek" }, { 0x8902, "CFM" }, { 0x88a2, "AoE" }, { 0x6000, "Unknown" },
		{ 0x6003, "DN" }, { 0x6004, "LAT" }, { 0x6001, "MOP DL" }, { 0x6002, "MOP RC" }, { 0x6007, "SCA" },
		{ 0x893a, "IEEE1905.1" }, { 0, NULL } };
	const char *name = name_of(types, type);

	put_mac(&line->to, line->source_mac, 6);
	put_text(&line->to, " > ");
	put_mac(&line->to, line->target_mac, 6);
	put_text(&line->to, " ");
	put_string(&line->to, name ? name : "Unknown");
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	put_text(&line->to, ": ");
}

bool print_ethernet(struct line *line, const uint8_t *p, uint32_t length)
{
	const uint8_t *start = p;
	uint32_t whole = length;
	bool known, good;
	uint16_t type;

	if (!has(line, p, 14))
		return cut(line, "ether");
	line->target_mac = start;
	line->source_mac = start + 6;
	type = be16(p + 12);
	p += 14;
	length -= 14;
	while (type == VLAN || type == QINQ || type == QINQ_9100 || type == QINQ_9200) {
		if (!has(line, p, 4) || length < 4)
			return cut(line, "vlan");
		type = be16(p + 2);
		p += 4;
		length -= 4;
	}
	if (type <= LONGEST) {
		if (type < length)
			length = type;
		if ((size_t)(line->end - p) > length)
			line->end = p + length;
		return print_llc(line, p, length);
	}
	good = print_ethertype(line, type, p, length, &known);
	if (known)
		return good;
	print_unknown_type(line, type, whole);
	print_dump(line, p, length);
	return false;
}

static bool print_stp(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named versions[] = { { 0, "802.1d" }, { 2, "802.1w" }, { 3, "802.1s" }, { 4, "802.1aq" }, { 0, NULL } };
	static const struct named kinds[] = { { 0, "Config" }, { 2, "Rapid STP" }, { 0x80, "Topology Change" }, { 0, NULL } };
	static const char *const flags[] = { "Topology change", "Proposal", "", "", "Learn", "Forward", "Agreement",
					     "Topology change ACK" };
	const char *version, *kind;
	bool any = false;

	if (length < 4)
		return put_text(&line->to, " (invalid)"), false;
	if (!has(line, p, 4))
		return cut(line, "stp");
	if (be16(p)) {
		put_text(&line->to, "unknown STP version, length ");
		put_u32(&line->to, length);
		return false;
	}
	version = name_of(versions, p[2]);
	kind = name_of(kinds, p[3]);
	put_text(&line->to, "STP ");
	put_string(&line->to, version ? version : "Unknown STP protocol");
	if (!version)
		return false;
	put_text(&line->to, ", ");
	put_string(&line->to, kind ? kind : "Unknown BPDU Type");
	if (!kind || p[3] == 0x80)
		return kind != NULL;
	if (length < 35)
		return put_text(&line->to, " (invalid)"), false;
	if (!has(line, p, 27))
		return cut(line, "stp");
	put_string(&line->to, p[2] >= 3 && p[3] == 2 ? ", CIST Flags [" : ", Flags [");
	for (unsigned i = 0; i < 8; i++)
		if (p[4] >> i & 1 && *flags[i]) {
			if (any)
				put_text(&line->to, ", ");
			put_string(&line->to, flags[i]);
			any = true;
		}
	if (!any)
		put_text(&line->to, "none");
	if (p[2] >= 3 && p[3] == 2) {
		put_char(&line->to, ']');
	} else {
		put_text(&line->to, "], bridge-id ");
		put_hex_padded(&line->to, be16(p + 17), 4);
		put_char(&line->to, '.');
		put_mac(&line->to, p + 19, 6);
		put_char(&line->to, '.');
		put_hex_padded(&line->to, be16(p + 25), 4);
	}
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	return true;
}

static void print_sap(struct line *line, uint8_t sap, const char *unknown)
{
	static const struct named saps[] = { { 0x00, "Null" }, { 0xff, "Global" }, { 0x42, "STP" }, { 0xaa, "SNAP" },
		{ 0xe0, "IPX" }, { 0xf0, "NetBeui" }, { 0xfe, "ISO NS" }, { 0x04, "SNA Path Control" }, { 0x06, "IP" },
		{ 0xf8, "IBM RPL" }, { 0x8e, "ProWay NM Init" }, { 0x4e, "EIA-RS 511" }, { 0xbc, "Banyan Vines IP" }, { 0, NULL } };
	const char *name = name_of(saps, sap);

	put_string(&line->to, name ? name : unknown);
	if (!name)
		put_hex_padded(&line->to, sap, 2);
	put_char(&line->to, ' ');
}

/* The frame's kind, where its service access points say nothing that is read here. */
static void print_llc_kind(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named commands[] = { { 0x03, "ui" }, { 0xe3, "test" }, { 0xaf, "xid" }, { 0x43, "disc" },
		{ 0x63, "ua" }, { 0x6f, "sabme" }, { 0x87, "frmr" }, { 0x0f, "dm" }, { 0, NULL } };
	static const char *const flags[] = { "Command", "Response", "Poll", "Final" };
	bool unnumbered = (p[2] & 3) == 3;
	const char *command = name_of(commands, p[2] & 0xef);
	unsigned response = p[1] & 1, poll = unnumbered ? p[2] >> 4 & 1 : p[3] & 1;

	if (unnumbered) {
		put_text(&line->to, "Unnumbered, ");
		put_string(&line->to, command ? command : "");
		if (!command)
			put_hex_padded(&line->to, p[2] & 0xef, 2);
	} else if ((p[2] & 3) == 1) {
		static const char *const supervisory[] = { "Receiver Ready", "Receiver not Ready", "Reject", "?" };

		put_text(&line->to, "Supervisory, ");
		put_string(&line->to, supervisory[p[2] >> 2 & 3]);
		put_text(&line->to, ", rcv seq ");
		put_u32(&line->to, p[3] >> 1);
	} else {
		put_text(&line->to, "Information, send seq ");
		put_u32(&line->to, p[2] >> 1);
		put_text(&line->to, ", rcv seq ");
		put_u32(&line->to, p[3] >> 1);
	}
	put_text(&line->to, ", Flags [");
	put_string(&line->to, flags[poll ? 2 + response : response]);
	put_text(&line->to, "], length ");
	put_u32(&line->to, length);
}

bool print_llc(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t header;
	uint8_t to, from;

	if (length < 3 || !has(line, p, 3)) {
		cut(line, "llc");
		print_dump(line, p, length);
		return false;
	}
	header = (p[2] & 3) == 3 ? 3 : 4;
	if (length < header || !has(line, p, header)) {
		cut(line, "llc");
		print_dump(line, p, length);
		return false;
	}
	to = p[0] & 0xfe;
	from = p[1] & 0xfe;
	if (to == 0xaa && from == 0xaa && p[2] == 3) {
		bool known;

		if (length < 8 || !has(line, p, 8))
			return cut(line, "snap");
		if (be32(p + 3) >> 8 == 0 && print_ethertype(line, be16(p + 6), p + 8, length - 8, &known) && known)
			return true;
	}
	if (to == 0x42 && from == 0x42 && p[2] == 3)
		return print_stp(line, p + 3, length - 3);
	if (to == 0x06 && from == 0x06 && p[2] == 3)
		return print_ip4(line, p + 3, length - 3);
	if (line->source_mac && from != to) {
		put_mac(&line->to, line->source_mac, 6);
		put_char(&line->to, ' ');
	}
	if (from != to) {
		print_sap(line, from, "Unknown SSAP 0x");
		put_text(&line->to, "> ");
		if (line->target_mac) {
			put_mac(&line->to, line->target_mac, 6);
			put_char(&line->to, ' ');
		}
	} else if (line->source_mac) {
		put_mac(&line->to, line->source_mac, 6);
		put_text(&line->to, " > ");
		put_mac(&line->to, line->target_mac, 6);
		put_char(&line->to, ' ');
	}
	print_sap(line, to, "Unknown DSAP 0x");
	print_llc_kind(line, p, length);
	if ((p[2] & 3) == 1)
		return true;
	if ((p[2] & 0xef) == 0xaf && length > 3 && has(line, p, 6) && p[3] == 0x81) {
		put_text(&line->to, ": ");
		put_hex_padded(&line->to, p[4], 2);
		put_char(&line->to, ' ');
		put_hex_padded(&line->to, p[5], 2);
		return true;
	}
	if ((p[2] & 0xef) == 0xaf && length == 3)
		return true;
	print_dump(line, p + header, length - header);
	return true;
}

static void put_protocol_address(struct line *line, const uint8_t *p, uint16_t protocol)
{
	if (protocol != IP4 && protocol != 0x1000)
		put_text(&line->to, "<wrong proto type>");
	else
		put_ip4(&line->to, p);
}

bool print_arp(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named operations[] = { { 1, "Request" }, { 2, "Reply" }, { 3, "Reverse Request" },
		{ 4, "Reverse Reply" }, { 8, "Inverse Request" }, { 9, "Inverse Reply" }, { 10, "NACK Reply" }, { 0, NULL } };
	static const struct named hardware[] = { { 1, "Ethernet" }, { 6, "TokenRing" }, { 7, "ArcNet" }, { 15, "FrameRelay" },
		{ 17, "Strip" }, { 24, "IEEE 1394" }, { 19, "ATM" }, { 0, NULL } };
	uint16_t protocol, operation;
	const uint8_t *source, *target;
	const char *name;
	bool any = false;

	if (!has(line, p, 8))
		return cut(line, "arp");
	protocol = be16(p + 2);
	operation = be16(p + 6);
	source = p + 8;
	target = source + p[4] + p[5];
	if (!has(line, p, 8 + 2u * p[4] + 2u * p[5]))
		return cut(line, "arp");
	put_text(&line->to, "ARP, ");
	if ((protocol != IP4 && protocol != 0x1000) || p[5] != 4 || p[4] == 0) {
		name = name_of(hardware, be16(p));
		put_string(&line->to, name ? name : "Unknown Hardware (");
		if (!name) {
			put_u32(&line->to, be16(p));
			put_char(&line->to, ')');
		}
		put_text(&line->to, " (len ");
		put_u32(&line->to, p[4]);
		put_text(&line->to, "), ");
		if (protocol == IP4) {
			put_text(&line->to, "IPv4");
		} else if (protocol == QINQ_9200) {
			put_text(&line->to, "802.1Q-9200");
		} else {
			put_text(&line->to, "Unknown Protocol (0x");
			put_hex_padded(&line->to, protocol, 4);
			put_char(&line->to, ')');
		}
		put_text(&line->to, " (len ");
		put_u32(&line->to, p[5]);
		put_text(&line->to, "), length ");
		put_u32(&line->to, length);
		return true;
	}
	name = name_of(operations, operation);
	put_string(&line->to, name ? name : "Unknown (");
	if (!name) {
		put_u32(&line->to, operation);
		put_char(&line->to, ')');
	}
	put_char(&line->to, ' ');
	switch (operation) {
	case 1:
		put_text(&line->to, "who-has ");
		put_protocol_address(line, target + p[4], protocol);
		for (unsigned i = 0; i < p[4]; i++)
			any |= target[i] != 0;
		if (any) {
			put_text(&line->to, " (");
			put_mac(&line->to, target, p[4]);
			put_char(&line->to, ')');
		}
		put_text(&line->to, " tell ");
		put_protocol_address(line, source + p[4], protocol);
		break;
	case 2:
		put_protocol_address(line, source + p[4], protocol);
		put_text(&line->to, " is-at ");
		put_mac(&line->to, source, p[4]);
		break;
	case 3: case 8:
		put_text(&line->to, "who-is ");
		put_mac(&line->to, target, p[4]);
		put_text(&line->to, " tell ");
		put_mac(&line->to, source, p[4]);
		break;
	case 4:
		put_mac(&line->to, target, p[4]);
		put_text(&line->to, " at ");
		put_protocol_address(line, target + p[4], protocol);
		break;
	case 9:
		put_mac(&line->to, source, p[4]);
		put_text(&line->to, " at ");
		put_protocol_address(line, source + p[4], protocol);
		break;
	default:
		print_dump(line, p, length);
		return false;
	}
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	return true;
}
