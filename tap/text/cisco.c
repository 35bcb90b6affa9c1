/* SPDX-License-Identifier: BSD-2-Clause */
/* What Cisco's switches say to their neighbours: CDP, UDLD, VTP, DTP, and their spanning trees. */
#include "inside.h"

enum { CDP = 0x2000, UDLD = 0x0111, VTP = 0x2003, DTP = 0x2004, PVST = 0x010b, BRIDGE = 0x010c, DEVICE_ID = 1,
       CDP_FIELD = 4, VTP_SHORTEST = 36 };

static bool put_length(struct line *line, uint32_t length)
{
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	return true;
}

/* " (what N < M)", and whether the rest was captured at all. */
static bool bad_length(struct line *line, const uint8_t *p, const char *what, uint32_t is, char relation, uint32_t than)
{
	uint32_t rest = relation == '<' ? is : than;

	put_text(&line->to, " (");
	put_string(&line->to, what);
	put_text(&line->to, " length ");
	put_u32(&line->to, is);
	put_char(&line->to, ' ');
	put_char(&line->to, relation);
	put_char(&line->to, ' ');
	put_u32(&line->to, than);
	put_char(&line->to, ')');
	invalid(line);
	return has(line, p, rest) || cut(line, "cdp");
}

/* Its name, and how long it may be; most is 0: as long as it likes. */
struct kind {
	const char *name;
	uint8_t least, most;
};

static const struct kind *find_kind(uint16_t type)
{
	static const struct kind kinds[] = {
		[0x01] = { "Device-ID", 0, 0 }, [0x02] = { "Address", 0, 0 }, [0x03] = { "Port-ID", 0, 0 },
		[0x04] = { "Capability", 4, 4 }, [0x05] = { "Version String", 0, 0 }, [0x06] = { "Platform", 0, 0 },
		[0x07] = { "Prefixes", 0, 0 }, [0x08] = { "Protocol-Hello option", 0, 0 },
		[0x09] = { "VTP Management Domain", 0, 0 }, [0x0a] = { "Native VLAN ID", 2, 2 },
		[0x0b] = { "Duplex", 1, 1 }, [0x0e] = { "ATA-186 VoIP VLAN assignment", 3, 3 },
		[0x0f] = { "ATA-186 VoIP VLAN request", 2, 3 }, [0x10] = { "power consumption", 1, 3 },
		[0x11] = { "MTU", 4, 4 }, [0x12] = { "AVVID trust bitmap", 1, 1 },
		[0x13] = { "AVVID untrusted ports CoS", 1, 1 }, [0x14] = { "System Name", 0, 0 },
		[0x15] = { "System Object ID (not decoded)", 0, 0 }, [0x16] = { "Management Addresses", 4, 0 },
		[0x17] = { "Physical Location", 1, 0 } };
	static const struct kind unknown = { "unknown field type", 0, 0 };

	return type < sizeof(kinds) / sizeof(kinds[0]) && kinds[type].name ? &kinds[type] : &unknown;
}

static bool print_device(struct line *line, const uint8_t *p, uint32_t length)
{
	put_text(&line->to, ", Device-ID '");
	for (uint32_t i = 0; i < length; i++) {
		if (!has(line, p + i, 1))
			return cut(line, "cdp");
		put_visible(&line->to, p[i]);
	}
	put_char(&line->to, '\'');
	return true;
}

/* A field of `size` bytes, its header among them: only the device is named, the others are dumped. */
static bool print_field(struct line *line, const uint8_t *p, uint32_t size)
{
	const struct kind *kind = find_kind(be16(p));

	if (be16(p) == DEVICE_ID)
		return print_device(line, p + CDP_FIELD, size - CDP_FIELD);
	if (size - CDP_FIELD < kind->least || (kind->most && size - CDP_FIELD > kind->most))
		put_text(&line->to, " (malformed TLV)");
	if (!has(line, p, size))
		return cut(line, "cdp");
	print_hex_after(line, "\n\t  ", p + CDP_FIELD, size - CDP_FIELD);
	return true;
}

static bool print_cdp(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t left = length, size;

	if (length < 4)
		return bad_length(line, p, "packet", length, '<', 4);
	if (!has(line, p, 2))
		return cut(line, "cdp");
	put_text(&line->to, "CDPv");
	put_u32(&line->to, p[0]);
	put_text(&line->to, ", ttl: ");
	put_u32(&line->to, p[1]);
	put_char(&line->to, 's');
	if (!has(line, p, 4))
		return cut(line, "cdp");
	for (p += 4, left -= 4; left; p += size, left -= size) {
		if (left < CDP_FIELD)
			return bad_length(line, p, "remaining packet", left, '<', CDP_FIELD);
		if (!has(line, p, CDP_FIELD))
			return cut(line, "cdp");
		size = be16(p + 2);
		if (size < CDP_FIELD) {
			put_text(&line->to, ", ");
			put_string(&line->to, find_kind(be16(p))->name);
			put_text(&line->to, " TLV length ");
			put_u32(&line->to, size);
			put_text(&line->to, " too short");
			return invalid(line), has(line, p, left) || cut(line, "cdp");
		}
		if (size > left)
			return bad_length(line, p, "TLV", size, '>', left);
		if (!print_field(line, p, size))
			return false;
	}
	return put_length(line, length);
}

static bool print_udld(struct line *line, const uint8_t *p, uint32_t length)
{
	static const char *const codes[] = { "Reserved", "Probe message", "Echo message", "Flush message" };
	static const struct named flags[] = { { 1, "RT" }, { 2, "RSY" }, { 4, "MBZ-2" }, { 8, "MBZ-3" },
		{ 16, "MBZ-4" }, { 32, "MBZ-5" }, { 64, "MBZ-6" }, { 128, "MBZ-7" }, { 0, NULL } };
	unsigned code;

	if (length < 4)
		return invalid(line), has(line, p, length) || cut(line, "udld");
	if (!has(line, p, 2))
		return cut(line, "udld");
	code = p[0] & 31;
	put_text(&line->to, "UDLDv");
	put_u32(&line->to, p[0] >> 5);
	put_text(&line->to, ", Code ");
	put_string(&line->to, codes[code < 4 ? code : 0]);
	put_text(&line->to, " (");
	put_hex(&line->to, code);
	put_text(&line->to, "), Flags [");
	put_bits(line, flags, p[1]);
	put_text(&line->to, "] (0x");
	put_hex_padded(&line->to, p[1], 2);
	put_char(&line->to, ')');
	put_length(line, length);
	return has(line, p, length) || cut(line, "udld");
}

static bool print_vtp(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named kinds[] = { { 1, "Summary advertisement" }, { 2, "Subset advertisement" },
					      { 3, "Advertisement request" }, { 4, "Join message" }, { 0, NULL } };
	const char *name;

	if (length < VTP_SHORTEST)
		return invalid(line), has(line, p, length) || cut(line, "vtp");
	if (!has(line, p, VTP_SHORTEST))
		return cut(line, "vtp");
	name = name_of(kinds, p[1]);
	put_text(&line->to, "VTPv");
	put_u32(&line->to, p[0]);
	put_text(&line->to, ", Message ");
	put_string(&line->to, name ? name : "Unknown message type");
	put_text(&line->to, " (0x");
	put_hex_padded(&line->to, p[1], 2);
	put_char(&line->to, ')');
	put_length(line, length);
	return has(line, p, length) || cut(line, "vtp");
}

static bool print_dtp(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < 1) {
		put_text(&line->to, "[zero packet length]");
		return invalid(line);
	}
	if (!has(line, p, 1))
		return cut(line, "dtp");
	put_text(&line->to, "DTPv");
	put_u32(&line->to, p[0]);
	return put_length(line, length);
}

bool print_cisco(struct line *line, uint16_t protocol, const uint8_t *p, uint32_t length)
{
	switch (protocol) {
	case CDP: print_cdp(line, p, length); return true;
	case UDLD: print_udld(line, p, length); return true;
	case VTP: print_vtp(line, p, length); return true;
	case DTP: print_dtp(line, p, length); return true;
	case PVST: case BRIDGE: print_stp(line, p, length); return true;
	default: return false;
	}
}
