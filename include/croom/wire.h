/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wire is one atomic pointer: whoever sees the pointer sees all that was written before it was set.
 *
 *	static int print_text(void *ctx, const struct tick *t);
 *	static int print_json(void *ctx, const struct tick *t);
 *
 *	int (*printer)(void *, const struct tick *);          // a plain variable, any pointer type
 *
 *	croom_wire_set(&printer, print_text);                 // control thread
 *
 *	int (*print)(void *, const struct tick *) = croom_wire_get(&printer);   // data thread
 *	if (print)                                            // NULL means off
 *		print(ctx, t);
 *
 * Setting is a release store, getting an acquire load: no fence and no locked instruction on x86-64. A value of
 * another pointer type does not compile, in C and in C++ (in C a void pointer goes both ways, as in an assignment). Any
 * number of threads may get; whoever sets from several threads keeps the order among them himself.
 *
 * What a wire does not say: when the old value is no longer in use. A data thread may be inside the old
 * function long after the store. <croom/room.h> is for that; use a bare wire for what is never freed.
 *
 * This header is also the one place where libcroom spells memory orders. Every use carries a `pair:` comment
 * that names the other end; doc/ORDERING.md lists them.
 */
#ifndef CROOM_WIRE_H
#define CROOM_WIRE_H

/* Revisions, indices and counts are words of 64 bits that are loaded and stored at once, next to pointers. */
#if __SIZEOF_POINTER__ < 8
#error "libcroom needs a CPU and an ABI with pointers of 64 bits"
#endif

/*
 * `name` is PAIR.END, which stands nowhere else: by it a checker weakens or delays one access alone. It defines these
 * nine itself, in the header that -DCROOM_CHECKED='"HEADER"' names; every other build has the plain builtins.
 */
#ifdef CROOM_CHECKED
#include CROOM_CHECKED
#else
#define croom_get_acquire(name, p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define croom_set_release(name, p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
/* Announcing a lane after a sleep against publishing a panel: the one place where both sides need a total order. */
#define croom_get_seq(name, p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define croom_set_seq(name, p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
/* Put this there and return what was there: who acquires sees what all did who had put something there before. */
#define croom_trade_acquire(name, p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define croom_trade_release(name, p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
#define croom_get_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define croom_set_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
/* For what several lanes count, and rarely: a locked instruction on x86. Returns what was there. */
#define croom_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#endif

#ifdef __cplusplus

extern "C++" {
namespace croom_detail {
template <class T> struct same { typedef T type; };
}

/* pair: wire -- acquire; the release is in croom_wire_set(), below. */
template <class T> inline T *croom_wire_get(T *const *wire)
{
	return croom_get_acquire(wire.get, wire);
}

/* pair: wire -- release. The value's type does not take part in deduction, so it has to fit the wire's. */
template <class T> inline void croom_wire_set(T **wire, typename croom_detail::same<T *>::type value)
{
	croom_set_release(wire.set, wire, value);
}
}

#else

/*
 * The conditional has the wire's type when the value has it or is NULL; a void pointer would pass for data
 * pointers, as it does in an assignment. Anything else stops the compiler here, and so does a number (a pointer,
 * also one that a function's name decays to, is class 5).
 */
#define croom_wire_check(wire, value)                                                                          \
	_Static_assert(__builtin_types_compatible_p(__typeof__(1 ? (value) : *(wire)), __typeof__(*(wire))) && \
			       __builtin_classify_type(value) == 5,                                            \
		       "croom: this value does not have the type of the wire")

/* pair: wire -- acquire; the release is in croom_wire_set(), below. */
#define croom_wire_get(at) croom_get_acquire(wire.get, (at))

/* pair: wire -- release: what the pointer leads to is visible to whoever gets it. */
#define croom_wire_set(at, value)                                            \
	__extension__({                                                      \
		croom_wire_check(at, value);                                 \
		croom_set_release(wire.set, (at), (value));                  \
	})

#endif
#endif
