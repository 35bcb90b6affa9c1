/* SPDX-License-Identifier: BSD-2-Clause */
/* SCTP: its chunks one by one, and the name of the ForCES message that one may carry. */
#include "inside.h"

enum { HEADER = 12, CHUNK = 4, DATA = 0, INIT = 1, INIT_ACK = 2, SACK = 3, FORCES_HEADER = 24, FORCES_LOW_PORT = 6704,
       FORCES_HIGH_PORT = 6706, FORCES_LOW_PAYLOAD = 21, FORCES_HIGH_PAYLOAD = 23 };

static const char *const forces_levels[] = { "ForCES HP", "ForCES MP", "ForCES LP" };

/* What is left of a chunk, or of the packet. */
struct rest {
	const uint8_t *at;
	uint32_t left;
};

static bool put_field(struct line *line, const char *before, uint32_t value)
{
	put_string(&line->to, before);
	put_u32(&line->to, value);
	put_text(&line->to, "] ");
	return true;
}

static bool bogus_length(struct line *line, const uint8_t *chunk)
{
	put_text(&line->to, "bogus chunk length ");
	put_u32(&line->to, be16(chunk + 2));
	put_char(&line->to, ']');
	return false;
}

static const char *forces_of_port(uint16_t port)
{
	return port >= FORCES_LOW_PORT && port <= FORCES_HIGH_PORT ? forces_levels[port - FORCES_LOW_PORT] : NULL;
}

static void dump_forces(struct line *line, const uint8_t *p, uint32_t length)
{
	print_hex_after(line, "\n\t[", p, length);
	put_text(&line->to, "\n\t]");
}

/* Only the kind of message and whether its length can be right; what it carries is not read. */
static void print_forces(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named types[] = { { 0x01, "Association Setup" }, { 0x02, "Association TearDown" },
		{ 0x03, "Config" }, { 0x04, "Query" }, { 0x05, "Event Notification" }, { 0x06, "Packet Redirect" },
		{ 0x0f, "HeartBeat" }, { 0x11, "Association Response" }, { 0x13, "Config Response" },
		{ 0x14, "Query Response" }, { 0, NULL } };
	const char *name;

	if (!has(line, p, FORCES_HEADER)) {
		cut(line, "forces");
		return;
	}
	name = name_of(types, p[1]);
	if (!name) {
		put_text(&line->to, "Invalid ForCES message type ");
		put_u32(&line->to, p[1]);
		put_char(&line->to, '\n');
		dump_forces(line, p, length);
		return;
	}
	put_text(&line->to, "\n\tForCES ");
	put_string(&line->to, name);
	put_char(&line->to, ' ');
	if (length < FORCES_HEADER || 4u * be16(p + 2) != length) {
		put_text(&line->to, "Illegal ForCES pkt len - min 24, total recvd ");
		put_u32(&line->to, length);
		put_text(&line->to, ", advertised ");
		put_u32(&line->to, 4u * be16(p + 2));
		put_char(&line->to, ' ');
		dump_forces(line, p, length);
	}
}

static bool print_data(struct line *line, const uint8_t *chunk, struct rest rest, bool forces)
{
	static const char *const payloads[] = { NULL, "ISDN Q.921", "M2UA", "M3UA", "SUA", "M2PA", "V5.2", "H.248",
		"BICC", "TALI", "DUA", "ASAP", "ENRP", "H.323", "Q.IPC", "SIMCO", "DDPSC", "DDPSSC", "S1AP", "RUA",
		"HNBAP", "ForCES HP", "ForCES MP", "ForCES LP", "SBc-AP", "NBAP", NULL, "X2AP" };
	const char *name;
	uint32_t payload;

	if (chunk[1] & 4)
		put_text(&line->to, "(U)");
	if (chunk[1] & 2)
		put_text(&line->to, "(B)");
	if (chunk[1] & 1)
		put_text(&line->to, "(E)");
	if (chunk[1] & 7)
		put_char(&line->to, ' ');
	if (rest.left < 12)
		return bogus_length(line, chunk);
	put_field(line, "[TSN: ", be32(rest.at));
	put_field(line, "[SID: ", be16(rest.at + 4));
	put_field(line, "[SSEQ ", be16(rest.at + 6));
	payload = be32(rest.at + 8);
	name = payload < sizeof(payloads) / sizeof(payloads[0]) ? payloads[payload] : NULL;
	put_text(&line->to, "[PPID ");
	put_name(&line->to, name, "0x", payload, 1, "");
	put_text(&line->to, "] ");
	if (rest.left == 12)
		return bogus_length(line, chunk);
	if (!forces && (payload < FORCES_LOW_PAYLOAD || payload > FORCES_HIGH_PAYLOAD))
		return true;
	print_forces(line, rest.at + 12, rest.left - 12);
	return true;
}

static bool print_init(struct line *line, const uint8_t *chunk, struct rest rest)
{
	if (rest.left < 16)
		return bogus_length(line, chunk);
	put_field(line, "[init tag: ", be32(rest.at));
	put_field(line, "[rwnd: ", be32(rest.at + 4));
	put_field(line, "[OS: ", be16(rest.at + 8));
	put_field(line, "[MIS: ", be16(rest.at + 10));
	return put_field(line, "[init TSN: ", be32(rest.at + 12));
}

/* The blocks that came in spite of a gap, and the numbers that came twice; either may claim more than there is. */
static bool print_sack(struct line *line, const uint8_t *chunk, struct rest rest)
{
	uint32_t base, gaps, twice;

	if (rest.left < 12)
		return bogus_length(line, chunk);
	base = be32(rest.at);
	gaps = be16(rest.at + 8);
	twice = be16(rest.at + 10);
	put_field(line, "[cum ack ", base);
	put_field(line, "[a_rwnd ", be32(rest.at + 4));
	put_field(line, "[#gap acks ", gaps);
	put_field(line, "[#dup tsns ", twice);
	rest.at += 12;
	rest.left -= 12;
	for (uint32_t i = 0; i < gaps + twice && rest.left; i++) {
		if (rest.left < 4)
			return bogus_length(line, chunk);
		put_string(&line->to, i < gaps ? "\n\t\t[gap ack block #" : "\n\t\t[dup TSN #");
		put_u32(&line->to, i < gaps ? i + 1 : i - gaps + 1);
		if (i < gaps) {
			put_text(&line->to, ": start = ");
			put_u32(&line->to, base + be16(rest.at));
			put_text(&line->to, ", end = ");
			put_field(line, "", base + be16(rest.at + 2));
		} else {
			put_field(line, ": ", be32(rest.at));
		}
		rest.at += 4;
		rest.left -= 4;
	}
	return true;
}

static bool print_chunk(struct line *line, const uint8_t *chunk, bool forces)
{
	static const struct named kinds[] = { { DATA, "DATA" }, { INIT, "INIT" }, { INIT_ACK, "INIT ACK" },
		{ SACK, "SACK" }, { 4, "HB REQ" }, { 5, "HB ACK" }, { 6, "ABORT" }, { 7, "SHUTDOWN" },
		{ 8, "SHUTDOWN ACK" }, { 9, "OP ERR" }, { 10, "COOKIE ECHO" }, { 11, "COOKIE ACK" }, { 12, "ECN ECHO" },
		{ 13, "ECN CWR" }, { 14, "SHUTDOWN COMPLETE" }, { 0xc0, "FOR CUM TSN" }, { 0xc1, "REL CTRL" },
		{ 0xc2, "REL CTRL ACK" }, { 0, NULL } };
	struct rest rest = { chunk + CHUNK, be16(chunk + 2) - (uint32_t)CHUNK };

	put_char(&line->to, '[');
	put_name(&line->to, name_of(kinds, chunk[0]), "Unknown chunk type: 0x", chunk[0], 1, "");
	put_text(&line->to, "] ");
	switch (chunk[0]) {
	case DATA: return print_data(line, chunk, rest, forces);
	case INIT: case INIT_ACK: return print_init(line, chunk, rest);
	case SACK: return print_sack(line, chunk, rest);
	default: return true;
	}
}

static void put_count(struct line *line, uint32_t count)
{
	put_string(&line->to, count > 1 ? ", (" : " (");
	put_u32(&line->to, count);
	put_text(&line->to, ") ");
}

static bool print_chunks(struct line *line, struct rest rest, bool forces)
{
	for (uint32_t count = 1; rest.left; count++) {
		uint32_t length, padded;

		if (rest.left < CHUNK) {
			put_count(line, count);
			put_text(&line->to, "[chunk descriptor cut off at end of packet]");
			return false;
		}
		if (!has(line, rest.at, CHUNK))
			return cut(line, "sctp");
		length = be16(rest.at + 2);
		if (length < CHUNK) {
			put_count(line, count);
			put_text(&line->to, "[Bad chunk length ");
			put_u32(&line->to, length);
			put_text(&line->to, ", < size of chunk descriptor]");
			return false;
		}
		if (length > rest.left || !has(line, rest.at, length))
			return cut(line, "sctp");
		put_count(line, count);
		if (!print_chunk(line, rest.at, forces))
			return false;
		padded = (length + 3u) & ~3u;
		if (padded > rest.left || !has(line, rest.at, padded))
			return cut(line, "sctp");
		rest.at += padded;
		rest.left -= padded;
	}
	return true;
}

bool print_sctp(struct line *line, const struct ip *ip, const uint8_t *p, uint32_t length)
{
	const char *levels[2];

	if (length < HEADER) {
		put_text(&line->to, "truncated-sctp - ");
		put_u32(&line->to, HEADER - length);
		put_text(&line->to, " bytes missing!");
		return false;
	}
	if (!has(line, p, HEADER))
		return cut(line, "sctp");
	put_ports(line, ip, p, ip->first);
	put_text(&line->to, "sctp");
	for (unsigned i = 0; i < 2; i++) {
		levels[i] = forces_of_port(be16(p + (size_t)2 * i));
		if (!levels[i])
			continue;
		put_char(&line->to, '[');
		put_string(&line->to, levels[i]);
		put_char(&line->to, ']');
	}
	return print_chunks(line, (struct rest){ p + HEADER, length - HEADER }, levels[0] || levels[1]);
}
