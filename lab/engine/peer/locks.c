/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people write by hand: locks, a seqlock over function and context, a table with an atomic index, a table whose
 * entries are taken by a compare-and-swap loop. One of them per compilation, by -DPEER_...
 */
#include "peer.h"
#include <pthread.h>

enum { TABLE = 4 };

struct entry {
	lab_run_fn *run;
	struct lab_context *ctx;
	uint64_t users;
} __attribute__((aligned(64)));

struct self {
	union {
		pthread_mutex_t mutex;
		pthread_rwlock_t rwlock;
	} lock __attribute__((aligned(128)));
	uint64_t sequence __attribute__((aligned(128)));
	lab_run_fn *run;
	struct lab_context *ctx, *old;
	uint64_t index __attribute__((aligned(128)));
	struct entry table[TABLE];
	uint64_t before;
};

#include "stateless.h"

LAB_INLINE int call(struct self *self, struct local *local, void *record);

#if defined(PEER_MUTEX)
#define NAME "mutex"
#define UNUSED unused
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	int rc;

	(void)local;
	pthread_mutex_lock(&self->lock.mutex);
	rc = self->run(self->ctx, record);
	pthread_mutex_unlock(&self->lock.mutex);
	return rc;
}

static void publish(void *arg, uint64_t id)
{
	struct self *self = arg;
	struct lab_context *context = lab_context_new(id);

	pthread_mutex_lock(&self->lock.mutex);
	self->old = self->ctx;
	self->ctx = context;
	pthread_mutex_unlock(&self->lock.mutex);
}

static void unused(void *arg)
{
	lab_context_free(((struct self *)arg)->old);
}
#elif defined(PEER_RWLOCK)
#define NAME "rwlock"
#define UNUSED unused
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	int rc;

	(void)local;
	pthread_rwlock_rdlock(&self->lock.rwlock);
	rc = self->run(self->ctx, record);
	pthread_rwlock_unlock(&self->lock.rwlock);
	return rc;
}

static void publish(void *arg, uint64_t id)
{
	struct self *self = arg;
	struct lab_context *context = lab_context_new(id);

	pthread_rwlock_wrlock(&self->lock.rwlock);
	self->old = self->ctx;
	self->ctx = context;
	pthread_rwlock_unlock(&self->lock.rwlock);
}

static void unused(void *arg)
{
	lab_context_free(((struct self *)arg)->old);
}
#elif defined(PEER_SEQLOCK)
/* Function and context belong together, and yet nobody knows when the old context is free: nothing is freed. */
#define NAME "seqlock"
#define UNUSED NULL
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	struct lab_context *ctx;
	lab_run_fn *run;
	uint64_t sequence;

	(void)local;
	do {
		/* pair: in publish(), below. Boehm, Can Seqlocks Get Along With Programming Language Memory Models?, 2012. */
		while ((sequence = __atomic_load_n(&self->sequence, __ATOMIC_ACQUIRE)) & 1)
			lab_relax();
		run = __atomic_load_n(&self->run, __ATOMIC_RELAXED);
		ctx = __atomic_load_n(&self->ctx, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&self->sequence, __ATOMIC_RELAXED) != sequence);
	return run(ctx, record);
}

static void publish(void *arg, uint64_t id)
{
	struct self *self = arg;

	__atomic_store_n(&self->sequence, self->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&self->run, self->run, __ATOMIC_RELAXED);
	__atomic_store_n(&self->ctx, self->table[id % TABLE].ctx, __ATOMIC_RELAXED);
	__atomic_store_n(&self->sequence, self->sequence + 1, __ATOMIC_RELEASE);
}
#elif defined(PEER_TABLE)
#define NAME "table, atomic index"
#define UNUSED NULL
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	const struct entry *entry = &self->table[__atomic_load_n(&self->index, __ATOMIC_ACQUIRE)];

	(void)local;
	return entry->run(entry->ctx, record);
}

static void publish(void *arg, uint64_t id)
{
	struct self *self = arg;

	__atomic_store_n(&self->index, id % TABLE, __ATOMIC_RELEASE);
}
#elif defined(PEER_TABLE_CAS)
/* An entry is held by its count of users while it runs: the reader writes to it twice per call. */
#define NAME "table, CAS loop"
#define UNUSED unused
LAB_INLINE int call(struct self *self, struct local *local, void *record)
{
	struct entry *entry;
	uint64_t index, users;
	int rc;

	(void)local;
	for (;;) {
		index = __atomic_load_n(&self->index, __ATOMIC_ACQUIRE);
		entry = &self->table[index];
		users = __atomic_load_n(&entry->users, __ATOMIC_RELAXED);
		while (!__atomic_compare_exchange_n(&entry->users, &users, users + 1, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			;
		if (__builtin_expect(__atomic_load_n(&self->index, __ATOMIC_SEQ_CST) == index, 1))
			break;
		__atomic_fetch_sub(&entry->users, 1, __ATOMIC_RELEASE);
	}
	rc = entry->run(entry->ctx, record);
	__atomic_fetch_sub(&entry->users, 1, __ATOMIC_RELEASE);
	return rc;
}

static void publish(void *arg, uint64_t id)
{
	struct self *self = arg;
	uint64_t next = (self->index + 1) % TABLE;

	self->before = self->index;
	self->table[next].ctx->id = id;
	__atomic_store_n(&self->index, next, __ATOMIC_SEQ_CST);
}

static void unused(void *arg)
{
	struct self *self = arg;

	while (__atomic_load_n(&self->table[self->before].users, __ATOMIC_SEQ_CST))
		lab_relax();
}
#endif

#include "loops.h"

#define IN_TABLE (UNUSED == NULL)

static void *open_self(lab_run_fn *run)
{
	struct self *self = lab_alloc(sizeof(*self));

#if defined(PEER_MUTEX)
	pthread_mutex_init(&self->lock.mutex, NULL);
#elif defined(PEER_RWLOCK)
	pthread_rwlock_init(&self->lock.rwlock, NULL);
#endif
	self->run = run;
	for (unsigned i = 0; i < TABLE; i++) {
		self->table[i].run = run;
		self->table[i].ctx = lab_context_new(i);
	}
	self->index = 1;
	self->ctx = IN_TABLE ? self->table[1].ctx : lab_context_new(1);
	return self;
}

static void close_self(void *arg)
{
	struct self *self = arg;

	for (unsigned i = 0; i < TABLE; i++)
		lab_context_free(self->table[i].ctx);
	if (!IN_TABLE)
		lab_context_free(self->ctx);
	free(self);
}

extern const struct lab_peer PEER;
const struct lab_peer PEER = { NAME, false, open_self, close_self, nothing, nothing, LAB_LOOPS, NULL, publish, UNUSED };
