/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a change costs: the writer until it is published, the reader until it runs, everybody until what was replaced
 * is provably unused. The reader does nothing but call; it notes the time at which it first ran the new handler.
 *
 * The two processors' time stamp counters are taken to agree; the machine line's round trip bounds what that can
 * hide, since a first run before its publication would show as less than nothing.
 */
#include "peer/peer.h"
#include <math.h>
#include <string.h>

enum { SWAPS = 200, SUBJECTS_MAX = 16 };
enum { PUBLISH, FIRST_RUN, UNUSED, CASES };

static struct running {
	const struct lab_peer *peer;
	void *self;
	struct lab_record *record;
	int stop __attribute__((aligned(128)));
} running;

static void read_on(void *arg)
{
	struct running *at = arg;

	at->peer->enter(at->self);
	__atomic_store_n(&at->record->seen, 1, __ATOMIC_RELEASE);
	at->peer->spin(at->self, at->record, &at->stop);
	at->peer->leave(at->self);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *value, unsigned count)
{
	qsort(value, count, sizeof(value[0]), by_value);
	return value[count / 2];
}

/* The medians of one block of swaps. */
static void block(const struct lab_peer *peer, double figure[CASES])
{
	static double took[CASES][SWAPS];

	memset(&running, 0, sizeof(running));
	running.peer = peer;
	running.self = peer->open(lab_note);
	running.record = lab_alloc(sizeof(*running.record));
	lab_helper_start(read_on, &running);
	while (__atomic_load_n(&running.record->seen, __ATOMIC_ACQUIRE) == 0)
		lab_relax();
	for (unsigned i = 0; i < SWAPS; i++) {
		uint64_t id = i + 2, start, shown, over;

		/* Let the reader get into its stride again. */
		for (start = lab_ticks(); lab_ticks() - start < 3000; )
			lab_relax();
		if (peer->prepare)
			peer->prepare(running.self, id);
		start = lab_ticks();
		peer->publish(running.self, id);
		shown = lab_ticks();
		peer->unused(running.self);
		over = lab_ticks();
		while (__atomic_load_n(&running.record->seen, __ATOMIC_ACQUIRE) != id)
			lab_relax();
		took[PUBLISH][i] = lab_ns(shown - start) - lab.ticks_cost_ns;
		took[FIRST_RUN][i] = lab_ns(running.record->when - start) - lab.ticks_cost_ns;
		took[UNUSED][i] = lab_ns(over - start) - lab.ticks_cost_ns;
	}
	__atomic_store_n(&running.stop, 1, __ATOMIC_RELAXED);
	lab_helper_wait();
	peer->close(running.self);
	free(running.record);
	for (unsigned i = 0; i < CASES; i++)
		figure[i] = median(took[i], SWAPS);
}

void suite_swap(void)
{
	static const char *const names[] = { "slot and observe", "liburcu-qsbr", "liburcu-memb", "liburcu-bp", "ck_epoch", "membarrier",
		"mutex", "rwlock", "table, CAS loop", "atomic<shared_ptr>" };
	static const char *const name[CASES] = { "publish", "first run", "unused" };
	unsigned rounds = lab.quick ? 21 : 601, count = 0, subject[CASES][SUBJECTS_MAX], line[CASES];
	const struct lab_peer *peer[SUBJECTS_MAX];
	struct lab_case *one[CASES];

	lab_peers_missing("swap");
	peer[count++] = &lab_peer_prepared;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct lab_peer *have = lab_peer_named(names[i]);
		void *self = have ? have->open(lab_note) : NULL;

		if (!self)
			continue;
		have->close(self);
		peer[count++] = have;
	}
	for (unsigned k = 0; k < CASES; k++) {
		one[k] = lab_case_open("swap", "ns", "lower", "liburcu-qsbr", rounds, "%s", name[k]);
		for (unsigned i = 0; i < count; i++)
			subject[k][i] = lab_case_subject(one[k], strcmp(peer[i]->name, "slot and observe") ? peer[i]->name : "croom", peer[i]->ours);
		line[k] = lab_case_subject(one[k], "cache-line round trip", false);
		lab_case_number(one[k], "swaps per round", SWAPS);
	}
	for (unsigned round = 0; round < rounds; round++) {
		if (round % (rounds / 10) == 0)
			lab_progress("swap", round, rounds, "publish, first run, unused");
		for (unsigned i = 0; i < count; i++) {
			unsigned at = ((round % 2 ? count - 1 - i : i) + round) % count;

			for (unsigned tries = 0; tries < LAB_TRIES; tries++) {
				uint64_t interrupts = round == 0 ? lab_interrupts() : 0;
				struct lab_guard guard;
				double figure[CASES];
				const char *why;

				lab_guard_begin(&guard, true);
				block(peer[at], figure);
				why = lab_guard_end(&guard, true);
				for (unsigned k = 0; k < CASES; k++) {
					lab_case_round_trip(one[k], round, guard.round_trip_ns);
					if (why)
						lab_case_dropped(one[k], why);
					else
						lab_case_sample(one[k], subject[k][at], round, figure[k]);
					if (!why)
						lab_case_sample(one[k], line[k], round, guard.round_trip_ns);
				}
				if (round == 0)
					lab_case_counter(one[UNUSED], subject[UNUSED][at], "interrupts",
							 (double)(lab_interrupts() - interrupts) / SWAPS);
				if (!why)
					break;
			}
		}
	}
	for (unsigned k = 0; k < CASES; k++)
		lab_case_close(one[k]);
	lab_progress("swap", rounds, rounds, "done");
}
