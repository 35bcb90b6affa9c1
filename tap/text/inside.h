/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of text: the state of one line, and who prints which layer. */
#ifndef TEXT_INSIDE_H
#define TEXT_INSIDE_H

#include "put.h"
#include "text.h"
#include <stdbool.h>

/*
 * `end` is where captured bytes end, or the payload that a length field announced, whichever comes first. A layer
 * that needs bytes behind it prints " [|name]" and returns false; the whole line ends there then.
 */
struct line {
	struct put to;
	const uint8_t *end;
	const uint8_t *source_mac, *target_mac;   /* NULL where the link has none */
	unsigned depth;                            /* of tunnels */
};

enum { TEXT_DEPTH = 16 };

static inline bool has(const struct line *line, const uint8_t *from, size_t bytes)
{
	return from <= line->end && (size_t)(line->end - from) >= bytes;
}

static inline bool cut(struct line *line, const char *layer)
{
	put_text(&line->to, " [|");
	put_string(&line->to, layer);
	put_char(&line->to, ']');
	return false;
}

/* A value by its name, else NULL. */
struct named {
	uint32_t value;
	const char *name;
};
const char *name_of(const struct named *table, uint32_t value);

bool print_ethertype(struct line *line, uint16_t type, const uint8_t *p, uint32_t length, bool *known);
bool print_ethernet(struct line *line, const uint8_t *p, uint32_t length);
bool print_ip4(struct line *line, const uint8_t *p, uint32_t length);
bool print_ip6(struct line *line, const uint8_t *p, uint32_t length);
bool print_ip_any(struct line *line, const uint8_t *p, uint32_t length);
bool print_llc(struct line *line, const uint8_t *p, uint32_t length);
bool print_arp(struct line *line, const uint8_t *p, uint32_t length);
bool print_icmp4(struct line *line, const uint8_t *p, uint32_t length);
bool print_icmp6(struct line *line, const uint8_t *p, uint32_t length);
bool print_gre(struct line *line, const uint8_t *p, uint32_t length);

/* What follows a header that nobody reads: hex and text, or hex alone, to the end of the capture. */
void print_dump(struct line *line, const uint8_t *p, size_t length);
void print_hex(struct line *line, const uint8_t *p, size_t length);

#endif
