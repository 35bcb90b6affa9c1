/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ordered accesses as a checker wants them: each can be made relaxed by its name. For GenMC at compile time
 * (-DGENMC -DWEAK='"ring.publish.fetch"'), because it executes what it checks; for TSan at run time, by the
 * program's argument.
 *
 * A harness is a program with threads that says what must hold with assert(); what it does in a round is in round().
 * until() waits: GenMC explores only the runs in which the condition holds at once. after() keeps TSan's threads in the
 * order in which the weak access shows; it orders nothing itself, and is nothing for GenMC, which tries every order.
 */
#ifndef CROOM_CHECKED_H
#define CROOM_CHECKED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef GENMC

#ifndef WEAK
#define WEAK ""
#endif
#define is_weak(name) (__builtin_strcmp(name, WEAK) == 0)
void __VERIFIER_assume(int);
#define until(condition) __VERIFIER_assume(!!(condition))
#define after(flag) ((void)(flag))
#define reached(flag) ((void)(flag))

/* GenMC knows memcpy() of a constant size only, and no memcmp(). */
static inline void *bytes_copy(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
	return to;
}

static inline int bytes_differ(const void *one, const void *other, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (((const unsigned char *)one)[i] != ((const unsigned char *)other)[i])
			return 1;
	return 0;
}
#define memcpy bytes_copy
#define memcmp bytes_differ

#else

#include <sched.h>
extern const char *weak_name;
#define is_weak(name) (weak_name && strcmp(name, weak_name) == 0)
#define until(condition)           \
	do {                       \
		while (!(condition)) \
			sched_yield(); \
	} while (0)
#define after(flag) until(__atomic_load_n(&(flag), __ATOMIC_RELAXED))
#define reached(flag) __atomic_store_n(&(flag), 1, __ATOMIC_RELAXED)

#endif

#define checked_get(name, p, order) \
	(is_weak(name) ? __atomic_load_n((p), __ATOMIC_RELAXED) : __atomic_load_n((p), order))
#define checked_set(name, p, v, order) \
	(is_weak(name) ? __atomic_store_n((p), (v), __ATOMIC_RELAXED) : __atomic_store_n((p), (v), order))

#define croom_get_acquire(name, p) checked_get(#name, p, __ATOMIC_ACQUIRE)
#define croom_set_release(name, p, v) checked_set(#name, p, v, __ATOMIC_RELEASE)
#define croom_get_seq(name, p) checked_get(#name, p, __ATOMIC_SEQ_CST)
#define croom_set_seq(name, p, v) checked_set(#name, p, v, __ATOMIC_SEQ_CST)
#define checked_trade(name, p, v, order) \
	(is_weak(name) ? __atomic_exchange_n((p), (v), __ATOMIC_RELAXED) : __atomic_exchange_n((p), (v), order))
#define croom_trade_acquire(name, p, v) checked_trade(#name, p, v, __ATOMIC_ACQUIRE)
#define croom_trade_release(name, p, v) checked_trade(#name, p, v, __ATOMIC_RELEASE)
#define croom_get_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define croom_set_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define croom_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)

#endif
