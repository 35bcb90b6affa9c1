/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP and its reverse and inverse, over Ethernet and its like, frame relay and ATM. */
#include "inside.h"

enum { FRAME_RELAY = 15, ATM = 19, IP4 = 0x0800, TRAILERS = 0x1000, REQUEST = 1, REPLY = 2, REVERSE_REQUEST = 3,
       REVERSE_REPLY = 4, INVERSE_REQUEST = 8, INVERSE_REPLY = 9, REFUSED = 10 };

static const struct named operations[] = {
	{ REQUEST, "Request" }, { REPLY, "Reply" }, { REVERSE_REQUEST, "Reverse Request" }, { REVERSE_REPLY, "Reverse Reply" },
	{ INVERSE_REQUEST, "Inverse Request" }, { INVERSE_REPLY, "Inverse Reply" }, { REFUSED, "NACK Reply" }, { 0, NULL } };
static const struct named hardware_names[] = {
	{ 1, "Ethernet" }, { 6, "TokenRing" }, { 7, "ArcNet" }, { FRAME_RELAY, "FrameRelay" }, { 23, "Strip" },
	{ 24, "IEEE 1394" }, { ATM, "ATM" }, { 32, "InfiniBand" }, { 0, NULL } };

static void put_counted(struct line *line, const char *name, const char *before, uint32_t value)
{
	put_string(&line->to, name ? name : before);
	if (!name) {
		put_u32(&line->to, value);
		put_char(&line->to, ')');
	}
}

static void put_length(struct line *line, uint32_t length)
{
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
}

/* An address of Q.922: 10 bits in two bytes, 16 in three, 23 in four; the last has its lowest bit set. */
static void put_relay_address(struct line *line, const uint8_t *p, unsigned length)
{
	uint32_t circuit;
	unsigned last = 1;

	if (p[0] & 1) {
		put_text(&line->to, "<Invalid DLCI>");
		return;
	}
	if (length < 2) {
		put_text(&line->to, "<Truncated>");
		return;
	}
	circuit = (p[0] & 0xfcu) << 2 | p[1] >> 4;
	if (!(p[1] & 1)) {
		last = 2;
		if (last < length && !(p[2] & 1)) {
			circuit = circuit << 7 | p[2] >> 1;
			last = 3;
		}
		if (last >= length) {
			put_text(&line->to, "<Truncated>");
			return;
		}
		if (!(p[last] & 1)) {
			put_text(&line->to, "<Invalid DLCI>");
			return;
		}
		circuit = circuit << 6 | p[last] >> 2;
	}
	put_text(&line->to, "DLCI ");
	put_u32(&line->to, circuit);
}

static void put_hardware(struct line *line, const uint8_t *arp, const uint8_t *address)
{
	if (be16(arp) == FRAME_RELAY)
		put_relay_address(line, address, arp[4]);
	else
		put_mac(&line->to, address, arp[4]);
}

/* source, source IP, target, target IP: of arp[4] and arp[5] bytes in turn. */
static bool put_operation(struct line *line, const uint8_t *arp, const uint8_t *source)
{
	const uint8_t *source_ip = source + arp[4], *target = source_ip + arp[5], *target_ip = target + arp[4];
	bool any = false;

	switch (be16(arp + 6)) {
	case REQUEST:
		put_text(&line->to, "who-has ");
		put_ip4(&line->to, target_ip);
		for (unsigned i = 0; i < arp[4]; i++)
			any |= target[i] != 0;
		if (any) {
			put_text(&line->to, " (");
			put_hardware(line, arp, target);
			put_char(&line->to, ')');
		}
		put_text(&line->to, " tell ");
		put_ip4(&line->to, source_ip);
		return true;
	case REPLY:
		put_ip4(&line->to, source_ip);
		put_text(&line->to, " is-at ");
		put_hardware(line, arp, source);
		return true;
	case REVERSE_REQUEST: case INVERSE_REQUEST:
		put_text(&line->to, "who-is ");
		put_hardware(line, arp, target);
		put_text(&line->to, " tell ");
		put_hardware(line, arp, source);
		return true;
	case REVERSE_REPLY:
		put_hardware(line, arp, target);
		put_text(&line->to, " at ");
		put_ip4(&line->to, target_ip);
		return true;
	case INVERSE_REPLY:
		put_hardware(line, arp, source);
		put_text(&line->to, " at ");
		put_ip4(&line->to, source_ip);
		return true;
	default:
		return false;
	}
}

static void put_atm_address(struct line *line, const uint8_t *number, unsigned length, unsigned sub_length)
{
	if (!length) {
		put_text(&line->to, "<No address>");
		return;
	}
	put_mac(&line->to, number, length);
	if (sub_length) {
		put_char(&line->to, ',');
		put_mac(&line->to, number + length, sub_length);
	}
}

/* The fields of ATM's ARP: both ends have a number and a subaddress. */
struct atm {
	const uint8_t *source, *source_ip, *target, *target_ip;
	unsigned source_length, source_sub, target_length, target_sub;
};

static bool put_atm_operation(struct line *line, uint16_t operation, const struct atm *atm)
{
	switch (operation) {
	case REQUEST:
		put_text(&line->to, "who-has ");
		put_ip4(&line->to, atm->target_ip);
		if (atm->target_length) {
			put_text(&line->to, " (");
			put_atm_address(line, atm->target, atm->target_length, atm->target_sub);
			put_char(&line->to, ')');
		}
		put_text(&line->to, " tell ");
		put_ip4(&line->to, atm->source_ip);
		return true;
	case REPLY:
		put_ip4(&line->to, atm->source_ip);
		put_text(&line->to, " is-at ");
		put_atm_address(line, atm->source, atm->source_length, atm->source_sub);
		return true;
	case INVERSE_REQUEST:
		put_text(&line->to, "who-is ");
		put_atm_address(line, atm->target, atm->target_length, atm->target_sub);
		put_text(&line->to, " tell ");
		put_atm_address(line, atm->source, atm->source_length, atm->source_sub);
		return true;
	case INVERSE_REPLY:
		put_atm_address(line, atm->source, atm->source_length, atm->source_sub);
		put_text(&line->to, "at ");
		put_ip4(&line->to, atm->source_ip);
		return true;
	case REFUSED:
		put_text(&line->to, "for ");
		put_ip4(&line->to, atm->source_ip);
		return true;
	default:
		return false;
	}
}

static bool print_atm_arp(struct line *line, const uint8_t *p, uint32_t length)
{
	const char *protocol;
	struct atm atm;

	if (!has(line, p, 12))
		return cut(line, "arp");
	atm = (struct atm){ .source = p + 12, .source_length = p[4] & 63, .source_sub = p[5] & 63, .target_length = p[9] & 63,
			    .target_sub = p[10] & 63 };
	atm.source_ip = atm.source + atm.source_length + atm.source_sub;
	atm.target = atm.source_ip + p[8];
	atm.target_ip = atm.target + atm.target_length + atm.target_sub;
	if (!has(line, p, (size_t)(atm.target_ip - p) + p[11]))
		return cut(line, "arp");
	put_text(&line->to, "ARP, ");
	if ((be16(p + 2) != IP4 && be16(p + 2) != TRAILERS) || p[8] != 4 || p[11] != 4) {
		protocol = name_of_type(be16(p + 2));
		put_text(&line->to, "ATM, ");
		put_name(&line->to, protocol, "Unknown Protocol (0x", be16(p + 2), 4, ")");
		put_text(&line->to, " (len ");
		put_u32(&line->to, p[8]);
		put_char(&line->to, '/');
		put_u32(&line->to, p[11]);
		put_char(&line->to, ')');
		put_length(line, length);
		return true;
	}
	put_counted(line, name_of(operations, be16(p + 6)), "Unknown (", be16(p + 6));
	put_char(&line->to, ' ');
	if (put_atm_operation(line, be16(p + 6), &atm))
		put_length(line, length);
	else
		print_dump(line, p, captured(line, p));
	return true;
}

bool print_arp(struct line *line, const uint8_t *p, uint32_t length)
{
	if (!has(line, p, 8))
		return cut(line, "arp");
	if (be16(p) == ATM)
		return print_atm_arp(line, p, length);
	if (!has(line, p, 8 + 2u * p[4] + 2u * p[5]))
		return cut(line, "arp");
	put_text(&line->to, "ARP, ");
	if ((be16(p + 2) != IP4 && be16(p + 2) != TRAILERS) || p[5] != 4 || p[4] == 0) {
		put_counted(line, name_of(hardware_names, be16(p)), "Unknown Hardware (", be16(p));
		put_text(&line->to, " (len ");
		put_u32(&line->to, p[4]);
		put_text(&line->to, "), ");
		put_name(&line->to, name_of_type(be16(p + 2)), "Unknown Protocol (0x", be16(p + 2), 4, ")");
		put_text(&line->to, " (len ");
		put_u32(&line->to, p[5]);
		put_char(&line->to, ')');
		put_length(line, length);
		return true;
	}
	put_counted(line, name_of(operations, be16(p + 6)), "Unknown (", be16(p + 6));
	put_char(&line->to, ' ');
	if (put_operation(line, p, p + 8))
		put_length(line, length);
	else
		print_dump(line, p, captured(line, p));
	return true;
}
