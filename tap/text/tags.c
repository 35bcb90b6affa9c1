/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands between the addresses and the type of some Ethernet frames: MACsec, and a switch's time of arrival. */
#include "inside.h"

enum { SECTAG = 6, SECTAG_WITH_SCI = 14, ICV = 16, VERSION = 0x80, HAS_SCI = 0x20, ENCRYPTED = 0x0c };

static void put_security_tag(struct line *line, const uint8_t *p)
{
	static const struct { uint8_t bit; char letter; } flags[] = {
		{ 0x08, 'E' }, { 0x04, 'C' }, { 0x40, 'S' }, { 0x10, 'B' }, { 0x20, 'I' } };

	if (line->source_mac) {
		put_mac(&line->to, line->source_mac, 6);
		put_text(&line->to, " > ");
		put_mac(&line->to, line->target_mac, 6);
		put_char(&line->to, ' ');
	}
	put_text(&line->to, "802.1AE MACsec, an ");
	put_u32(&line->to, p[0] & 3);
	put_text(&line->to, ", pn ");
	put_u64(&line->to, be32(p + 2));
	put_text(&line->to, ", flags ");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (p[0] & flags[i].bit)
			put_char(&line->to, flags[i].letter);
	if (p[1]) {
		put_text(&line->to, ", sl ");
		put_u32(&line->to, p[1]);
	}
	if (p[0] & HAS_SCI) {
		put_text(&line->to, ", sci ");
		put_hex_padded(&line->to, (uint64_t)be32(p + 6) << 32 | be32(p + 10), 16);
	}
	put_text(&line->to, ", ");
}

uint32_t print_macsec(struct line *line, const uint8_t *p, uint32_t *length)
{
	uint32_t tag;

	if (!has(line, p, SECTAG) || *length < SECTAG)
		return cut(line, "macsec");
	tag = p[0] & HAS_SCI ? SECTAG_WITH_SCI : SECTAG;
	if (!has(line, p, tag) || *length < tag)
		return cut(line, "macsec");
	if (p[1] & 0xc0 || p[0] & VERSION)
		return invalid(line);
	if (p[0] & ENCRYPTED) {
		put_security_tag(line, p);
		return 0;
	}
	*length -= tag;
	/* Readable: only its check value, at the end, does not belong to what it carries. */
	if (*length < ICV || !has(line, p + tag, ICV))
		return cut(line, "macsec");
	*length -= ICV;
	line->end -= ICV;
	if (p[1]) {
		if (p[1] > *length || !has(line, p + tag, p[1]))
			return cut(line, "macsec");
		*length = p[1];
	}
	return tag;
}

/* Adds to *skip what it took. */
static bool print_time(struct line *line, uint8_t format, const uint8_t *p, uint32_t *skip)
{
	uint64_t second, ns;

	if (format == 1) {
		if (!has(line, p, 8))
			return cut(line, "arista");
		second = be32(p) + be32(p + 4) / 1000000000u;
		put_date(&line->to, (int64_t)(second / 86400));
		put_char(&line->to, ' ');
		put_clock(&line->to, (uint32_t)(second % 86400));
		ns = be32(p + 4);
	} else {
		if (!has(line, p, 6))
			return cut(line, "arista");
		put_u64(&line->to, be16(p) + be32(p + 2) / 1000000000u);
		ns = be32(p + 2);
	}
	put_char(&line->to, '.');
	put_padded(&line->to, ns % 1000000000u, 9);
	put_text(&line->to, ": ");
	*skip = format == 1 ? 12 : 10;
	return true;
}

bool print_arista(struct line *line, const uint8_t *p, uint32_t length, uint32_t frame_length, uint32_t *skip)
{
	static const char *const scales[] = { "TAI", "UTC" }, *const formats[] = { NULL, "64-bit", "48-bit" };
	static const char *const models[] = { "R/R2", "R3" };
	uint8_t format;

	*skip = 0;
	if (!has(line, p, 2) || length < 2) {
		put_text(&line->to, "[|arista]");
		return false;
	}
	put_string(&line->to, name_of_type(0xd28b));
	put_text(&line->to, ", length ");
	put_u32(&line->to, frame_length);
	put_text(&line->to, ": SubType ");
	put_string(&line->to, be16(p) == 1 ? "Timestamp (0x" : "Unknown (0x");
	put_hex_padded(&line->to, be16(p), 4);
	put_text(&line->to, "), ");
	if (be16(p) != 1)
		return true;
	if (!has(line, p, 3))
		return cut(line, "arista");
	put_text(&line->to, "Timescale ");
	put_string(&line->to, p[2] < 2 ? scales[p[2]] : "Unknown");
	put_text(&line->to, " (");
	put_u32(&line->to, p[2]);
	put_text(&line->to, "), ");
	if (!has(line, p, 4))
		return cut(line, "arista");
	format = p[3] >> 4;
	put_text(&line->to, "Format ");
	put_string(&line->to, format == 1 || format == 2 ? formats[format] : "Unknown");
	put_text(&line->to, " (");
	put_u32(&line->to, format);
	put_text(&line->to, "), HwInfo ");
	put_string(&line->to, (p[3] & 15) < 2 ? models[p[3] & 15] : "Unknown");
	put_text(&line->to, " (");
	put_u32(&line->to, p[3] & 15);
	put_text(&line->to, "), Timestamp ");
	return (format != 1 && format != 2) || print_time(line, format, p + 4, skip);
}
