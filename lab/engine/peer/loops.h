/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's loops, for the begin(), call() and end() of the file that includes this. No include guard: once per file. */
#include "peer.h"

/*
 * Each loop starts on a line of its own and forgets what it loaded: a program that may change a handler has to load it
 * for each call. Nobody else gets a cheaper loop.
 */
LAB_LOOP static void loop_throughput(void *arg, struct lab_record *record, unsigned n)
{
	struct self *self = (struct self *)arg;
	struct local local = begin(self);

	for (unsigned i = 0; i < n; i++) {
		LAB_FORGET();
		call(self, &local, record);
	}
	end(self, &local);
}

/* lab_add() gives 0, which the compiler does not know: the next call cannot start before this one's result is there. */
LAB_LOOP static void loop_chain(void *arg, struct lab_record *record, unsigned n)
{
	struct self *self = (struct self *)arg;
	struct local local = begin(self);

	for (unsigned i = 0; i < n; i++) {
		LAB_FORGET();
		record = (struct lab_record *)(void *)((char *)record + call(self, &local, record));
	}
	LAB_KEEP(record);
	end(self, &local);
}

LAB_LOOP static void loop_fenced(void *arg, struct lab_record *record, unsigned n)
{
	struct self *self = (struct self *)arg;
	struct local local = begin(self);

	for (unsigned i = 0; i < n; i++) {
		lab_serialise();
		call(self, &local, record);
	}
	lab_serialise();
	end(self, &local);
}

LAB_LOOP static void loop_spin(void *arg, struct lab_record *record, const int *stop)
{
	struct self *self = (struct self *)arg;
	struct local local = begin(self);

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED))
		call(self, &local, record);
	end(self, &local);
}

LAB_LOOP static void loop_timed(void *arg, struct lab_record *record, unsigned n, struct lab_counts *counts)
{
	struct self *self = (struct self *)arg;
	struct local local = begin(self);
	uint64_t before = lab_ticks(), after;

	for (unsigned i = 0; i < n; i++) {
		call(self, &local, record);
		after = lab_ticks();
		lab_count(counts, after - before);
		/* Once more, so that the counting is not in the next figure. */
		before = lab_ticks();
	}
	end(self, &local);
}

#define LAB_LOOPS loop_throughput, loop_chain, loop_fenced, loop_spin, loop_timed
