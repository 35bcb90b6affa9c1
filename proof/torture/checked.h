/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ordered accesses of the library in the checked build: the same operations with the same orders, and before and
 * after each one a point where it is counted and, now and then, delayed. A broken variant may change one of them
 * (broken.c).
 *
 * Included by croom/wire.h in place of its own macros. All objects that the library orders are eight bytes.
 */
#ifndef TORTURE_CHECKED_H
#define TORTURE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

struct torture_variant;

/* A place in the code; a name that stands in a header has one in each file that includes it. */
struct torture_site {
	const char *name;
	unsigned id;                           /* of the name */
	bool weak;                             /* as relaxed */
	const struct torture_variant *variant; /* NULL: nothing is broken here */
};

void torture_before(const struct torture_site *site);
void torture_after(const struct torture_site *site);
void torture_relaxed(void);

/* For broken variants: what a load gives instead; whether, and what, to store. */
uint64_t torture_load(const struct torture_site *site, uint64_t value);
bool torture_store(const struct torture_site *site, void *at, uint64_t *value);

/* Sites are found by the linker: pointers to them lie in a section of their own. */
#define TORTURE_SITE(string)                                                          \
	static struct torture_site torture_site = { string, 0, false, (void *)0 };    \
	static struct torture_site *const torture_place                               \
		__attribute__((section("torture_sites"), used)) = &torture_site

#define TORTURE_GET(string, p, order)                                                                              \
	__extension__({                                                                                            \
		TORTURE_SITE(string);                                                                              \
		uint64_t torture_got;                                                                              \
		torture_before(&torture_site);                                                                     \
		if (__builtin_expect(torture_site.weak, 0))                                                        \
			torture_got = (uint64_t)__atomic_load_n((p), __ATOMIC_RELAXED);                            \
		else                                                                                               \
			torture_got = (uint64_t)__atomic_load_n((p), order);                                       \
		if (__builtin_expect(torture_site.variant != (void *)0, 0))                                        \
			torture_got = torture_load(&torture_site, torture_got);                                    \
		torture_after(&torture_site);                                                                      \
		(__typeof__(*(p)))torture_got;                                                                     \
	})

#define TORTURE_SET(string, p, v, order)                                                                           \
	__extension__({                                                                                            \
		TORTURE_SITE(string);                                                                              \
		uint64_t torture_put = (uint64_t)(v);                                                              \
		torture_before(&torture_site);                                                                     \
		if (__builtin_expect(torture_site.variant == (void *)0, 1) ||                                      \
		    torture_store(&torture_site, (void *)(p), &torture_put)) {                                     \
			if (__builtin_expect(torture_site.weak, 0))                                                \
				__atomic_store_n((p), (__typeof__(*(p)))torture_put, __ATOMIC_RELAXED);            \
			else                                                                                       \
				__atomic_store_n((p), (__typeof__(*(p)))torture_put, order);                       \
		}                                                                                                  \
		torture_after(&torture_site);                                                                      \
	})

#define croom_get_acquire(name, p) TORTURE_GET(#name, p, __ATOMIC_ACQUIRE)
#define croom_set_release(name, p, v) TORTURE_SET(#name, p, v, __ATOMIC_RELEASE)
#define croom_get_seq(name, p) TORTURE_GET(#name, p, __ATOMIC_SEQ_CST)
#define croom_set_seq(name, p, v) TORTURE_SET(#name, p, v, __ATOMIC_SEQ_CST)
/* The library has none. */
#define croom_trade_acquire(name, p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define croom_trade_release(name, p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
#define croom_get_relaxed(p) (torture_relaxed(), __atomic_load_n((p), __ATOMIC_RELAXED))
#define croom_add_relaxed(p, v) (torture_relaxed(), __atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define croom_set_relaxed(p, v) (torture_relaxed(), __atomic_store_n((p), (v), __ATOMIC_RELAXED))

#endif
