/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages as text and as JSON, both ways, for a process that may be out of memory: the whole message or nothing.
 *
 * jansson holds the values, but does not read or write them. Its reader loses bytes without a word when a buffer of its
 * does not grow (a string comes out shorter, or is read on behind its end), and its writer leaves out a name.
 */
#include "server.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	char *start, *at, *end;    /* a NUL stands at the end */
	int depth;
	bool missing;              /* memory was */
	char *why;                 /* WHY_MAX bytes */
};

static json_t *take_value(struct reader *reader);

static json_t *wrong(struct reader *reader, const char *what)
{
	snprintf(reader->why, WHY_MAX, "%s at byte %zu", what, (size_t)(reader->at - reader->start));
	return NULL;
}

/* The value, or that there was no memory for it. */
static json_t *made(struct reader *reader, json_t *value)
{
	if (!value)
		reader->missing = true;
	return value;
}

static char next(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r')
		reader->at++;
	return *reader->at;
}

/* How many bytes the character takes that begins here: 0 when it is not UTF-8. */
static size_t utf8(const unsigned char *at, size_t left)
{
	/* The second byte's bounds keep out what is longer than need be, halves of surrogates and what is beyond Unicode. */
	unsigned low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80, high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
	size_t length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;

	if (length > left || (length > 1 && (at[1] < low || at[1] > high)))
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool utf8_good(const char *text)
{
	size_t left = strlen(text), length;

	for (; left; text += length, left -= length)
		if (!(length = utf8((const unsigned char *)text, left)))
			return false;
	return true;
}

/* The four digits behind a \u; -1: they are none. */
static int32_t take_hex(struct reader *reader)
{
	int32_t value = 0;

	for (int i = 0; i < 4; i++, reader->at++) {
		char c = *reader->at;

		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
			value = value * 16 + (c & 15) + 9;
		else
			return -1;
	}
	return value;
}

static char *put_utf8(char *to, int32_t value)
{
	int more = value < 0x80 ? 0 : value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
	static const int first[] = { 0, 0xc0, 0xe0, 0xf0 };

	*to++ = (char)(first[more] | value >> (6 * more));
	for (int left = more - 1; left >= 0; left--)
		*to++ = (char)(0x80 | (value >> (6 * left) & 0x3f));
	return to;
}

/* What follows \u, which may be two of them. NULL: it is no character, or NUL, which no C string can hold. */
static char *take_unicode(struct reader *reader, char *to)
{
	int32_t value = take_hex(reader);

	if (value >= 0xd800 && value < 0xdc00 && reader->at[0] == '\\' && reader->at[1] == 'u') {
		int32_t low;

		reader->at += 2;
		low = take_hex(reader);
		value = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((value - 0xd800) << 10) + low - 0xdc00 : -1;
	}
	return value <= 0 || (value >= 0xd800 && value < 0xe000) ? NULL : put_utf8(to, value);
}

static char *take_escape(struct reader *reader, char *to)
{
	static const char from[] = "\"\\/bfnrt", is[] = "\"\\/\b\f\n\r\t";
	const char *at = *reader->at ? strchr(from, *reader->at) : NULL;

	if (*reader->at == 'u') {
		reader->at++;
		return take_unicode(reader, to);
	}
	if (!at)
		return NULL;
	reader->at++;
	*to++ = is[at - from];
	return to;
}

/* From the quote on; where it is, the string is put, which is never longer than what stands for it. Needs no memory. */
static char *take_text(struct reader *reader, size_t *length)
{
	char *start = ++reader->at, *to = start;

	while (*reader->at != '"') {
		size_t bytes = utf8((const unsigned char *)reader->at, (size_t)(reader->end - reader->at));

		if (reader->at == reader->end || (unsigned char)*reader->at < 32 || !bytes) {
			wrong(reader, reader->at == reader->end ? "a string does not end" : bytes ? "a control character in a string" :
			      "a string is not UTF-8");
			return NULL;
		}
		if (*reader->at == '\\') {
			reader->at++;
			to = take_escape(reader, to);
			if (!to) {
				wrong(reader, "no such character");
				return NULL;
			}
			continue;
		}
		memmove(to, reader->at, bytes);
		to += bytes;
		reader->at += bytes;
	}
	reader->at++;
	*to = 0;
	*length = (size_t)(to - start);
	return start;
}

static json_t *take_string(struct reader *reader)
{
	size_t length;
	char *text = take_text(reader, &length);

	return text ? made(reader, json_stringn_nocheck(text, length)) : NULL;
}

static bool digits(struct reader *reader)
{
	bool any = false;

	for (; *reader->at >= '0' && *reader->at <= '9'; reader->at++)
		any = true;
	return any;
}

static json_t *take_number(struct reader *reader)
{
	char *start = reader->at;
	bool whole = true, good;
	long long value;
	double real;

	reader->at += *reader->at == '-';
	if (*reader->at == '0') {
		reader->at++;
		good = true;
	} else {
		good = digits(reader);
	}
	if (good && *reader->at == '.') {
		reader->at++;
		whole = false;
		good = digits(reader);
	}
	if (good && (*reader->at == 'e' || *reader->at == 'E')) {
		reader->at++;
		whole = false;
		reader->at += *reader->at == '+' || *reader->at == '-';
		good = digits(reader);
	}
	if (!good)
		return wrong(reader, "not a number");
	/* No parameter takes one that is not whole: that it is one is enough, should the locale write it otherwise. */
	real = whole ? 0 : strtod(start, NULL);
	if (!isfinite(real))
		return wrong(reader, "a number that is too large");
	if (!whole)
		return made(reader, json_real(real));
	errno = 0;
	value = strtoll(start, NULL, 10);
	return errno ? wrong(reader, "a number that is too large") : made(reader, json_integer(value));
}

static json_t *take_word(struct reader *reader)
{
	static const char *const words[] = { "true", "false", "null" };

	for (int i = 0; i < 3; i++)
		if (strncmp(reader->at, words[i], strlen(words[i])) == 0) {
			reader->at += strlen(words[i]);
			return i == 0 ? json_true() : i == 1 ? json_false() : json_null();
		}
	return wrong(reader, *reader->at ? "not JSON" : "the message is cut off");
}

/* "name": value */
static bool take_member(struct reader *reader, json_t *object)
{
	size_t length;
	char *name = next(reader) == '"' ? take_text(reader, &length) : NULL;
	json_t *value;

	if (!name && !*reader->why)
		wrong(reader, "a name in quotes is missing");
	else if (name && json_object_get(object, name))
		wrong(reader, "a name for the second time");
	else if (name && next(reader) != ':')
		wrong(reader, "a colon is missing");
	if (*reader->why)
		return false;
	reader->at++;
	value = take_value(reader);
	if (value && json_object_set_new_nocheck(object, name, value))
		reader->missing = true;
	return value && !reader->missing;
}

static bool take_element(struct reader *reader, json_t *array)
{
	json_t *value = take_value(reader);

	if (value && json_array_append_new(array, value))
		reader->missing = true;
	return value && !reader->missing;
}

/* From the bracket on to its other. */
static json_t *take_several(struct reader *reader, bool object)
{
	const char end = object ? '}' : ']';
	json_t *several = made(reader, object ? json_object() : json_array());
	bool good = several != NULL;

	reader->at++;
	if (good && next(reader) != end)
		do
			good = object ? take_member(reader, several) : take_element(reader, several);
		while (good && next(reader) == ',' && reader->at++);
	if (good && *reader->at != end) {
		wrong(reader, object ? "a comma or a } is missing" : "a comma or a ] is missing");
		good = false;
	}
	if (!good) {
		json_decref(several);
		return NULL;
	}
	reader->at++;
	return several;
}

static json_t *take_value(struct reader *reader)
{
	char c = next(reader);
	json_t *value;

	if (c == '"')
		return take_string(reader);
	if (c == '-' || (c >= '0' && c <= '9'))
		return take_number(reader);
	if (c != '{' && c != '[')
		return take_word(reader);
	if (++reader->depth > DEPTH_MAX)
		return wrong(reader, "nests deeper than 32 levels");
	value = take_several(reader, c == '{');
	reader->depth--;
	return value;
}

json_t *message_read(char *text, size_t length, char why[WHY_MAX])
{
	struct reader reader = { .start = text, .at = text, .end = text + length, .why = why };
	json_t *message;

	*why = 0;
	message = take_value(&reader);
	if (message && (next(&reader) || reader.at != reader.end)) {
		wrong(&reader, "something follows the message");
		json_decref(message);
		message = NULL;
	}
	if (reader.missing)
		*why = 0;
	return message;
}

struct written {
	char *text;
	size_t used, room;
	bool missing;              /* memory was: what is there is of no use, whatever came later */
};

static int add(const char *bytes, size_t count, void *env)
{
	struct written *written = env;
	size_t room = written->room ? written->room : 1024;
	char *text;

	while (room - written->used <= count)
		room *= 2;
	if (room != written->room && !written->missing) {
		text = realloc(written->text, room);
		written->missing = !text;
		written->text = text ? text : written->text;
		written->room = room;
	}
	if (written->missing)
		return -1;
	memcpy(written->text + written->used, bytes, count);
	written->used += count;
	return 0;
}

char *message_write(const json_t *message, size_t *length)
{
	struct written written = { 0 };

	if (json_dump_callback(message, add, &written, JSON_COMPACT) || add("", 1, &written)) {
		free(written.text);
		return NULL;
	}
	*length = written.used;
	return written.text;
}
