/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A panel is one immutable revision of all slots of a room: which handler sits where.
 *
 * A program declares its record types and slots once; everything else is checked against that:
 *
 *	typedef struct tick { int price; } tick;
 *	CROOM_RECORD(tick, 1);                               // layout version 1
 *	CROOM_SLOT(printer, 0, tick);                        // slot 0, the first in the room's table, takes a tick
 *
 *	static int print_text(struct text *ctx, tick *t);
 *	CROOM_RUN(text, print_text, struct text, tick);      // type-checked here
 *
 *	croom_slot_call(printer, panel, t);                  // data thread; t must be a tick *
 *
 * All handlers share one function type underneath, so that a wrapper (a timer, a guard) can stand in for any of
 * them. The macros give the types back: a handler or a record of the wrong type does not compile, a class
 * registered for a slot of another record type is refused (-EPROTOTYPE), and so is a table of slots in another order
 * than the indices that CROOM_SLOT was given (-EINVAL).
 *
 * A record type must be one word for CROOM_RECORD, hence the typedef.
 */
#ifndef CROOM_PANEL_H
#define CROOM_PANEL_H

#include <stdint.h>

/* Data thread. Returns what its slot says it returns; the empty handler returns 0. */
typedef int croom_run_fn(void *ctx, void *record);

/* A handler: a function and its context, immutable once published. */
struct croom_entry {
	croom_run_fn *run;
	void *ctx;
};

/* The entries follow directly. Opaque otherwise: only a room makes panels. */
struct croom_panel {
	uint64_t revision;
	uint32_t slots;
	uint32_t reserved;
};

/* What a record is: compared when a class is registered, so that no handler gets a record it was not built for. */
struct croom_type {
	const char *name;
	uint32_t size;
	uint32_t version;
	uint32_t place;      /* of a slot's type: its index and 1 */
};

static inline const struct croom_entry *croom_panel_entry(const struct croom_panel *panel, uint32_t slot)
{
	return (const struct croom_entry *)(const void *)(panel + 1) + slot;
}

/*
 * Run the handler of a slot on a record; returns what it returned. Data thread; the panel is what
 * croom_lane_observe() gave for this record or batch. One indirect call through memory.
 */
static inline int croom_panel_call(const struct croom_panel *panel, uint32_t slot, void *record)
{
	const struct croom_entry *entry = croom_panel_entry(panel, slot);

	return entry->run(entry->ctx, record);
}

/* fn, which has to be of exactly this type. */
#ifdef __cplusplus
#define croom_exactly(type, fn) (fn)
#else
#define croom_exactly(type, fn) _Generic((fn), type: (fn))
#endif

/* Name a record type (one word) and its layout version, at file scope; raise the version with the layout. */
#define CROOM_RECORD(rec_t, layout)                                                                     \
	__attribute__((unused)) static inline struct croom_type rec_t##_croom_type(void)                \
	{                                                                                               \
		struct croom_type croom_type_;                                                          \
		croom_type_.name = #rec_t;                                                              \
		croom_type_.size = (uint32_t)sizeof(rec_t);                                             \
		croom_type_.version = (layout);                                                         \
		croom_type_.place = 0;                                                                  \
		return croom_type_;                                                                     \
	}                                                                                               \
	struct croom_type

/* Slot `name` is entry `index` of every panel and takes a rec_t *. At file scope. */
#define CROOM_SLOT(name, index, rec_t)                                                                  \
	enum { name##_slot = (index) };                                                                 \
	typedef rec_t name##_record;                                                                    \
	__attribute__((unused)) static inline struct croom_type name##_slot_type(void)                  \
	{                                                                                               \
		struct croom_type croom_type_ = rec_t##_croom_type();                                   \
		croom_type_.place = (index) + 1;                                                        \
		return croom_type_;                                                                     \
	}                                                                                               \
	__attribute__((unused)) static inline int name##_slot_run(const struct croom_panel *croom_panel_, \
								  rec_t *croom_record_)                 \
	{                                                                                               \
		return croom_panel_call(croom_panel_, name##_slot, croom_record_);                      \
	}                                                                                               \
	struct croom_type

/* Make name_run (a croom_run_fn) of `static int fn(ctx_t *, rec_t *)`, and name_type beside it. At file scope. */
#define CROOM_RUN(name, fn, ctx_t, rec_t)                                                               \
	static int name##_run(void *croom_ctx_, void *croom_record_)                                    \
	{                                                                                               \
		int (*croom_fn_)(ctx_t *, rec_t *) = croom_exactly(int (*)(ctx_t *, rec_t *), fn);      \
		return croom_fn_((ctx_t *)croom_ctx_, (rec_t *)croom_record_);                          \
	}                                                                                               \
	__attribute__((unused)) static inline struct croom_type name##_type(void)                       \
	{                                                                                               \
		return rec_t##_croom_type();                                                            \
	}                                                                                               \
	struct croom_type

/* Data thread: run slot `name` of this panel on a record of exactly its type. */
#ifdef __cplusplus
#define croom_slot_call(name, panel, record) (name##_slot_run((panel), (record)))
#else
#define croom_slot_call(name, panel, record) \
	(name##_slot_run((panel), _Generic((record), name##_record *: (record))))
#endif

#endif
