/* SPDX-License-Identifier: BSD-2-Clause */
/* What OSI's network layer identifier leads to: IS-IS, and IP. Of CLNP and ES-IS only the name is shown. */
#include "inside.h"

enum { CLNP = 0x81, ES_IS = 0x82, IS_IS = 0x83, IP6 = 0x8e, IP4 = 0xcc, PPP = 0xcf, COMMON = 8, VERSION = 1,
       SYSTEM_ID = 6 };

static bool broken(struct line *line, const uint8_t *p, uint32_t length)
{
	print_hex(line, p, length);
	return false;
}

/* Two bytes each between dots, and a single one at the end. */
static void put_system(struct line *line, const uint8_t *id, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		if (i && i % 2 == 0)
			put_char(&line->to, '.');
		put_hex_padded(&line->to, id[i], 2);
	}
}

struct message {
	uint8_t type, header;
	uint8_t shown;              /* as the right length of the header when it is wrong */
	const char *name;
};

static const struct message *find_message(uint8_t type)
{
	static const struct message messages[] = { { 15, 27, 27, ", L1 Lan IIH" }, { 16, 27, 27, ", L2 Lan IIH" },
		{ 17, 20, 20, ", p2p IIH" }, { 18, 27, 19, ", L1 LSP" }, { 20, 27, 19, ", L2 LSP" },
		{ 24, 33, 33, ", L1 CSNP" }, { 25, 33, 33, ", L2 CSNP" }, { 26, 17, 17, ", L1 PSNP" },
		{ 27, 17, 17, ", L2 PSNP" } };

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (messages[i].type == type)
			return &messages[i];
	return NULL;
}

static void put_lsp(struct line *line, const uint8_t *p)
{
	uint32_t lifetime = be16(p + 10);

	put_text(&line->to, ", lsp-id ");
	put_system(line, p + 12, 7);
	put_char(&line->to, '-');
	put_hex_padded(&line->to, p[19], 2);
	put_text(&line->to, ", seq 0x");
	put_hex_padded(&line->to, be32(p + 20), 8);
	put_text(&line->to, ", lifetime ");
	for (uint32_t width = 10000; width > 1 && lifetime < width; width /= 10)
		put_char(&line->to, ' ');
	put_u32(&line->to, lifetime);
	put_char(&line->to, 's');
}

static bool print_message(struct line *line, const struct message *message, const uint8_t *p)
{
	if (!has(line, p, message->header))
		return cut(line, "isis");
	switch (message->type) {
	case 15: case 16:
		put_text(&line->to, ", src-id ");
		put_system(line, p + 9, SYSTEM_ID);
		put_text(&line->to, ", lan-id ");
		put_system(line, p + 20, 7);
		put_text(&line->to, ", prio ");
		put_u32(&line->to, p[19]);
		return true;
	case 17:
		put_text(&line->to, ", src-id ");
		put_system(line, p + 9, SYSTEM_ID);
		return true;
	case 18: case 20: put_lsp(line, p); return true;
	default:
		put_text(&line->to, ", src-id ");
		put_system(line, p + 10, 7);
		return true;
	}
}

static bool other_version(struct line *line, const uint8_t *p, uint8_t version, uint32_t length)
{
	put_text(&line->to, "version ");
	put_u32(&line->to, version);
	put_text(&line->to, " packet not supported");
	return broken(line, p, length);
}

/* What stands in the header before the message's own part; otherwise the bytes are shown, and that is all. */
static bool check_header(struct line *line, const uint8_t *p, uint32_t length)
{
	if (p[2] != VERSION)
		return other_version(line, p, p[2], length);
	if (p[3] != 0 && p[3] != SYSTEM_ID) {
		put_text(&line->to, "system ID length of ");
		put_u32(&line->to, p[3]);
		put_text(&line->to, " is not supported");
		return broken(line, p, length);
	}
	if (p[5] != VERSION)
		return other_version(line, p, p[5], length);
	if (p[1] < COMMON || p[1] > length) {
		put_text(&line->to, "fixed header length ");
		put_u32(&line->to, p[1]);
		put_string(&line->to, p[1] < COMMON ? " < minimum header size " : " > packet length ");
		put_u32(&line->to, p[1] < COMMON ? COMMON : length);
		return broken(line, p, length);
	}
	if (p[7] == 255) {
		put_text(&line->to, "bad packet -- 255 areas");
		return broken(line, p, length);
	}
	return true;
}

static bool print_isis(struct line *line, const uint8_t *p, uint32_t length)
{
	const struct message *message;

	if (!has(line, p, COMMON))
		return cut(line, "isis");
	put_text(&line->to, "IS-IS");
	if (!check_header(line, p, length))
		return false;
	message = find_message(p[4]);
	if (!message) {
		put_text(&line->to, ", unknown PDU-Type ");
		put_u32(&line->to, p[4]);
	} else {
		put_string(&line->to, message->name);
		if (p[1] != message->header) {
			put_string(&line->to, message->type < 26 ? ", bogus" : "- bogus");
			put_text(&line->to, " fixed header length ");
			put_u32(&line->to, p[1]);
			put_text(&line->to, " should be ");
			put_u32(&line->to, message->shown);
			return broken(line, p, length);
		}
		if (!print_message(line, message, p))
			return false;
	}
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	return true;
}

bool print_osi(struct line *line, const uint8_t *p, uint32_t length)
{
	if (!has(line, p, 1))
		return cut(line, "isoclns");
	switch (p[0]) {
	case IS_IS: return print_isis(line, p, length);
	case IP4: return print_ip4(line, p + 1, length - 1);
	case IP6: return print_ip6(line, p + 1, length - 1);
	case PPP: return print_ppp(line, p + 1, length - 1);
	case CLNP: put_text(&line->to, "CLNP"); return true;
	case ES_IS: put_text(&line->to, "ES-IS"); return true;
	case 0: break;
	default:
		put_text(&line->to, "OSI NLPID 0x");
		put_hex_padded(&line->to, p[0], 2);
		put_text(&line->to, " unknown");
		break;
	}
	put_text(&line->to, ", length: ");
	put_u32(&line->to, length);
	if (p[0] && length > 1)
		print_hex(line, p, length);
	return true;
}
