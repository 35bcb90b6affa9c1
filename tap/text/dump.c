/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes that nobody reads, 16 in a row. */
#include "inside.h"

enum { ROW = 16, TEXT_COLUMN = 42 };

static void put_row(struct line *line, const char *before, const uint8_t *p, size_t offset, size_t count, bool text)
{
	static const char hex[] = "0123456789abcdef";
	char row[TEXT_COLUMN + ROW];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (i % 2 == 0)
			row[used++] = ' ';
		row[used++] = hex[p[i] >> 4];
		row[used++] = hex[p[i] & 15];
	}
	if (text) {
		memset(row + used, ' ', TEXT_COLUMN - used);
		for (size_t i = 0; i < count; i++)
			row[TEXT_COLUMN + i] = visible(p[i], '!');
		used = TEXT_COLUMN + count;
	}
	put_string(&line->to, before);
	put_text(&line->to, "0x");
	put_hex_padded(&line->to, offset, offset > 0xffff ? 5 : 4);
	put_text(&line->to, ": ");
	put_bytes(&line->to, row, used);
}

static void dump(struct line *line, const char *before, const uint8_t *p, size_t length, bool text)
{
	size_t have = captured(line, p);

	if (length > have)
		length = have;
	for (size_t at = 0; at < length; at += ROW)
		put_row(line, before, p + at, at, length - at < ROW ? length - at : ROW, text);
}

void print_dump(struct line *line, const uint8_t *p, size_t length)
{
	dump(line, "\n\t", p, length, true);
}

void print_hex(struct line *line, const uint8_t *p, size_t length)
{
	dump(line, "\n\t", p, length, false);
}

void print_hex_after(struct line *line, const char *before, const uint8_t *p, size_t length)
{
	dump(line, before, p, length, false);
}
