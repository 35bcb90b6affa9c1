/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model: a few threads that call the real code, and what must hold. One file each; the runtime runs it in every order
 * that it can think of.
 *
 *	static void begin(void) { ring... }                    // alone, before the threads
 *	static void producer(void) { ... }
 *	static void consumer(void) { ... proof_expect(value == 7, "a record that was never written"); }
 *	const struct proof_model proof_model = {
 *		.what = "...", .orders = "ring.", .begin = begin, .thread = { producer, consumer }, .preemptions = 3,
 *	};
 *
 * Found by itself, without proof_expect(): data races (every plain access of the real code and of the model is seen), use
 * after free, deadlock, threads that never end. What the threads share must lie in static variables or in memory from malloc;
 * begin() gives statics their values, for they keep what the execution before left there.
 */
#ifndef PROOF_H
#define PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROOF_THREADS_MAX = 4 };

struct proof_model {
	const char *what;                            /* one line */
	const char *orders;                          /* it is made to find these: beginnings of names, with commas between */
	const char *broken;                          /* a negative control: what is wrong with it */
	void (*begin)(void);
	void (*thread[PROOF_THREADS_MAX])(void);
	void (*end)(void);                           /* alone again; may be NULL */
	unsigned spawned;                            /* threads that pthread_create() may make, at most */
	/* How to search: every execution with at most this many preemptions; 0: random ones, `executions` of them. */
	unsigned preemptions, executions;
};

extern const struct proof_model proof_model;

/* A negative control that includes another model, to break what it calls, defines this first. */
#ifndef BROKEN
#define BROKEN NULL
#endif

/* What must hold; `what` says what is wrong when it does not. */
void proof_expect(bool holds, const char *what);

/* Wait for another thread: it comes first. A loop of more than a few looks needs this. */
void proof_yield(void);

/* This thread is over. */
_Noreturn void proof_leave(void);

/* So is the program, as after exit(): who only pauses from now on is over, too. */
void proof_exit(void);

/*
 * A sleep of a millisecond or more that ends by itself has missed its wake, so none does, and a wake that is lost is a
 * deadlock; unless begin() sets this.
 */
extern bool proof_sleeps_end;

#endif
