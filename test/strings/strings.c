// SPDX-License-Identifier: BSD-2-Clause
/* StringRegistry: stable ids for any bytes, bounded, readable while it grows. */
#include "../check.h"
#include <croom/strings.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static void takes_any_bytes_and_keeps_their_ids(void)
{
	const struct { const char *bytes; size_t length; } in[] = { { "", 0 }, { "\0", 1 }, { "\0\0", 2 }, { "a", 1 },
		{ "a\0", 2 }, { "a\0b", 3 }, { "\xff\xfe\x80", 3 }, { "12345678", 8 }, { "123456789", 9 },
		{ "12345678\0", 9 } };
	enum { COUNT = sizeof(in) / sizeof(in[0]) };
	struct croom_strings *strings;
	uint32_t id;
	size_t length;

	CHECK_EQ(croom_strings_open(&strings, 100, 1000), 0);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < COUNT; i++) {
			CHECK_EQ(croom_strings_intern(strings, in[i].bytes, in[i].length, &id), 0);
			CHECK_EQ(id, i);
		}
	CHECK_EQ(croom_strings_count(strings), COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		const char *bytes = croom_strings_get(strings, i, &length);

		CHECK_EQ(length, in[i].length);
		CHECK(memcmp(bytes, in[i].bytes, length) == 0 && bytes[length] == 0);
		CHECK(croom_strings_find(strings, in[i].bytes, in[i].length, &id) == 0 && id == i);
	}
	CHECK(croom_strings_get(strings, COUNT, &length) == NULL);
	CHECK(croom_strings_get(strings, UINT32_MAX, &length) == NULL);
	CHECK_EQ(croom_strings_find(strings, "zz", 2, &id), -ENOENT);
	croom_strings_close(strings);
}

static void refuses_more_than_its_bounds_and_stays_whole(void)
{
	struct croom_strings *strings;
	uint32_t id = 77;
	char text[16];

	CHECK_EQ(croom_strings_open(&strings, 10, 1000), 0);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "%d", i);
		CHECK_EQ(croom_strings_intern(strings, text, strlen(text), &id), 0);
	}
	CHECK_EQ(croom_strings_intern(strings, "new", 3, &id), -ENOSPC);
	CHECK_EQ(croom_strings_intern(strings, "7", 1, &id), 0);
	CHECK_EQ(id, 7);
	CHECK_EQ(croom_strings_count(strings), 10);
	croom_strings_close(strings);

	CHECK_EQ(croom_strings_open(&strings, 10, 8), 0);
	CHECK_EQ(croom_strings_intern(strings, "12345678", 8, &id), -ENOSPC);
	CHECK_EQ(croom_strings_intern(strings, "1234567", 7, &id), 0);
	CHECK_EQ(croom_strings_bytes(strings), 8);
	CHECK_EQ(croom_strings_intern(strings, "", 0, &id), -ENOSPC);
	CHECK_EQ(croom_strings_count(strings), 1);
	croom_strings_close(strings);
	CHECK_EQ(croom_strings_open(&strings, 0, 8), -EINVAL);
	CHECK_EQ(croom_strings_open(&strings, 8, 0), -EINVAL);
	CHECK(strings == NULL);
}

static size_t name(char *text, uint32_t i)
{
	return (size_t)sprintf(text, "endpoint-%u:%u", i, i * 7u);
}

static void holds_a_million(void)
{
	const uint32_t count = (uint32_t)check_rounds(1000000);
	struct croom_strings *strings;
	char text[64];
	uint32_t id, wrong = 0;
	size_t length;

	CHECK_EQ(croom_strings_open(&strings, count, 64u << 20), 0);
	for (uint32_t i = 0; i < count; i++)
		wrong += croom_strings_intern(strings, text, name(text, i), &id) != 0 || id != i;
	CHECK_EQ(wrong, 0);
	for (uint32_t i = 0; i < count; i += 7) {
		size_t want = name(text, i);
		const char *bytes = croom_strings_get(strings, i, &length);

		wrong += length != want || memcmp(bytes, text, want) != 0;
		wrong += croom_strings_find(strings, text, want, &id) != 0 || id != i;
	}
	CHECK_EQ(wrong, 0);
	croom_strings_close(strings);
}

static struct croom_strings *shared;
static int stop;

static void *reader(void *arg)
{
	uint64_t *seen = arg;
	uint32_t wrong = 0;
	char text[64];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		/* The newest there is, which is where a missing order would show, by id and by its bytes. */
		size_t count = croom_strings_count(shared), length, want;
		uint32_t newest = (uint32_t)count - 1, id = 0;
		const char *bytes = count ? croom_strings_get(shared, newest, &length) : NULL;

		if (!bytes)
			continue;
		want = name(text, newest);
		wrong += length != want || memcmp(bytes, text, want) != 0;
		want = name(text, newest + 1);
		if (croom_strings_find(shared, text, want, &id) == 0)
			wrong += id != newest + 1;
		__atomic_store_n(seen, *seen + 1, __ATOMIC_RELAXED);
	}
	CHECK_EQ(wrong, 0);
	return NULL;
}

static void is_read_while_it_grows(void)
{
	const uint32_t count = (uint32_t)check_rounds(200000);
	pthread_t thread[2];
	uint64_t seen[2] = { 0 };
	char text[64];
	uint32_t id;

	CHECK_EQ(croom_strings_open(&shared, count, 16u << 20), 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, reader, &seen[i]);
	for (uint32_t i = 0; i < count; i++)
		if (croom_strings_intern(shared, text, name(text, i), &id) || id != i)
			CHECK(0);
	/* On one core the readers may not have run yet. */
	while (__atomic_load_n(&seen[0], __ATOMIC_RELAXED) == 0 && !check_bad)
		;
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	croom_strings_close(shared);
}

int main(void)
{
	RUN(takes_any_bytes_and_keeps_their_ids);
	RUN(refuses_more_than_its_bounds_and_stays_whole);
	RUN(holds_a_million);
	RUN(is_read_while_it_grows);
	return check_result();
}
