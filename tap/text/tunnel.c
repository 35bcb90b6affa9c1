/* SPDX-License-Identifier: BSD-2-Clause */
/* What carries other packets: GRE and MPLS; ppp.c has the rest. */
#include "inside.h"

enum { GRE_CHECKSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000, GRE_ACK = 0x0080,
       GRE_IP4 = 0x0800, GRE_IP6 = 0x86dd, GRE_MPLS = 0x8847, GRE_ETHERNET = 0x6558, GRE_PPP = 0x880b, GRE_OSI = 0x00fe,
       OSI_FIRST = 0x81, OSI_LAST = 0x83 };

/* A header that is read piece by piece: each takes bytes that have to be announced and captured. */
struct piece {
	const uint8_t *at;
	uint32_t left;
};

static const uint8_t *take(struct line *line, struct piece *piece, uint32_t bytes)
{
	const uint8_t *p = piece->at;

	if (piece->left < bytes || !has(line, p, bytes))
		return NULL;
	piece->at += bytes;
	piece->left -= bytes;
	return p;
}

static bool put_gre_field(struct line *line, struct piece *piece, const char *name, bool hex)
{
	const uint8_t *p = take(line, piece, 4);

	if (!p)
		return cut(line, "gre");
	put_string(&line->to, name);
	if (hex)
		put_hex(&line->to, be32(p));
	else
		put_u64(&line->to, be32(p));
	return true;
}

/* One entry of a source route: the addresses, with a star at the next one. */
static bool put_gre_route(struct line *line, const struct piece *from, uint16_t family, uint32_t offset,
			  uint32_t length)
{
	uint32_t step = family == 0x0800 ? 4 : 2;
	struct piece piece = *from;

	if (offset % step || length % step || offset >= length) {
		put_string(&line->to, offset % step ? ", badoffset=" : length % step ? ", badlength=" : ", badoff/len=");
		put_u32(&line->to, offset % step || !(length % step) ? offset : length);
		if (!(offset % step) && !(length % step)) {
			put_char(&line->to, '/');
			put_u32(&line->to, length);
		}
		return true;
	}
	for (uint32_t at = 0; at < length; at += step) {
		const uint8_t *p = take(line, &piece, step);

		if (!p)
			return false;
		put_char(&line->to, ' ');
		if (at == offset)
			put_char(&line->to, '*');
		if (step == 4)
			put_ip4(&line->to, p);
		else
			put_hex(&line->to, be16(p));
	}
	return true;
}

static bool put_gre_routes(struct line *line, struct piece *piece)
{
	for (;;) {
		const uint8_t *p = take(line, piece, 4);
		bool good = true;

		if (!p)
			return cut(line, "gre");
		if (be16(p) == 0 && p[3] == 0)
			return true;
		put_text(&line->to, ", (rtaf=");
		if (be16(p) == 0x0800 || be16(p) == 0xfffe) {
			put_string(&line->to, be16(p) == 0x0800 ? "ip" : "asn");
			good = put_gre_route(line, piece, be16(p), p[2], p[3]);
		} else {
			put_text(&line->to, "0x");
			put_hex(&line->to, be16(p));
		}
		put_char(&line->to, ')');
		if (!good || piece->left < p[3])
			return cut(line, "gre");
		piece->at += p[3];
		piece->left -= p[3];
	}
}

static bool print_gre_payload(struct line *line, uint16_t protocol, const struct piece *piece)
{
	switch (protocol) {
	case GRE_IP4: return print_ip4(line, piece->at, piece->left);
	case GRE_IP6: return print_ip6(line, piece->at, piece->left);
	case GRE_MPLS: return print_mpls(line, piece->at, piece->left);
	case GRE_OSI: return print_osi(line, piece->at, piece->left);
	case GRE_ETHERNET: return print_ethernet(line, piece->at, piece->left);
	default:
		put_text(&line->to, "gre-proto-0x");
		put_hex(&line->to, protocol);
		return true;
	}
}

static bool print_gre_0(struct line *line, const uint8_t *p, uint32_t length)
{
	struct piece piece = { p, length };
	uint16_t flags = be16(p);
	const uint8_t *sum;

	if (!take(line, &piece, 4))
		return cut(line, "gre");
	if (flags & (GRE_CHECKSUM | GRE_ROUTING)) {
		sum = take(line, &piece, 4);
		if (!sum)
			return cut(line, "gre");
		put_text(&line->to, ", off 0x");
		put_hex(&line->to, be16(sum + 2));
	}
	if (flags & GRE_KEY && !put_gre_field(line, &piece, ", key=0x", true))
		return false;
	if (flags & GRE_SEQUENCE && !put_gre_field(line, &piece, ", seq ", false))
		return false;
	if (flags & GRE_ROUTING && !put_gre_routes(line, &piece))
		return false;
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	put_text(&line->to, ": ");
	return print_gre_payload(line, be16(p + 2), &piece);
}

/* As PPTP has it. */
static bool print_gre_1(struct line *line, const uint8_t *p, uint32_t length)
{
	struct piece piece = { p, length };
	uint16_t flags = be16(p);
	const uint8_t *key;

	if (!take(line, &piece, 4))
		return cut(line, "gre");
	if (flags & GRE_KEY) {
		key = take(line, &piece, 4);
		if (!key)
			return cut(line, "gre");
		put_text(&line->to, ", call ");
		put_u32(&line->to, be16(key + 2));
	}
	if (flags & GRE_SEQUENCE && !put_gre_field(line, &piece, ", seq ", false))
		return false;
	if (flags & GRE_ACK && !put_gre_field(line, &piece, ", ack ", false))
		return false;
	if (!(flags & GRE_SEQUENCE))
		put_text(&line->to, ", no-payload");
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	if (!(flags & GRE_SEQUENCE))
		return true;
	put_text(&line->to, ": ");
	if (be16(p + 2) == GRE_PPP)
		return print_ppp(line, piece.at, piece.left);
	put_text(&line->to, "gre-proto-0x");
	put_hex(&line->to, be16(p + 2));
	return true;
}

bool print_gre(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t version;

	if (length < 2 || !has(line, p, 2))
		return cut(line, "gre");
	version = p[1] & 7;
	put_text(&line->to, "GREv");
	put_u32(&line->to, version);
	if (version == 0)
		return print_gre_0(line, p, length);
	if (version == 1)
		return print_gre_1(line, p, length);
	put_text(&line->to, " ERROR: unknown-version");
	return false;
}

bool print_mpls(struct line *line, const uint8_t *p, uint32_t length)
{
	uint32_t shim, label;
	uint8_t first;

	put_text(&line->to, "MPLS");
	do {
		if (length < 4) {
			invalid(line);
			return has(line, p, length) || cut(line, "mpls");
		}
		if (!has(line, p, 4))
			return cut(line, "mpls");
		shim = be32(p);
		label = shim >> 12;
		put_text(&line->to, " (label ");
		put_u32(&line->to, label);
		put_text(&line->to, ", tc ");
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
	if (label != 0 && label != 2 && label != 3) {
		if (length < 1)
			return true;
		if (!has(line, p, 1))
			return cut(line, "mpls");
		first = p[0];
	} else {
		first = label == 2 ? 0x60 : 0x45;
	}
	if (first >> 4 == 4 && first >= 0x45)
		return put_char(&line->to, ' '), print_ip4(line, p, length);
	if (first >> 4 == 6)
		return put_char(&line->to, ' '), print_ip6(line, p, length);
	if (first >= OSI_FIRST && first <= OSI_LAST)
		return put_char(&line->to, ' '), print_osi(line, p, length);
	return true;
}
