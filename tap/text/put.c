/* SPDX-License-Identifier: BSD-2-Clause */
#include "put.h"

static const char pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354"
	"555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
static const char digits16[] = "0123456789abcdef";

void put_u64(struct put *to, uint64_t value)
{
	char text[20];
	char *at = text + sizeof(text);

	while (value >= 100) {
		at -= 2;
		memcpy(at, &pairs[value % 100 * 2], 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(at, &pairs[value * 2], 2);
	} else {
		*--at = (char)('0' + value);
	}
	put_bytes(to, at, (size_t)(text + sizeof(text) - at));
}

void put_padded(struct put *to, uint64_t value, unsigned digits)
{
	char text[20];

	for (unsigned i = digits; i-- > 0; value /= 10)
		text[i] = (char)('0' + value % 10);
	put_bytes(to, text, digits);
}

void put_hex_padded(struct put *to, uint64_t value, unsigned digits)
{
	char text[16];

	for (unsigned i = digits; i-- > 0; value >>= 4)
		text[i] = digits16[value & 15];
	put_bytes(to, text, digits);
}

void put_hex(struct put *to, uint64_t value)
{
	unsigned digits = 1;

	while (digits < 16 && value >> (4 * digits))
		digits++;
	put_hex_padded(to, value, digits);
}

void put_mac(struct put *to, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char text[3] = { ':', digits16[bytes[i] >> 4], digits16[bytes[i] & 15] };

		put_bytes(to, text + (i == 0), 3 - (i == 0));
	}
}

void put_ip4(struct put *to, const uint8_t *address)
{
	char text[16];
	char *at = text;

	for (int i = 0; i < 4; i++) {
		unsigned byte = address[i];

		if (byte >= 100) {
			*at++ = (char)('0' + byte / 100);
			byte %= 100;
			memcpy(at, &pairs[(size_t)byte * 2], 2);
			at += 2;
		} else if (byte >= 10) {
			memcpy(at, &pairs[(size_t)byte * 2], 2);
			at += 2;
		} else {
			*at++ = (char)('0' + byte);
		}
		*at++ = '.';
	}
	put_bytes(to, text, (size_t)(at - text - 1));
}

void put_visible(struct put *to, uint8_t byte)
{
	if (byte & 0x80)
		put_text(to, "M-");
	byte &= 0x7f;
	if (byte < 32 || byte == 127) {
		put_char(to, '^');
		byte ^= 0x40;
	}
	put_char(to, (char)byte);
}

/* The first longest run of zero words, if it is longer than one. */
static void longest_zeros(const uint16_t *word, int *start, int *length)
{
	*start = -1;
	*length = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && word[i + n] == 0)
			n++;
		if (n > *length) {
			*start = i;
			*length = n;
		}
		i += n;
	}
}

void put_ip6(struct put *to, const uint8_t *address)
{
	uint16_t word[8];
	int start, length;

	for (int i = 0; i < 8; i++)
		word[i] = be16(address + (ptrdiff_t)2 * i);
	longest_zeros(word, &start, &length);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			put_text(to, "::");
			i += length - 1;
			continue;
		}
		/* The last 32 bits of ::a.b.c.d and ::ffff:a.b.c.d are an IPv4 address. */
		if (i == 6 && start == 0 && (length == 6 || (length == 5 && word[5] == 0xffff))) {
			if (length == 5)
				put_char(to, ':');
			put_ip4(to, address + 12);
			return;
		}
		if (i && (start < 0 || i != start + length))
			put_char(to, ':');
		put_hex(to, word[i]);
	}
}

/* Days since 1970 to a date: eras of 400 years, years that begin in March. */
void put_date(struct put *to, int64_t days)
{
	int64_t era, day, year, shifted;
	int64_t month;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day = days - era * 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	shifted = (5 * day + 2) / 153;
	day -= (153 * shifted + 2) / 5;
	month = shifted < 10 ? shifted + 3 : shifted - 9;
	put_padded(to, (uint64_t)(year + era * 400 + (month <= 2)), 4);
	put_char(to, '-');
	put_padded(to, (uint64_t)month, 2);
	put_char(to, '-');
	put_padded(to, (uint64_t)(day + 1), 2);
}

void put_clock(struct put *to, uint32_t second)
{
	put_padded(to, second / 3600, 2);
	put_char(to, ':');
	put_padded(to, second / 60 % 60, 2);
	put_char(to, ':');
	put_padded(to, second % 60, 2);
}
