/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One way for a thread to call what another thread replaces: ours, and everybody else's.
 *
 * A peer's file defines `struct self`, `struct local` (what a reader keeps in registers), begin(), call() and end(), and
 * includes loops.h, which makes every loop of the lab from them: so all peers run in the same loops.
 */
#ifndef LAB_PEER_H
#define LAB_PEER_H

#include "../lab.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int lab_run_fn(void *ctx, void *record);

/* A handler's context. */
struct lab_context {
	uint64_t step;
	uint64_t id;           /* 1, 2, 3, ... */
};

/* What a handler is called with; the reader's. */
struct lab_record {
	uint64_t sum;
	uint64_t last, when;   /* the newest context that ran, and when it ran first */
	uint64_t seen __attribute__((aligned(128)));   /* the same as last, published with release after `when` */
};

/* handlers.c. Adds step to sum, which gives 0, and stores nothing: a chain through memory would hide the call. */
int lab_add(void *ctx, void *record);
/* Notes when a context ran for the first time. */
int lab_note(void *ctx, void *record);

struct lab_peer {
	const char *name;
	bool ours;
	/* Ready to call run with a context whose id is 1. */
	void *(*open)(lab_run_fn *run);
	void (*close)(void *self);
	/* By the reader's thread, around everything that reads. */
	void (*enter)(void *self), (*leave)(void *self);
	/* n calls that do not wait for each other; each waits for the last one's result; each alone in the pipeline. */
	void (*throughput)(void *self, struct lab_record *record, unsigned n);
	void (*chain)(void *self, struct lab_record *record, unsigned n);
	void (*fenced)(void *self, struct lab_record *record, unsigned n);
	/* Until *stop. */
	void (*spin)(void *self, struct lab_record *record, const int *stop);
	/* n calls with the clock read before and after each; counts ticks. */
	void (*timed)(void *self, struct lab_record *record, unsigned n, struct lab_counts *counts);
	/* Writer: what can be done before the moment of the change; NULL: nothing. */
	void (*prepare)(void *self, uint64_t id);
	/* Writer: show a handler with this id to the readers. NULL: cannot be replaced. */
	void (*publish)(void *self, uint64_t id);
	/* Writer: return when no reader can be in what publish replaced, and free it. NULL: no way to tell. */
	void (*unused)(void *self);
};

/*
 * On lines of its own: the writer's other memory must not slow down who reads this. From a list of free ones, since
 * aligned_alloc() would cost more than what is measured. One thread at a time: the writer.
 */
struct lab_context *lab_context_new(uint64_t id);
void lab_context_free(struct lab_context *context);

/* What most peers publish: function and context behind one pointer. */
struct lab_handler {
	lab_run_fn *run;
	struct lab_context *ctx;
};

struct lab_handler *lab_handler_new(lab_run_fn *run, uint64_t id);
void lab_handler_free(struct lab_handler *handler);

/* All there are, ours first; in peers.c. */
extern const struct lab_peer *const lab_peers[];
extern const unsigned lab_peers_count;
/* One more of ours, for the swap suite: the call is that of "slot and observe". */
extern const struct lab_peer lab_peer_prepared;
const struct lab_peer *lab_peer_named(const char *name);
/* Say what was not there when this was built. */
void lab_peers_missing(const char *suite);

#ifdef __cplusplus
}
#endif
#endif
