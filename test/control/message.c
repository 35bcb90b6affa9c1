// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server's reader and writer of JSON beside jansson's own: they take and refuse the same texts, and make the same of
 * what they take. The seed is printed; give one as argument to repeat a run.
 */
#include "../check.h"
#include "../../control/server.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed;
static long taken, refused;

static uint64_t roll(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static const char *const texts[] = {
	"{}", "[]", "{\"a\":1}", " { \"a\" : [ 1 , -2 , 0 , -0 , 3.5 , 1e3 , 1E-3 , 2.5e+10 ] , \"b\" : { } }\t\r\n",
	"{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"changes\":[{\"slot\":\"printer\",\"handler\":\"text:16 bytes and more\"}]}}",
	"[true,false,null,\"\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20AC\\uffff\\ud83d\\ude00\"]",
	"[\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"]", "[9223372036854775807,-9223372036854775808]",
	"{\"\":\"\",\"\xc3\xa4\":[[[[{\"deep\":[{}]}]]]]}", "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":2}}",
	/* and some that are not JSON */
	"", " ", "{", "}", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "{\"a\" 1}", "[1 2]", "{} {}", "{}x",
	"{\"a\":1,\"a\":2}", "[01]", "[-]", "[+1]", "[1.]", "[.5]", "[1e]", "[1e+]", "[0x10]", "[1.e5]", "[9223372036854775808]",
	"[-9223372036854775809]", "[1e999]", "[-1e999]", "[NaN]", "[Infinity]", "[tru]", "[True]", "[nullx]", "[\"\\x\"]", "[\"\\u12\"]",
	"[\"\\u12g4\"]", "[\"\\u0000\"]", "[\"\\ud800\"]", "[\"\\ud800x\"]", "[\"\\ud800\\u0041\"]", "[\"\\udc00\"]", "[\"\\ud800\\ud800\"]", "[\"a",
	"[\"a\nb\"]", "[\"\x01\"]", "[\"\x80\"]", "[\"\xc0\x80\"]", "[\"\xc1\xbf\"]", "[\"\xe0\x80\x80\"]", "[\"\xed\xa0\x80\"]", "[\"\xf0\x80\x80\x80\"]",
	"[\"\xf4\x90\x80\x80\"]", "[\"\xf5\x80\x80\x80\"]", "[\"\xff\"]", "[\"\xe2\x82\"]", "[\"\xc3\"", "[\"\xe2\x82x\"]", "// c\n{}", "[1]]", "\"a\"", "1",
	"null",
};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]), GOOD = 10 };

static bool depth_is_fine(const char *text)
{
	int depth = 0;

	for (; *text; text++)
		if (*text == '{' || *text == '[')
			depth++;
	return depth <= DEPTH_MAX;
}

/* In memory of just its length, so that a sanitizer sees what is read behind it. */
static void compare(const char *text, size_t length)
{
	char why[WHY_MAX], *copy = malloc(length + 1);
	json_t *wanted = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL), *got;

	memcpy(copy, text, length);
	copy[length] = 0;
	got = message_read(copy, length, why);
	/* Ours takes any value; that it has to be an object the server says. */
	if (got && !json_is_object(got) && !json_is_array(got)) {
		json_decref(got);
		got = NULL;
		strcpy(why, "neither");
	}
	if (!got != !wanted || (got && !json_equal(got, wanted))) {
		printf("# '%.*s': jansson %s it, we %s: %s\n", (int)length, text, wanted ? "takes" : "refuses", got ? "take" : "refuse", why);
		CHECK(!got == !wanted && (!got || json_equal(got, wanted)));
	}
	CHECK(!got == (*why != 0));
	if (got) {
		char *theirs = json_dumps(got, JSON_COMPACT), *ours;
		size_t bytes;

		ours = message_write(got, &bytes);
		CHECK(ours && strcmp(ours, theirs) == 0 && bytes == strlen(theirs) + 1);
		free(ours);
		free(theirs);
		taken++;
	} else {
		refused++;
	}
	json_decref(got);
	json_decref(wanted);
	free(copy);
}

static void reads_and_writes_like_jansson(void)
{
	for (int i = 0; i < TEXTS; i++)
		compare(texts[i], strlen(texts[i]));
	CHECK(taken == GOOD && refused == TEXTS - GOOD);
}

/* Bytes changed, left out, put in, cut off, of one text or of two. */
static void and_so_with_texts_that_chance_has_made(void)
{
	static const char likely[] = "{}[]\",:\\/u0123456789abcdefntr-+.eE \xc3\xa4\xed\xa0\x80\xf0\x9f\x98\x80";
	char text[512];

	taken = refused = 0;
	for (int i = 0; i < 200000 && !check_bad; i++) {
		int length = snprintf(text, 400, "%s%s", texts[roll() % (roll() % 2 ? GOOD : TEXTS)],
				      roll() % 8 ? "" : texts[roll() % TEXTS]);

		for (uint64_t changes = roll() % 4; changes && length; changes--) {
			size_t at = roll() % (size_t)length;
			char byte = roll() % 4 ? likely[roll() % (sizeof(likely) - 1)] : (char)(1 + roll() % 255);

			switch (roll() % 4) {
			case 0: text[at] = byte; break;
			case 1: memmove(text + at, text + at + 1, (size_t)length - at); length--; break;
			case 2: memmove(text + at + 1, text + at, (size_t)length - at + 1); text[at] = byte; length++; break;
			default: text[at] = 0; length = (int)at; break;
			}
		}
		if (depth_is_fine(text))
			compare(text, (size_t)length);
	}
	printf("# %ld taken, %ld refused\n", taken, refused);
	CHECK(taken > 10000 && refused > 10000);
}

static void is_no_deeper_than_it_may_be(void)
{
	char text[100], why[WHY_MAX];
	json_t *message;

	for (int depth = DEPTH_MAX; depth <= DEPTH_MAX + 1; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		text[2 * depth] = 0;
		message = message_read(text, 2 * (size_t)depth, why);
		CHECK(!message == (depth > DEPTH_MAX));
		CHECK(message || strcmp(why, "nests deeper than 32 levels at byte 32") == 0);
		json_decref(message);
	}
}

int main(int argc, char **argv)
{
	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
	seed = seed ? seed : 1;
	printf("# seed %llu\n", (unsigned long long)seed);
	RUN(reads_and_writes_like_jansson);
	RUN(and_so_with_texts_that_chance_has_made);
	RUN(is_no_deeper_than_it_may_be);
	return check_result();
}
