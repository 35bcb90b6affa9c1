/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode.h"
#include <pcap/dlt.h>

struct cursor {
	const uint8_t *at, *end;
	size_t claimed;              /* what IP says there is from `at`; more than is captured where that was cut */
	bool more;                   /* the first of several fragments */
};

/* Behind what IP claims there may be padding. A length of 0 is a packet that the network card has yet to cut (TSO). */
static bool bound(struct decoded *decoded, struct cursor *cursor, size_t claimed, size_t header, bool unknown)
{
	cursor->claimed = unknown ? SIZE_MAX : claimed;
	if (cursor->claimed < header)
		decoded->partial = true;
	else if ((size_t)(cursor->end - cursor->at) > cursor->claimed)
		cursor->end = cursor->at + cursor->claimed;
	return !decoded->partial;
}

static void advance(struct cursor *cursor, size_t bytes)
{
	cursor->at += bytes;
	cursor->claimed -= cursor->claimed == SIZE_MAX ? 0 : bytes;
}

static bool need(struct decoded *decoded, const struct cursor *cursor, size_t bytes)
{
	if ((size_t)(cursor->end - cursor->at) >= bytes)
		return true;
	decoded->partial = true;
	return false;
}

/* Lengths that cannot be. A first fragment holds less than its UDP header says. */
static void check_lengths(struct decoded *decoded, const struct cursor *cursor)
{
	const uint8_t *p = cursor->at;
	size_t length;

	if (decoded->protocol == 6) {
		length = (size_t)4 * (p[12] >> 4);
		decoded->partial |= length < 20 || length > cursor->claimed;
	} else if (decoded->protocol == 17 && cursor->end - p >= 6) {
		length = be16(p + 4);
		decoded->partial |= length && (length < 8 || (length > cursor->claimed && !cursor->more));
	}
}

static void decode_ports(struct decoded *decoded, struct cursor *cursor)
{
	const uint8_t *p = cursor->at;

	switch (decoded->protocol) {
	case 6: case 17: case 33: case 132:
		if (!need(decoded, cursor, decoded->protocol == 6 ? 14 : 4))
			break;
		decoded->ports = true;
		decoded->source_port = be16(p);
		decoded->target_port = be16(p + 2);
		if (decoded->protocol == 6)
			decoded->tcp_flags = p[13];
		check_lengths(decoded, cursor);
		break;
	case 1: case 58:
		if (!need(decoded, cursor, 2))
			break;
		decoded->icmp = true;
		decoded->icmp_type = p[0];
		decoded->icmp_code = p[1];
		break;
	default:
		break;
	}
}

static void decode_ip4(struct decoded *decoded, struct cursor *cursor)
{
	const uint8_t *p = cursor->at;
	size_t header;

	if (!need(decoded, cursor, 20))
		return;
	header = (size_t)4 * (p[0] & 15);
	if (p[0] >> 4 != 4 || header < 20) {
		decoded->partial = true;
		return;
	}
	decoded->version = 4;
	decoded->source = p + 12;
	decoded->target = p + 16;
	decoded->ttl = p[8];
	decoded->protocol = p[9];
	decoded->fragment = (be16(p + 6) & 0x1fff) != 0;
	cursor->more = (p[6] & 0x20) != 0;
	if (!bound(decoded, cursor, be16(p + 2), header, be16(p + 2) == 0) || decoded->fragment || !need(decoded, cursor, header))
		return;
	advance(cursor, header);
	decode_ports(decoded, cursor);
}

static void decode_ip6(struct decoded *decoded, struct cursor *cursor)
{
	const uint8_t *p = cursor->at;
	size_t skip;

	if (!need(decoded, cursor, 40))
		return;
	if (p[0] >> 4 != 6) {
		decoded->partial = true;
		return;
	}
	decoded->version = 6;
	decoded->source = p + 8;
	decoded->target = p + 24;
	decoded->ttl = p[7];
	decoded->protocol = p[6];
	bound(decoded, cursor, 40 + (size_t)be16(p + 4), 40, be16(p + 4) == 0);
	/* Each step moves on by at least 8 bytes. */
	for (skip = 40;;) {
		advance(cursor, skip);
		switch (decoded->protocol) {
		case 0: case 43: case 60: case 44: case 51:
			if (!need(decoded, cursor, 8))
				return;
			p = cursor->at;
			skip = decoded->protocol == 44 ? 8 : decoded->protocol == 51 ? (p[1] + 2u) * 4 : (p[1] + 1u) * 8;
			if (decoded->protocol == 44) {
				decoded->fragment = (be16(p + 2) & 0xfff8) != 0;
				cursor->more = (p[3] & 1) != 0;
			}
			decoded->protocol = p[0];
			if (decoded->fragment || !need(decoded, cursor, skip))
				return;
			break;
		default:
			decode_ports(decoded, cursor);
			return;
		}
	}
}

static void decode_arp(struct decoded *decoded, struct cursor *cursor)
{
	decoded->arp = true;
	if (!need(decoded, cursor, 28))
		return;
	if (be16(cursor->at + 2) == 0x0800 && cursor->at[4] == 6 && cursor->at[5] == 4) {
		decoded->source = cursor->at + 14;
		decoded->target = cursor->at + 24;
	}
}

static void decode_type(struct decoded *decoded, struct cursor *cursor)
{
	/* Each tag takes 4 bytes. */
	while (decoded->ethertype == 0x8100 || decoded->ethertype == 0x88a8 || decoded->ethertype == 0x9100) {
		if (!need(decoded, cursor, 4))
			return;
		decoded->vlan = be16(cursor->at) & 0xfff;
		decoded->ethertype = be16(cursor->at + 2);
		cursor->at += 4;
	}
	if (decoded->ethertype == 0x0800)
		decode_ip4(decoded, cursor);
	else if (decoded->ethertype == 0x86dd)
		decode_ip6(decoded, cursor);
	else if (decoded->ethertype == 0x0806)
		decode_arp(decoded, cursor);
}

void decode(struct decoded *decoded, const struct tap_packet *packet)
{
	struct cursor cursor = { .at = packet->data, .end = packet->data + packet->caplen };
	size_t header = packet->linktype == DLT_EN10MB ? 14 : packet->linktype == DLT_LINUX_SLL ? 16 :
		packet->linktype == DLT_LINUX_SLL2 ? 20 : packet->linktype == DLT_NULL || packet->linktype == DLT_LOOP ? 4 : 0;

	*decoded = (struct decoded){ 0 };
	if (!need(decoded, &cursor, header))
		return;
	cursor.at += header;
	switch (packet->linktype) {
	case DLT_EN10MB:
		decoded->target_mac = packet->data;
		decoded->source_mac = packet->data + 6;
		decoded->ethertype = be16(packet->data + 12);
		break;
	case DLT_LINUX_SLL: decoded->ethertype = be16(packet->data + 14); break;
	case DLT_LINUX_SLL2: decoded->ethertype = be16(packet->data); break;
	default:
		if (!need(decoded, &cursor, 1))
			return;
		decoded->ethertype = *cursor.at >> 4 == 4 ? 0x0800 : *cursor.at >> 4 == 6 ? 0x86dd : 0;
		break;
	}
	decode_type(decoded, &cursor);
}

const char *decode_protocol(const struct decoded *decoded, char buffer[8])
{
	struct put to = { buffer, buffer + 7 };

	if (decoded->arp)
		return "arp";
	if (!decoded->version) {
		put_text(&to, "0x");
		put_hex_padded(&to, decoded->ethertype, 4);
		*to.at = 0;
		return buffer;
	}
	switch (decoded->protocol) {
	case 1: return "icmp";
	case 2: return "igmp";
	case 6: return "tcp";
	case 17: return "udp";
	case 47: return "gre";
	case 50: return "esp";
	case 51: return "ah";
	case 58: return "icmp6";
	case 89: return "ospf";
	case 132: return "sctp";
	default:
		put_text(&to, "ip");
		put_u32(&to, decoded->protocol);
		*to.at = 0;
		return buffer;
	}
}

void put_decoded_address(struct put *to, const struct decoded *decoded, const uint8_t *address)
{
	if (decoded->version == 6)
		put_ip6(to, address);
	else
		put_ip4(to, address);
}

void put_endpoint(struct put *to, const struct decoded *decoded, bool target)
{
	const uint8_t *address = target ? decoded->target : decoded->source;
	const uint8_t *mac = target ? decoded->target_mac : decoded->source_mac;

	if (!address) {
		if (mac)
			put_mac(to, mac, 6);
		else
			put_char(to, '?');
		return;
	}
	if (decoded->ports && decoded->version == 6)
		put_char(to, '[');
	put_decoded_address(to, decoded, address);
	if (!decoded->ports)
		return;
	if (decoded->version == 6)
		put_char(to, ']');
	put_char(to, ':');
	put_u32(to, target ? decoded->target_port : decoded->source_port);
}

void put_utc(struct put *to, struct utc *utc, int64_t second, uint64_t nsec)
{
	if (second != utc->second || !utc->text[0]) {
		struct put text = { utc->text, utc->text + sizeof(utc->text) };
		int64_t rest = ((second % 86400) + 86400) % 86400;

		put_date(&text, second / 86400 - (second % 86400 < 0));
		put_char(&text, 'T');
		put_clock(&text, (uint32_t)rest);
		put_char(&text, '.');
		utc->second = second;
	}
	put_bytes(to, utc->text, sizeof(utc->text));
	put_padded(to, nsec % 1000000000, 9);
	put_char(to, 'Z');
}
