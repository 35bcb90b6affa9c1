/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three arrays in one reservation: entries (where a string is), places (a hash table of ids, open addressing, at
 * most half full, so a probe is short and bounded), bytes.
 *
 * The writer owns all of them. It writes bytes and entry first, then `count`, then the place: a reader that sees
 * an id in either sees the whole string. If the writer stops anywhere, a string is there or it is not.
 */
#include <croom/strings.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

struct entry {
	uint64_t offset;
	uint64_t length;
};

struct croom_strings {
	struct entry *entry;
	uint64_t *place;              /* upper half: of the hash; lower half: id + 1; 0: free */
	char *bytes;
	size_t max_entries, max_bytes, places, mapped;
	uint64_t seed[2];
	uint64_t used __attribute__((aligned(64)));
	uint64_t count;
};

static uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Into a word of its own size: half of a larger one would be its upper half where bytes go from high to low. */
static uint64_t load_half(const unsigned char *at)
{
	uint32_t half;

	memcpy(&half, at, sizeof(half));
	return half;
}

/* Up to 8 bytes in one word, without a loop; which bytes stand where does not matter, as long as none is left out. */
static uint64_t short_word(const unsigned char *at, size_t length)
{
	if (length >= 4)
		return load_half(at) << 32 | load_half(at + length - 4);
	return length ? (uint64_t)at[0] << 16 | (uint64_t)at[length / 2] << 8 | at[length - 1] : 0;
}

/*
 * Multiply and fold, seeded per registry so that nobody can choose strings that collide. The last word overlaps the
 * one before: a loop over the odd bytes mispredicts its end, which cost a tenth of a look-up.
 */
static uint64_t hash(const struct croom_strings *strings, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	uint64_t h = strings->seed[0] ^ length;

	if (length <= 8)
		return fold(fold(h ^ short_word(at, length), strings->seed[1]) ^ strings->seed[0], UINT64_C(0x9e3779b97f4a7c15));
	for (size_t i = 0; i + 8 < length; i += 8)
		h = fold(h ^ load(at + i), strings->seed[1]);
	h = fold(h ^ load(at + length - 8), strings->seed[1]);
	return fold(h ^ strings->seed[0], UINT64_C(0x9e3779b97f4a7c15));
}

int croom_strings_open(struct croom_strings **out, size_t max_entries, size_t max_bytes)
{
	struct croom_strings *strings;
	size_t places = 16;
	char *at;

	*out = NULL;
	if (max_entries == 0 || max_entries > (size_t)1 << 31 || max_bytes == 0 || max_bytes > (size_t)1 << 40)
		return -EINVAL;
	while (places < 2 * max_entries)
		places *= 2;
	strings = aligned_alloc(64, sizeof(*strings));
	if (!strings)
		return -ENOMEM;
	memset(strings, 0, sizeof(*strings));
	strings->mapped = max_entries * sizeof(struct entry) + places * sizeof(uint64_t) + max_bytes;
	at = mmap(NULL, strings->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED || getrandom(strings->seed, sizeof(strings->seed), 0) != sizeof(strings->seed)) {
		if (at != MAP_FAILED)
			munmap(at, strings->mapped);
		free(strings);
		return -ENOMEM;
	}
	strings->seed[1] |= 1;
	strings->entry = (struct entry *)(void *)at;
	strings->place = (uint64_t *)(void *)(at + max_entries * sizeof(struct entry));
	strings->bytes = (char *)(strings->place + places);
	strings->max_entries = max_entries;
	strings->max_bytes = max_bytes;
	strings->places = places;
	*out = strings;
	return 0;
}

void croom_strings_close(struct croom_strings *strings)
{
	if (!strings)
		return;
	munmap(strings->entry, strings->mapped);
	free(strings);
}

/* The place where these bytes are or belong; *id is set and true returned when they are in. */
static int look(const struct croom_strings *strings, const void *bytes, size_t length, uint64_t h, size_t *place,
		uint32_t *id)
{
	size_t mask = strings->places - 1, i = h & mask;

	/* Ends: at most half of the places are taken. */
	for (;; i = (i + 1) & mask) {
		/* pair: strings.place -- acquire; the release is in croom_strings_intern(), below. */
		uint64_t at = croom_get_acquire(strings.place.look, &strings->place[i]);

		if (at == 0) {
			*place = i;
			return 0;
		}
		if (at >> 32 == h >> 32) {
			uint32_t have = (uint32_t)at - 1;
			const struct entry *entry = &strings->entry[have];

			if (entry->length == length &&
			    (length == 0 || memcmp(strings->bytes + entry->offset, bytes, length) == 0)) {
				*id = have;
				return 1;
			}
		}
	}
}

int croom_strings_intern(struct croom_strings *strings, const void *bytes, size_t length, uint32_t *id)
{
	uint64_t h = hash(strings, bytes, length);
	struct entry *entry;
	size_t place;

	if (look(strings, bytes, length, h, &place, id))
		return 0;
	if (strings->count == strings->max_entries || length >= strings->max_bytes - strings->used)
		return -ENOSPC;
	entry = &strings->entry[strings->count];
	entry->offset = strings->used;
	entry->length = length;
	if (length)
		memcpy(strings->bytes + strings->used, bytes, length);
	strings->bytes[strings->used + length] = 0;
	*id = (uint32_t)strings->count;
	/* relaxed: a figure for people. */
	croom_set_relaxed(&strings->used, strings->used + length + 1);
	/* pair: strings.count -- release; the acquire is in croom_strings_get(), below. Entry and bytes are complete. */
	croom_set_release(strings.count.intern, &strings->count, strings->count + 1);
	/* pair: strings.place -- release; the acquire is in look(), above. */
	croom_set_release(strings.place.intern, &strings->place[place], (h >> 32 << 32) | (*id + 1u));
	return 0;
}

int croom_strings_find(const struct croom_strings *strings, const void *bytes, size_t length, uint32_t *id)
{
	size_t place;

	return look(strings, bytes, length, hash(strings, bytes, length), &place, id) ? 0 : -ENOENT;
}

const char *croom_strings_get(const struct croom_strings *strings, uint32_t id, size_t *length)
{
	/* pair: strings.count -- acquire; the release is in croom_strings_intern(), above. */
	if (id >= croom_get_acquire(strings.count.get, &strings->count))
		return NULL;
	*length = strings->entry[id].length;
	return strings->bytes + strings->entry[id].offset;
}

size_t croom_strings_count(const struct croom_strings *strings)
{
	/* relaxed: a figure for people. */
	return croom_get_relaxed(&strings->count);
}

size_t croom_strings_bytes(const struct croom_strings *strings)
{
	/* relaxed: a figure for people. */
	return croom_get_relaxed(&strings->used);
}
