/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing text into a bounded buffer: numbers, hex, addresses. What does not fit is left out. */
#ifndef TEXT_PUT_H
#define TEXT_PUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct put {
	char *at, *end;
};

static inline void put_bytes(struct put *to, const void *from, size_t length)
{
	if ((size_t)(to->end - to->at) < length)
		length = (size_t)(to->end - to->at);
	memcpy(to->at, from, length);
	to->at += length;
}

#define put_text(to, literal) put_bytes((to), "" literal, sizeof(literal) - 1)

static inline void put_string(struct put *to, const char *from)
{
	put_bytes(to, from, strlen(from));
}

static inline void put_char(struct put *to, char c)
{
	if (to->at < to->end)
		*to->at++ = c;
}

void put_u64(struct put *to, uint64_t value);
/* Exactly `digits` of them, zeros in front. */
void put_padded(struct put *to, uint64_t value, unsigned digits);
/* Without and with a fixed width. */
void put_hex(struct put *to, uint64_t value);
void put_hex_padded(struct put *to, uint64_t value, unsigned digits);
/* aa:bb:cc of `length` bytes. */
void put_mac(struct put *to, const uint8_t *bytes, size_t length);
void put_ip4(struct put *to, const uint8_t *address);
void put_ip6(struct put *to, const uint8_t *address);
/* A byte of a name: control characters as ^A, bytes from 128 on with M- in front. */
void put_visible(struct put *to, uint8_t byte);
/* Days since 1970 as 2026-11-24, a second of a day as 15:04:05. */
void put_date(struct put *to, int64_t days);
void put_clock(struct put *to, uint32_t second);

/* A byte as text, a dot where it is none; `lowest` is ' ', or '!' where blanks shall be dots, too. */
static inline char visible(uint8_t byte, char lowest)
{
	if (byte < (unsigned char)lowest || byte >= 127)
		return '.';
	return (char)byte;
}

static inline void put_u32(struct put *to, uint32_t value)
{
	/* Ports and lengths are small. */
	if (value < 10)
		put_char(to, (char)('0' + value));
	else
		put_u64(to, value);
}

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
