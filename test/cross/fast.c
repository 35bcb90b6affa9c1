// SPDX-License-Identifier: BSD-2-Clause
/* What is inline in the public headers, once each as a function, as C and as C++: for test/cross/code.py. Never run. */
#include <croom/items.h>
#include <croom/lane.h>
#include <croom/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tick { int price; } tick;
CROOM_RECORD(tick, 1);
CROOM_SLOT(first, 0, tick);
CROOM_SLOT(printer, 2, tick);

void *wire_get(void **wire);
void *wire_get(void **wire)
{
	return croom_wire_get(wire);
}

void wire_set(void **wire, void *value);
void wire_set(void **wire, void *value)
{
	croom_wire_set(wire, value);
}

const struct croom_panel *observe(struct croom_lane *lane, const struct croom_panel *panel);
const struct croom_panel *observe(struct croom_lane *lane, const struct croom_panel *panel)
{
	return croom_lane_observe(lane, panel);
}

/* Something after the call, so that it is a call and not a jump. */
int slot_call(const struct croom_panel *panel, tick *t);
int slot_call(const struct croom_panel *panel, tick *t)
{
	return croom_slot_call(printer, panel, t) + 1;
}

bool pending(const struct croom_lane *lane, const struct croom_panel *panel);
bool pending(const struct croom_lane *lane, const struct croom_panel *panel)
{
	return croom_lane_pending(lane, panel);
}

void lane_counts(struct croom_lane *lane, uint64_t n);
void lane_counts(struct croom_lane *lane, uint64_t n)
{
	croom_lane_calls_add(lane, printer_slot, n);
	croom_lane_records_add(lane, n);
}

int lane_call(struct croom_lane *lane, const struct croom_panel *panel, tick *t);
int lane_call(struct croom_lane *lane, const struct croom_panel *panel, tick *t)
{
	return croom_lane_call(printer, lane, panel, t);
}

void lane_decide(struct croom_lane *lane, uint64_t record);
void lane_decide(struct croom_lane *lane, uint64_t record)
{
	croom_lane_decide(lane, record, 1);
}

void *ring_reserve(struct croom_ring *ring, size_t length);
void *ring_reserve(struct croom_ring *ring, size_t length)
{
	return croom_ring_reserve(ring, length);
}

void ring_publish(struct croom_ring *ring, size_t length);
void ring_publish(struct croom_ring *ring, size_t length)
{
	croom_ring_commit(ring, length);
	croom_ring_publish(ring);
}

const void *ring_fetch(struct croom_ring *ring, size_t *length);
const void *ring_fetch(struct croom_ring *ring, size_t *length)
{
	return croom_ring_fetch(ring) ? croom_ring_peek(ring, length) : NULL;
}

void ring_release(struct croom_ring *ring);
void ring_release(struct croom_ring *ring)
{
	croom_ring_next(ring);
	croom_ring_release(ring);
}

bool items_put(struct croom_items *items, const uint64_t *item);
bool items_put(struct croom_items *items, const uint64_t *item)
{
	return croom_items_put(items, item, 24);
}

size_t items_put_many(struct croom_items *items, const uint64_t *array, size_t n);
size_t items_put_many(struct croom_items *items, const uint64_t *array, size_t n)
{
	return croom_items_put_many(items, array, n, 24);
}

bool items_take(struct croom_items *items, uint64_t *item);
bool items_take(struct croom_items *items, uint64_t *item)
{
	return croom_items_take(items, item, 24);
}

size_t items_take_many(struct croom_items *items, uint64_t *array, size_t n);
size_t items_take_many(struct croom_items *items, uint64_t *array, size_t n)
{
	return croom_items_take_many(items, array, n, 24);
}

#ifdef __cplusplus
}
#endif
