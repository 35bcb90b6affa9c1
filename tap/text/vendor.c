/* SPDX-License-Identifier: BSD-2-Clause */
/* Protocols of one vendor right above Ethernet: disks (AoE), Realtek's switches, a cluster's heartbeat. */
#include "inside.h"

enum { AOE_HEADER = 10, AOE_VERSION = 1, RRCP = 1, RRCP_REPLY = 0x80, RRCP_HELLO = 0, RRCP_GET = 1, RRCP_SET = 2 };

/* What a length that is too short leaves has to be captured, or the line says that it is not. */
static bool too_short(struct line *line, const char *layer, const uint8_t *p, uint32_t length)
{
	invalid(line);
	return has(line, p, length) || cut(line, layer);
}

bool print_aoe(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named flags[] = { { 8, "Response" }, { 4, "Error" }, { 2, "MBZ-1" }, { 1, "MBZ-0" },
		{ 0, NULL } };

	put_text(&line->to, "AoE length ");
	put_u32(&line->to, length);
	if (length < 1)
		return too_short(line, "aoe", p, length);
	if (!has(line, p, 1))
		return cut(line, "aoe");
	put_text(&line->to, ", Ver ");
	put_u32(&line->to, p[0] >> 4);
	if (p[0] >> 4 != AOE_VERSION)
		return true;
	if (length < AOE_HEADER)
		return too_short(line, "aoe", p + 1, length - 1);
	put_text(&line->to, ", Flags: [");
	put_bits(line, flags, p[0] & 15);
	put_char(&line->to, ']');
	return true;
}

static void put_hex_field(struct line *line, const char *before, const uint8_t *p, unsigned bytes, bool little)
{
	put_string(&line->to, before);
	for (unsigned i = 0; i < bytes; i++)
		put_hex_padded(&line->to, p[little ? bytes - 1 - i : i], 2);
}

/* The numbers of a register and its value are little-endian, and so is the cookie, by halves. */
static bool print_register(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 10))
		return cut(line, "rrcp");
	put_hex_field(line, " addr=0x", p + 4, 2, true);
	put_hex_field(line, ", data=0x", p + 6, 4, true);
	put_hex_field(line, ", auth=0x", p + 2, 2, false);
	if (!has(line, p, 18))
		return cut(line, "rrcp");
	put_hex_field(line, ", cookie=0x", p + 14, 4, false);
	put_hex_field(line, "", p + 10, 4, false);
	put_char(&line->to, ' ');
	return true;
}

static bool print_rrcp(struct line *line, const uint8_t *p)
{
	static const struct named codes[] = { { RRCP_HELLO, "hello" }, { RRCP_GET, "get" }, { RRCP_SET, "set" },
		{ 0, NULL } };
	uint8_t code;

	if (!has(line, p, 2))
		return cut(line, "rrcp");
	code = p[1] & 0x7f;
	put_string(&line->to, p[1] & RRCP_REPLY ? "RRCP reply: " : "RRCP query: ");
	put_name(&line->to, name_of(codes, code), "unknown opcode (0x", code, 2, ")");
	if (code == RRCP_GET || code == RRCP_SET)
		return print_register(line, p);
	if (!has(line, p, 4))
		return cut(line, "rrcp");
	put_hex_field(line, ", auth=0x", p + 2, 2, false);
	if (code != RRCP_HELLO || !(p[1] & RRCP_REPLY))
		return true;
	if (!has(line, p, 18))
		return cut(line, "rrcp");
	put_text(&line->to, " downlink_port=");
	put_u32(&line->to, p[4]);
	put_text(&line->to, ", uplink_port=");
	put_u32(&line->to, p[5]);
	put_text(&line->to, ", uplink_mac=");
	put_mac(&line->to, p + 6, 6);
	put_hex_field(line, ", vendor_id=", p + 14, 4, false);
	put_hex_field(line, " ,chip_id=", p + 12, 2, false);
	put_char(&line->to, ' ');
	return true;
}

bool print_realtek(struct line *line, const uint8_t *p)
{
	static const struct named kinds[] = { { 0x02, "REP" }, { 0x03, "RLDP" }, { 0x23, "RLDP" },
					      { 0x04, "Realtek 8-byte DSA tag" }, { 0, NULL } };

	if (line->source_mac) {
		put_mac(&line->to, line->source_mac, 6);
		put_text(&line->to, " > ");
		put_mac(&line->to, line->target_mac, 6);
		put_text(&line->to, ", ");
	}
	if (!has(line, p, 1))
		return cut(line, "rtl");
	if (p[0] == RRCP)
		return print_rrcp(line, p);
	if (p[0] >> 4 == 9)
		put_text(&line->to, "Realtek RTL8306 4-byte DSA tag");
	else if (p[0] >> 4 == 10)
		put_text(&line->to, "Realtek RTL8366RB 4-byte DSA tag");
	else
		put_name(&line->to, name_of(kinds, p[0]), "Realtek unknown type 0x", p[0], 2, "");
	return true;
}

bool print_heartbeat(struct line *line, const uint8_t *p)
{
	put_text(&line->to, "MS NLB heartbeat");
	if (!has(line, p, 12))
		return cut(line, "msnlb");
	put_text(&line->to, ", host priority: ");
	put_u32(&line->to, (uint32_t)p[11] << 24 | (uint32_t)p[10] << 16 | (uint32_t)p[9] << 8 | p[8]);
	if (!has(line, p, 16))
		return cut(line, "msnlb");
	put_text(&line->to, ", cluster IP: ");
	put_ip4(&line->to, p + 12);
	if (!has(line, p, 20))
		return cut(line, "msnlb");
	put_text(&line->to, ", host IP: ");
	put_ip4(&line->to, p + 16);
	return true;
}
