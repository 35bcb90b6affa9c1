/* SPDX-License-Identifier: BSD-2-Clause */
/* Links that are not Ethernet: Linux cooked captures, loopback. */
#include "inside.h"
#include "link.h"

enum { VLAN = 0x8100, NOVELL = 1, LLC = 4, LONGEST = 1500, SLL_HEADER = 16, SLL2_HEADER = 20, NULL_HEADER = 4 };

static const struct named directions[] = { { 0, "In" }, { 1, "B" }, { 2, "M" }, { 3, "P" }, { 4, "Out" }, { 0, NULL } };

/* `type` is an Ethernet type, or says 802.2; false: nobody knows it. `*length` is left at what is behind the tags. */
static bool print_cooked(struct line *line, uint16_t type, const uint8_t *p, uint32_t *length)
{
	while (type == VLAN) {
		if (!has(line, p, 4)) {
			cut(line, "vlan");
			return true;
		}
		type = be16(p + 2);
		if (type <= LONGEST)
			type = LLC;
		p += 4;
		*length -= 4;
	}
	if (type == LLC)
		print_llc(line, p, *length);
	if (type == NOVELL)
		print_ipx(line, p);
	return type <= LONGEST || print_ethertype(line, type, p, *length);
}

static void put_hardware(struct line *line, uint16_t length, const uint8_t *address)
{
	if (length != 6)
		return;
	put_mac(&line->to, address, 6);
	put_char(&line->to, ' ');
}

bool print_sll(struct line *line, const uint8_t *p, uint32_t length)
{
	const char *direction;

	if (!has(line, p, SLL_HEADER))
		return cut(line, "sll");
	length -= SLL_HEADER;
	if (print_cooked(line, be16(p + 14), p + SLL_HEADER, &length))
		return true;
	direction = name_of(directions, be16(p));
	for (size_t i = direction ? strlen(direction) : 1; i < 3; i++)
		put_char(&line->to, ' ');
	put_string(&line->to, direction ? direction : "?");
	put_char(&line->to, ' ');
	put_hardware(line, be16(p + 4), p + 6);
	return true;
}

/* The interface's name on this machine, which may not be the one where the packets were captured. */
static void put_interface(struct line *line, uint32_t index)
{
	const char *name = "?";
	size_t length;

	for (unsigned i = 0; i < line->ctx->interfaces; i++)
		if (line->ctx->interface[i].index == index)
			name = line->ctx->interface[i].name;
	length = strlen(name);
	put_bytes(&line->to, name, length);
	for (; length < 6; length++)
		put_char(&line->to, ' ');
	if (strlen(name) >= 6)
		put_char(&line->to, ' ');
}

bool print_sll2(struct line *line, const uint8_t *p, uint32_t length)
{
	const char *direction;

	if (!has(line, p, SLL2_HEADER))
		return cut(line, "sll2");
	put_interface(line, be32(p + 4));
	direction = name_of(directions, p[10]);
	put_string(&line->to, direction ? direction : "?");
	for (size_t i = direction ? strlen(direction) : 1; i < 4; i++)
		put_char(&line->to, ' ');
	length -= SLL2_HEADER;
	if (print_cooked(line, be16(p), p + SLL2_HEADER, &length))
		return true;
	put_text(&line->to, "ifindex ");
	put_u64(&line->to, be32(p + 4));
	put_char(&line->to, ' ');
	put_hardware(line, p[11], p + 12);
	return true;
}

bool print_null(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named families[] = { { 6, "NS" }, { 16, "Appletalk" }, { 0, NULL } };
	uint32_t family;
	const char *name;

	if (!has(line, p, NULL_HEADER))
		return cut(line, "null");
	/* In the byte order of the machine that captured, which nothing else tells; families are small numbers. */
	memcpy(&family, p, sizeof(family));
	if (family & 0xffff0000)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2: return print_ip4(line, p + NULL_HEADER, length - NULL_HEADER);
	case 24: case 28: case 30: return print_ip6(line, p + NULL_HEADER, length - NULL_HEADER);
	case 7: return print_osi(line, p + NULL_HEADER, length - NULL_HEADER);
	case 23: return print_ipx(line, p + NULL_HEADER);
	default: break;
	}
	name = name_of(families, family);
	put_string(&line->to, name ? name : "Unknown AF ");
	if (!name)
		put_u64(&line->to, family);
	put_text(&line->to, ", length ");
	put_u32(&line->to, length);
	put_text(&line->to, ": ");
	return true;
}
