// SPDX-License-Identifier: BSD-2-Clause
/*
 * Both queues against a model, with random operations. The seed is printed; give one as argument to repeat a run.
 */
#include "../check.h"
#include <croom/items.h>
#include <croom/ring.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed;

static uint64_t roll(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* The model: lengths and fill bytes of what is committed, in order, and how far each index has come. */
enum { MODEL = 1 << 16 };
static size_t length_of[MODEL];
static uint64_t committed, shown, fetched, stepped, released;

static uint64_t bytes_between(uint64_t from, uint64_t to)
{
	uint64_t sum = 0;

	for (; from < to; from++)
		sum += 8 + ((length_of[from % MODEL] + 7) & ~(size_t)7);
	return sum;
}

static unsigned char fill(uint64_t record)
{
	return (unsigned char)(record * 151 + 7);
}

static void produce(struct croom_ring *ring, uint64_t *refused)
{
	size_t longest = croom_ring_max_record(ring);
	size_t length = roll() % 16 == 0 ? roll() % (longest + 64) : roll() % 200;
	uint64_t need = 8 + ((length + 7) & ~(size_t)7);
	int fits = length <= longest && bytes_between(released, committed) + need <= croom_ring_size(ring);
	unsigned char *to = croom_ring_reserve(ring, length);

	CHECK_EQ(to != NULL, fits);
	if (!to) {
		(*refused)++;
		CHECK_EQ(croom_ring_refused(ring), *refused);
		return;
	}
	CHECK_EQ((uintptr_t)to % 8, 0);
	memset(to, fill(committed), length);
	if (length && roll() % 4 == 0)
		length -= roll() % length;
	croom_ring_commit(ring, length);
	length_of[committed++ % MODEL] = length;
}

static void consume(struct croom_ring *ring)
{
	size_t length = 0;
	const unsigned char *from = croom_ring_peek(ring, &length);
	unsigned wrong = 0;

	CHECK_EQ(from != NULL, stepped < fetched);
	if (!from)
		return;
	CHECK_EQ(length, length_of[stepped % MODEL]);
	/* Contiguous also where it crosses the end of the memory. */
	for (size_t i = 0; i < length; i++)
		wrong += from[i] != fill(stepped);
	CHECK_EQ(wrong, 0);
	croom_ring_next(ring);
	stepped++;
}

static void follow_model(uint64_t start, size_t bytes, int rounds)
{
	struct croom_ring *ring;
	uint64_t refused = 0;

	committed = shown = fetched = stepped = released = 0;
	CHECK_EQ(croom_ring_open_at(&ring, bytes, start), 0);
	for (int i = 0; i < rounds && !check_bad; i++) {
		switch (roll() % 8) {
		case 0: case 1: case 2:
			produce(ring, &refused);
			break;
		case 3:
			croom_ring_publish(ring);
			shown = committed;
			break;
		case 4:
			CHECK_EQ(croom_ring_fetch(ring), bytes_between(stepped, shown));
			fetched = shown;
			break;
		case 5: case 6:
			consume(ring);
			break;
		default:
			croom_ring_release(ring);
			released = stepped;
			break;
		}
		CHECK_EQ(croom_ring_used(ring), bytes_between(released, shown));
	}
	CHECK(stepped > (uint64_t)rounds / 20);
	croom_ring_close(ring);
}

static void ring_does_what_the_model_does(void)
{
	for (int i = 0; i < 10; i++)
		follow_model(0, 1, check_rounds(20000));
	follow_model(0, 100000, check_rounds(20000));
}

static void ring_wraps_at_2_to_the_32(void)
{
	for (uint64_t before = 8; before < 4096; before += 264)
		follow_model((UINT64_C(1) << 32) - before, 4096, 2000);
}

static void ring_wraps_at_2_to_the_64(void)
{
	for (uint64_t before = 8; before < 4096; before += 264)
		follow_model(0 - before, 4096, 2000);
}

static void ring_takes_a_record_of_its_full_size(void)
{
	struct croom_ring *ring;
	size_t length = 0;
	unsigned char *to;

	CHECK_EQ(croom_ring_open(&ring, 4096), 0);
	for (int i = 0; i < 3; i++) {
		to = croom_ring_reserve(ring, croom_ring_max_record(ring));
		CHECK(to != NULL);
		if (!to)
			break;
		memset(to, i + 1, croom_ring_max_record(ring));
		croom_ring_commit(ring, croom_ring_max_record(ring));
		croom_ring_publish(ring);
		CHECK_EQ(croom_ring_used(ring), croom_ring_size(ring));
		CHECK(croom_ring_try_reserve(ring, 0) == NULL);
		CHECK_EQ(croom_ring_refused(ring), 0);
		croom_ring_fetch(ring);
		to = (unsigned char *)(uintptr_t)croom_ring_peek(ring, &length);
		CHECK(to && to[0] == i + 1 && to[length - 1] == i + 1);
		CHECK_EQ(length, croom_ring_max_record(ring));
		croom_ring_next(ring);
		croom_ring_release(ring);
	}
	CHECK(croom_ring_reserve(ring, croom_ring_max_record(ring) + 1) == NULL);
	CHECK(croom_ring_reserve(ring, SIZE_MAX) == NULL);
	CHECK(croom_ring_reserve(ring, SIZE_MAX - 7) == NULL);
	CHECK_EQ(croom_ring_refused(ring), 3);
	croom_ring_close(ring);
}

static void ring_rounds_its_size_up(void)
{
	struct croom_ring *ring;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	CHECK_EQ(croom_ring_open(&ring, 1), 0);
	CHECK_EQ(croom_ring_size(ring), page);
	croom_ring_close(ring);
	CHECK_EQ(croom_ring_open(&ring, page + 1), 0);
	CHECK_EQ(croom_ring_size(ring), 2 * page);
	croom_ring_close(ring);
	CHECK_EQ(croom_ring_open(&ring, 0), -EINVAL);
	CHECK_EQ(croom_ring_open(&ring, SIZE_MAX), -EINVAL);
	CHECK_EQ(croom_ring_open_at(&ring, page, 1), -EINVAL);
	CHECK(ring == NULL);
}

static void items_model(size_t bytes, size_t capacity, uint64_t start)
{
	struct croom_items *items;
	static uint64_t batch[200 * 32];
	uint64_t put = 0, taken = 0, refused = 0, most = 0;
	/* A cell that is being filled, and half a kilobyte that is taken and not yet given back; small ones are made larger. */
	size_t words = bytes / 8, per_cell = croom_items_per_cell(bytes), stride = croom_items_stride(bytes);
	int rounds = check_rounds(20000);
	size_t slack = (1 + CROOM_ITEMS_AHEAD / stride + (2 * CROOM_ITEMS_AHEAD + 2 * stride) / stride + 1) * per_cell;

	CHECK_EQ(croom_items_open_at(&items, bytes, capacity, start), 0);
	for (int i = 0; i < rounds && !check_bad; i++) {
		size_t n = roll() % 2 ? 1 : roll() % 200, done;

		/* Faster or not, the same. */
		if (roll() % 100 == 0)
			croom_items_prefetching(items, roll() % 2);
		if (roll() % 2) {
			for (size_t k = 0; k < n; k++)
				for (size_t w = 0; w < words; w++)
					batch[k * words + w] = (put + k) * 8 + w;
			done = n == 1 ? croom_items_put(items, batch, bytes) : croom_items_put_many(items, batch, n, bytes);
			put += done;
			refused += n - done;
			/* Only what is asked for may be refused: capacity items always fit. */
			CHECK(done == n || put - taken >= capacity);
			CHECK_EQ(croom_items_refused(items), refused);
		} else {
			done = n == 1 ? croom_items_take(items, batch, bytes) : croom_items_take_many(items, batch, n, bytes);
			CHECK(done == n || taken + done == put);
			for (size_t k = 0; k < done; k++)
				for (size_t w = 0; w < words; w++)
					CHECK_EQ(batch[k * words + w], (taken + k) * 8 + w);
			taken += done;
		}
		most = put - taken > most ? put - taken : most;
		CHECK_EQ(croom_items_used(items), put - taken);
	}
	CHECK(most >= capacity && most <= capacity + slack);
	croom_items_close(items);
}

static void items_do_what_the_model_does(void)
{
	static const size_t sizes[] = { 8, 16, 24, 32, 40, 48, 56, 64, 72, 120, 256 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t capacity = 1; capacity <= 256; capacity *= 4)
			items_model(sizes[i], capacity, 1);
}

/* The word of a cell keeps 48 bits of its number. */
static void items_wrap(void)
{
	static const uint64_t starts[] = { 0, (UINT64_C(1) << 32) - 50, (UINT64_C(1) << 48) - 50, UINT64_MAX - 50 };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		for (size_t bytes = 8; bytes <= 64; bytes += 28 - bytes % 28)
			items_model((bytes + 7) / 8 * 8, 100, starts[i]);
}

static void items_refuse_what_they_cannot_hold(void)
{
	struct croom_items *items;

	CHECK_EQ(croom_items_open(&items, 0, 8), -EINVAL);
	CHECK_EQ(croom_items_open(&items, 12, 8), -EINVAL);
	CHECK_EQ(croom_items_open(&items, CROOM_ITEMS_MAX_BYTES + 8, 8), -EINVAL);
	CHECK_EQ(croom_items_open(&items, 8, 0), -EINVAL);
	CHECK(items == NULL);
}

int main(int argc, char **argv)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)now.tv_nsec * 2654435761u + (uint64_t)now.tv_sec;
	seed |= 1;
	printf("# seed %#llx, pages of %ld bytes\n", (unsigned long long)seed, sysconf(_SC_PAGESIZE));
	RUN(ring_does_what_the_model_does);
	RUN(ring_wraps_at_2_to_the_32);
	RUN(ring_wraps_at_2_to_the_64);
	RUN(ring_takes_a_record_of_its_full_size);
	RUN(ring_rounds_its_size_up);
	RUN(items_do_what_the_model_does);
	RUN(items_wrap);
	RUN(items_refuse_what_they_cannot_hold);
	return check_result();
}
