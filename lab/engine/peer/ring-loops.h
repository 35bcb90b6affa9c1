/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's loops over a queue; see ring.h. No include guard: once per file. */

enum { BURST_MAX = 64 };

LAB_LOOP static void loop_produce(void *arg, uint64_t first, uint64_t count, unsigned burst)
{
	struct self *self = (struct self *)arg;

	for (uint64_t done = 0; done < count; ) {
		unsigned want = count - done < burst ? (unsigned)(count - done) : burst, went = put(self, first + done, want);

		done += went;
		if (!went)
			lab_relax();
	}
}

LAB_LOOP static uint64_t loop_consume(void *arg, uint64_t first, uint64_t count, unsigned burst)
{
	struct self *self = (struct self *)arg;
	uint64_t wrong = 0;

	for (uint64_t done = 0; done < count; ) {
		unsigned came = take(self, first + done, burst, &wrong);

		done += came;
		/* Who waits for one record wants it at once. */
		if (!came && count > 1)
			lab_relax();
	}
	return wrong;
}

#define LAB_RING_LOOPS loop_produce, loop_consume
