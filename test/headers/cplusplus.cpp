// SPDX-License-Identifier: BSD-2-Clause
// A C++ host: handlers with C++ contexts, a slot call, a wire, a swap.
#include "../check.h"
#include <croom/inspect.h>
#include <croom/wire.h>
#include <cstdlib>
#include <string>

struct tick {
	int price;
	std::string said;
};

struct prefix {
	std::string text;
};

CROOM_RECORD(tick, 1);
CROOM_SLOT(printer, 0, tick);

static int print_prefixed(prefix *p, tick *t)
{
	t->said = p->text + std::to_string(t->price);
	return 1;
}
CROOM_RUN(prefixed, print_prefixed, prefix, tick);

static int prefixed_open(void **ctx, const char *config, void *, struct croom_error *)
{
	*ctx = new prefix{ config };
	return 0;
}

static void prefixed_close(void *ctx, void *)
{
	delete static_cast<prefix *>(ctx);
}

static void swaps_a_handler_with_a_cplusplus_context()
{
	croom_slot slots[1] = {};
	croom_class handlers = {};
	croom_room *room = nullptr;
	croom_lane *lane = nullptr;
	croom_error err = {};
	croom_change change = { "printer", "prefixed:EUR " };
	croom_swap_options published = {};
	tick t = { 42, "" };

	slots[0].name = "printer";
	slots[0].type = printer_slot_type;
	handlers.name = "prefixed";
	handlers.run = prefixed_run;
	handlers.type = prefixed_type;
	handlers.open = prefixed_open;
	handlers.close = prefixed_close;
	CHECK_EQ(croom_room_open(&room, "cpp", slots, 1), 0);
	CHECK_EQ(croom_room_class_add(room, "printer", &handlers, nullptr), 0);
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	const croom_panel *panel = croom_lane_unpark(lane);
	CHECK_EQ(croom_slot_call(printer, panel, &t), 0);
	CHECK_EQ(croom_room_swap(room, &change, 1, &published, nullptr, &err), 0);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(croom_slot_call(printer, panel, &t), 1);
	CHECK(t.said == "EUR 42");
	croom_lane_park(lane);
	croom_room_close(room);
}

static int twice(int x)
{
	return 2 * x;
}

static void carries_a_function_on_a_wire()
{
	int (*wire)(int) = nullptr;

	CHECK(croom_wire_get(&wire) == nullptr);
	croom_wire_set(&wire, twice);
	CHECK_EQ(croom_wire_get(&wire)(4), 8);
	croom_wire_set(&wire, nullptr);
	CHECK(croom_wire_get(&wire) == nullptr);
}

int main()
{
	RUN(swaps_a_handler_with_a_cplusplus_context);
	RUN(carries_a_function_on_a_wire);
	return check_result();
}
