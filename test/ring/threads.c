// SPDX-License-Identifier: BSD-2-Clause
/* Two threads: nothing is lost, doubled, reordered or torn, whether the producer drops or waits. */
#include "../check.h"
#include <croom/items.h>
#include <croom/ring.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { RECORDS = 300000 };

struct run {
	struct croom_ring *ring;
	struct croom_items *items;
	int drops;
	uint64_t sent, refused;
	int over;
};

static size_t length_for(uint64_t n)
{
	return 8 + n * 2654435761u % 240;
}

static void *ring_producer(void *arg)
{
	struct run *run = arg;

	for (uint64_t n = 1; n <= RECORDS; n++) {
		size_t length = length_for(n);
		uint64_t *to;

		while (!(to = run->drops ? croom_ring_reserve(run->ring, length) : croom_ring_try_reserve(run->ring, length)) &&
		       !run->drops) {
			croom_ring_publish(run->ring);
			sched_yield();
		}
		if (!to) {
			run->refused++;
			continue;
		}
		memset(to, (int)(n & 0xff), length);
		*to = n;
		croom_ring_commit(run->ring, length);
		run->sent++;
		if (n % 32 == 0)
			croom_ring_publish(run->ring);
	}
	croom_ring_publish(run->ring);
	__atomic_store_n(&run->over, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void ring_round(int drops)
{
	struct run run = { .drops = drops };
	uint64_t last = 0, got = 0, wrong = 0;
	pthread_t producer;
	int over;

	CHECK_EQ(croom_ring_open(&run.ring, 16384), 0);
	pthread_create(&producer, NULL, ring_producer, &run);
	do {
		const unsigned char *from;
		size_t length;

		over = __atomic_load_n(&run.over, __ATOMIC_ACQUIRE);
		if (!croom_ring_fetch(run.ring))
			sched_yield();
		while ((from = croom_ring_peek(run.ring, &length))) {
			uint64_t n = *(const uint64_t *)(const void *)from;

			wrong += n <= last || length != length_for(n) || (length > 8 && from[length - 1] != (n & 0xff)) ||
				 (!drops && n != last + 1);
			last = n;
			got++;
			croom_ring_next(run.ring);
		}
		croom_ring_release(run.ring);
	} while (!over || croom_ring_used(run.ring));
	pthread_join(producer, NULL);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(got, run.sent);
	CHECK_EQ(got + run.refused, RECORDS);
	CHECK_EQ(croom_ring_refused(run.ring), run.refused);
	CHECK(drops || run.refused == 0);
	croom_ring_close(run.ring);
}

static void ring_loses_nothing_when_the_producer_waits(void)
{
	ring_round(0);
}

static void ring_counts_all_that_the_producer_drops(void)
{
	ring_round(1);
}

static void *items_producer(void *arg)
{
	struct run *run = arg;
	uint64_t n = 1, batch[3 * 20];

	while (n <= RECORDS) {
		uint64_t want = n % 3 ? 1 : 20, done;

		want = want > RECORDS + 1 - n ? RECORDS + 1 - n : want;
		for (uint64_t k = 0; k < want; k++)
			for (unsigned w = 0; w < 3; w++)
				batch[3 * k + w] = n + k + w * UINT64_C(1000000007);
		done = want == 1 ? croom_items_put(run->items, batch, 24) :
				  croom_items_put_many(run->items, batch, want, 24);
		n += done;
		if (!done)
			sched_yield();
	}
	return NULL;
}

static void items_lose_nothing(void)
{
	struct run run = { 0 };
	uint64_t next = 1, wrong = 0, batch[3 * 16];
	pthread_t producer;

	CHECK_EQ(croom_items_open(&run.items, 24, 256), 0);
	pthread_create(&producer, NULL, items_producer, &run);
	while (next <= RECORDS) {
		size_t got = next % 2 ? croom_items_take(run.items, batch, 24) :
					croom_items_take_many(run.items, batch, 16, 24);

		for (size_t k = 0; k < got; k++, next++)
			wrong += batch[3 * k] != next || batch[3 * k + 1] != next + 1000000007u ||
				 batch[3 * k + 2] != next + 2 * UINT64_C(1000000007);
		/* A moment's figure, but never one that cannot be. */
		wrong += croom_items_used(run.items) > RECORDS;
		if (!got)
			sched_yield();
	}
	pthread_join(producer, NULL);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(croom_items_used(run.items), 0);
	croom_items_close(run.items);
}

int main(void)
{
	RUN(ring_loses_nothing_when_the_producer_waits);
	RUN(ring_counts_all_that_the_producer_drops);
	RUN(items_lose_nothing);
	return check_result();
}
