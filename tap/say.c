/* SPDX-License-Identifier: BSD-2-Clause */
/* What croomtap says on standard error. */
#include "say.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAID_MAX = 3000, ENDS = 1000 };

/* Bytes of the character in UTF-8 that begins there and does nothing but stand there; 0: it is none. */
static size_t character(const unsigned char *at)
{
	size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	uint32_t code = at[0] & (length == 1 ? 0x7f : 0x7fU >> length);

	if (at[0] >= 0xf5 || (at[0] >= 0x80 && at[0] < 0xc2))
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	/* Control characters of both sets, and what turns the direction of writing. */
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069))
		return 0;
	return length;
}

void tap_plain(char *text)
{
	char *to = text;

	while (*text) {
		size_t length = character((const unsigned char *)text);

		if (length == 0)
			*to++ = '?';
		for (size_t i = 0; i < length; i++)
			*to++ = text[i];
		text += length ? length : 1;
	}
	*to = 0;
}

/* Standard error has no buffer of its own: one write, so that lines of two threads are not mixed. */
static void say_one(char *text)
{
	size_t length;

	tap_plain(text);
	length = strlen(text);
	/* What is at the end says why. */
	if (length > SAID_MAX)
		fprintf(stderr, "croomtap: %.*s...%s\n", ENDS, text, text + length - ENDS);
	else
		fprintf(stderr, "croomtap: %s\n", text);
}

void tap_say(const char *format, ...)
{
	char part[SAID_MAX], *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!text) {
		/* There may be no memory, and that is to be said. */
		va_start(args, format);
		vsnprintf(part, sizeof(part), format, args);
		va_end(args);
	}
	say_one(text ? text : part);
	free(text);
}
