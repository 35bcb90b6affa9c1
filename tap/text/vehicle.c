/* SPDX-License-Identifier: BSD-2-Clause */
/* What vehicles say to each other: GeoNetworking with the transport and the header of its applications, CALM FAST. */
#include "inside.h"

enum { COMMON = 36, ANY = 0, BEACON = 1, SCOPED = 5, SINGLE_HOP = 0, MULTI_HOP = 1, MULTI_HOP_EXTRA = 32, BTP_A = 1,
       BTP_B = 2 };

static void put_number(struct line *line, const char *before, uint32_t value, const char *after)
{
	put_string(&line->to, before);
	put_u32(&line->to, value);
	put_string(&line->to, after);
}

static void put_source(struct line *line, const char *before)
{
	if (line->source_mac) {
		put_string(&line->to, before);
		put_text(&line->to, "src:");
		put_mac(&line->to, line->source_mac, 6);
	}
	put_text(&line->to, "; ");
}

static bool print_application(struct line *line, const uint8_t *p)
{
	static const struct named messages[] = { { 0, "CAM" }, { 1, "DENM" }, { 101, "TPEGM" }, { 102, "TSPDM" },
		{ 103, "VPM" }, { 104, "SRM" }, { 105, "SLAM" }, { 106, "ecoCAM" }, { 107, "ITM" }, { 150, "SA" },
		{ 0, NULL } };
	const char *name;

	if (!has(line, p, 1))
		return cut(line, "geonet");
	put_number(line, "; ItsPduHeader v:", p[0], "");
	if (!has(line, p, 2))
		return cut(line, "geonet");
	name = name_of(messages, p[1]);
	put_number(line, " t:", p[1], "-");
	if (name)
		put_string(&line->to, name);
	else
		put_number(line, "unknown (", p[1], ")");
	return true;
}

static bool print_transport(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < 4) {
		put_number(line, " (BTP length ", length, " < 4)");
		return invalid(line);
	}
	if (!has(line, p, 2))
		return cut(line, "geonet");
	put_number(line, "; BTP Dst:", be16(p), "");
	if (!has(line, p, 4))
		return cut(line, "geonet");
	put_number(line, " Src:", be16(p + 2), "");
	return length < 6 || print_application(line, p + 4);
}

static const char *name_of_header(unsigned type, unsigned subtype)
{
	static const char *const plain[] = { "Any", "Beacon", "GeoUnicast" };
	static const struct named names[] = { { 0x30, "GeoAnycastCircle" }, { 0x31, "GeoAnycastRect" },
		{ 0x32, "GeoAnycastElipse" }, { 0x40, "GeoBroadcastCircle" }, { 0x41, "GeoBroadcastRect" },
		{ 0x42, "GeoBroadcastElipse" }, { 0x50, "TopoScopeBcast-SH" }, { 0x51, "TopoScopeBcast-MH" },
		{ 0x60, "LocService-Request" }, { 0x61, "LocService-Reply" }, { 0, NULL } };
	const char *name = name_of(names, type << 4 | subtype);

	if (type < sizeof(plain) / sizeof(plain[0]))
		return plain[type];
	return name ? name : "Unknown";
}

static void put_common(struct line *line, const uint8_t *p)
{
	static const char *const next[] = { "Any", "BTP-A", "BTP-B", "IPv6" };
	unsigned type = p[1] >> 4, subtype = p[1] & 15, follows = p[0] & 15;

	put_number(line, "v:", p[0] >> 4, " ");
	put_number(line, "NH:", follows, "-");
	put_string(&line->to, follows < sizeof(next) / sizeof(next[0]) ? next[follows] : "Unknown");
	put_number(line, " HT:", type, "-");
	put_number(line, "", subtype, "-");
	put_string(&line->to, name_of_header(type, subtype));
	put_number(line, " HopLim:", p[7], "");
	put_number(line, " Payload:", be16(p + 4), "");
}

static bool print_sender(struct line *line, const uint8_t *p)
{
	if (!has(line, p, 16))
		return put_char(&line->to, ' '), cut(line, "geonet");
	put_text(&line->to, " GN_ADDR:");
	put_mac(&line->to, p + 8, 8);
	put_char(&line->to, ' ');
	if (!has(line, p, 24))
		return cut(line, "geonet");
	put_number(line, "lat:", be32(p + 20), " ");
	if (!has(line, p, 28))
		return cut(line, "geonet");
	put_number(line, "lon:", be32(p + 24), "");
	return has(line, p, COMMON) || cut(line, "geonet");
}

bool print_geonet(struct line *line, const uint8_t *p, uint32_t length)
{
	unsigned type, subtype, follows;

	put_text(&line->to, "GeoNet ");
	put_source(line, "");
	if (length < COMMON) {
		put_number(line, " (common header length ", length, " < 36)");
		return invalid(line);
	}
	if (!has(line, p, 8))
		return cut(line, "geonet");
	put_common(line, p);
	if (!print_sender(line, p))
		return false;
	type = p[1] >> 4;
	subtype = p[1] & 15;
	follows = p[0] & 15;
	p += COMMON;
	length -= COMMON;
	if (type == SCOPED && subtype == MULTI_HOP) {
		if (length < MULTI_HOP_EXTRA) {
			put_number(line, " (header size 32 > ", length, ")");
			return invalid(line);
		}
		if (!has(line, p, MULTI_HOP_EXTRA))
			return cut(line, "geonet");
		p += MULTI_HOP_EXTRA;
		length -= MULTI_HOP_EXTRA;
	} else if (type != ANY && type != BEACON && (type != SCOPED || subtype != SINGLE_HOP)) {
		/* The others have addresses in between that nobody reads. */
		return true;
	}
	return (follows != BTP_A && follows != BTP_B) || print_transport(line, p, length);
}

bool print_calm_fast(struct line *line, const uint8_t *p, uint32_t length)
{
	put_text(&line->to, "CALM FAST");
	put_source(line, " ");
	if (length < 2) {
		put_number(line, " (length ", length, " < 2)");
		return invalid(line), has(line, p, length) || cut(line, "calm_fast");
	}
	if (!has(line, p, 1))
		return cut(line, "calm_fast");
	put_number(line, "SrcNwref:", p[0], "; ");
	if (!has(line, p, 2))
		return cut(line, "calm_fast");
	put_number(line, "DstNwref:", p[1], "; ");
	return true;
}
