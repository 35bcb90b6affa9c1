/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP, version 2: the common header, then what belongs to each kind of message. */
#include "inside.h"

enum { SHORTEST = 34, SYNC = 0, DELAY_REQUEST = 1, PEER_REQUEST = 2, PEER_RESPONSE = 3, FOLLOW_UP = 8,
       DELAY_RESPONSE = 9, PEER_FOLLOW_UP = 10, ANNOUNCE = 11, SIGNALLING = 12, MANAGEMENT = 13, COMPATIBLE = 0x10 };

/* A number of up to 8 bytes, and the words around it. */
struct field {
	const char *before;
	uint8_t bytes;
	bool hex;
	const char *after;
};

/* The fields from `p` on, each only if it was captured; returns what follows them, NULL when the line is over. */
static const uint8_t *put_fields(struct line *line, const uint8_t *p, const struct field *field)
{
	for (; field->bytes; field++) {
		uint64_t value = 0;

		if (!has(line, p, field->bytes)) {
			cut(line, "ptp");
			return NULL;
		}
		for (unsigned i = 0; i < field->bytes; i++)
			value = value << 8 | *p++;
		put_string(&line->to, field->before);
		if (field->hex)
			put_hex(&line->to, value);
		else
			put_u64(&line->to, value);
		put_string(&line->to, field->after);
	}
	return p;
}

static const uint8_t *put_stamp(struct line *line, const char *before, const uint8_t *p)
{
	static const struct field stamp[] = { { " ", 6, false, " seconds," }, { " ", 4, false, " nanoseconds" },
					      { "", 0, false, "" } };

	put_string(&line->to, before);
	return put_fields(line, p, stamp);
}

static const uint8_t *put_port(struct line *line, const uint8_t *p)
{
	static const struct field port[] = { { ", port identity : 0x", 8, true, "" }, { ", port id : ", 2, false, "" },
					     { "", 0, false, "" } };

	return put_fields(line, p, port);
}

static bool print_announce(struct line *line, const uint8_t *p)
{
	static const struct field fields[] = { { " ", 6, false, " seconds" }, { " ", 4, false, " nanoseconds" },
		{ ", origin cur utc :", 2, false, "" }, { ", rsvd : ", 1, false, "" },
		{ ", gm priority_1 : ", 1, false, "" }, { ", gm clock class : ", 1, false, "" },
		{ ", gm clock accuracy : ", 1, false, "" }, { ", gm clock variance : ", 2, false, "" },
		{ ", gm priority_2 : ", 1, false, "" }, { ", gm clock id : 0x", 8, true, "" },
		{ ", steps removed : ", 2, false, "" }, { ", time source : 0x", 1, true, "" }, { "", 0, false, "" } };

	put_text(&line->to, ", originTimeStamp :");
	return put_fields(line, p, fields) != NULL;
}

/* As tcpdump does, the port's first byte stands for all that follows it. */
static bool print_management(struct line *line, const uint8_t *p)
{
	if (!put_port(line, p))
		return false;
	put_text(&line->to, ", , start boundary hops  ");
	put_u32(&line->to, p[0]);
	put_text(&line->to, ", , boundary hops  ");
	put_u32(&line->to, p[0]);
	put_text(&line->to, ", , flags  0x");
	put_hex(&line->to, p[0]);
	put_text(&line->to, ", , reserved  0x");
	put_hex(&line->to, p[0]);
	return true;
}

static bool print_message(struct line *line, uint8_t type, const uint8_t *p)
{
	switch (type) {
	case SYNC: case DELAY_REQUEST: return put_stamp(line, ", originTimeStamp :", p) != NULL;
	case FOLLOW_UP: return put_stamp(line, ", preciseOriginTimeStamp :", p) != NULL;
	case PEER_REQUEST: case PEER_FOLLOW_UP:
		p = put_stamp(line, ", preciseOriginTimeStamp :", p);
		return p && put_port(line, p);
	case PEER_RESPONSE: case DELAY_RESPONSE:
		p = put_stamp(line, ", receiveTimeStamp :", p);
		return p && put_port(line, p);
	case ANNOUNCE: return print_announce(line, p);
	case SIGNALLING: return put_port(line, p) != NULL;
	case MANAGEMENT: return print_management(line, p);
	default: return true;
	}
}

static bool put_flags(struct line *line, const uint8_t *p)
{
	static const struct named flags[] = { { 0x0001, "l1 61" }, { 0x0002, "l1 59" }, { 0x0004, "utc reasonable" },
		{ 0x0008, "timescale" }, { 0x0010, "time tracable" }, { 0x0020, "frequency tracable" },
		{ 0x0100, "alternate master" }, { 0x0200, "two step" }, { 0x0400, "unicast" },
		{ 0x1000, "profile specific 1" }, { 0x2000, "profile specific 2" }, { 0x4000, "security mask" },
		{ 0x18c0, "unknown" }, { 0, NULL } };

	if (!has(line, p, 2))
		return cut(line, "ptp");
	put_text(&line->to, ", Flags [");
	put_bits(line, flags, be16(p));
	put_char(&line->to, ']');
	return true;
}

static bool put_control(struct line *line, const uint8_t *p)
{
	static const char *const names[] = { "Sync", "Delay_Req", "Follow_Up", "Delay_Resp", "Management", "Other" };

	if (!has(line, p, 1))
		return cut(line, "ptp");
	put_text(&line->to, ", control : ");
	put_u32(&line->to, p[0]);
	put_text(&line->to, " (");
	put_string(&line->to, p[0] < sizeof(names) / sizeof(names[0]) ? names[p[0]] : "Reserved");
	put_char(&line->to, ')');
	return true;
}

static bool print_version_2(struct line *line, const uint8_t *p)
{
	static const char *const types[] = { [SYNC] = "sync", [DELAY_REQUEST] = "delay req",
		[PEER_REQUEST] = "peer delay req", [PEER_RESPONSE] = "peer delay resp", [FOLLOW_UP] = "follow up", [DELAY_RESPONSE] = "delay resp",
		[PEER_FOLLOW_UP] = "pdelay resp fup", [ANNOUNCE] = "announce", [SIGNALLING] = "signalling",
		[MANAGEMENT] = "management", [15] = NULL };
	static const struct field lengths[] = { { ", length : ", 2, false, "" }, { "", 0, false, "" } };
	static const struct field domains[] = { { ", domain : ", 1, false, "" }, { ", reserved1 : ", 1, false, "" },
						{ "", 0, false, "" } };
	static const struct field clocks[] = { { ", NS correction : ", 6, false, "" },
		{ ", sub NS correction : ", 2, false, "" }, { ", reserved2 : ", 4, false, "" },
		{ ", clock identity : 0x", 8, true, "" }, { ", port id : ", 2, false, "" },
		{ ", seq id : ", 2, false, "" }, { "", 0, false, "" } };
	static const struct field interval[] = { { ", log message interval : ", 1, false, "" }, { "", 0, false, "" } };
	uint8_t type = p[0] & 15;

	put_string(&line->to, p[0] & COMPATIBLE ? ", v1 compat : yes" : ", v1 compat : no");
	put_text(&line->to, ", msg type : ");
	put_string(&line->to, types[type] ? types[type] : "Reserved");
	if (types[type])
		put_text(&line->to, " msg");
	p = put_fields(line, p + 2, lengths);
	if (!p)
		return false;
	/* These two come together or not at all. */
	if (!has(line, p, 2))
		return cut(line, "ptp");
	p = put_fields(line, p, domains);
	if (!p || !put_flags(line, p))
		return false;
	p = put_fields(line, p + 2, clocks);
	if (!p || !put_control(line, p))
		return false;
	p = put_fields(line, p + 1, interval);
	return p && print_message(line, type, p);
}

bool print_ptp(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < SHORTEST) {
		put_text(&line->to, " [length ");
		put_u32(&line->to, length);
		put_text(&line->to, " < 34]");
		return invalid(line);
	}
	if (!has(line, p, 2))
		return cut(line, "ptp");
	put_text(&line->to, "PTPv");
	put_u32(&line->to, p[1]);
	if (p[1] == 1)
		put_text(&line->to, " (not implemented)");
	return p[1] == 2 ? print_version_2(line, p) : true;
}
