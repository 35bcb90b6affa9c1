// SPDX-License-Identifier: BSD-2-Clause
/* Who takes part, in the order of enum actor. */
#include "torture.h"

const struct actor_kind actor_kinds[ACTORS] = {
	[ACTOR_SWAP] = { "swap", "swaps one slot after the other", { swap_body } },
	[ACTOR_TRANSACT] = { "transact", "changes several slots at one record", { transact_body } },
	[ACTOR_PREPARE] = { "prepare", "prepares several, commits one, discards the others", { prepare_body } },
	[ACTOR_ROLLBACK] = { "rollback", "publishes older states again", { rollback_body } },
	[ACTOR_TRIAL] = { "trial", "guards, canaries, shadows, profiles, some of them broken", { trial_body } },
	[ACTOR_CONFIRM] = { "confirm", "changes that go back unless they are confirmed or observed", { confirm_body } },
	[ACTOR_FREEZE] = { "freeze", "freezes and thaws the room", { freeze_body } },
	[ACTOR_REFUSE] = { "refuse", "asks for what must be refused, with the right answer", { refuse_body } },
	[ACTOR_CLASS] = { "class", "classes and gauges that come and go", { class_body } },
	[ACTOR_PLUGIN] = { "plugin", "loads a plugin, swaps it in, swaps it out, unloads it", { plugin_body } },
	[ACTOR_LOOK] = { "look", "compares what the room shows: slots, lanes, history, gauges", { look_body } },
	[ACTOR_BLACKBOX] = { "blackbox", "lanes in a black box, which is read meanwhile", { blackbox_body } },
	[ACTOR_PARK] = { "park", "lanes park, sleep and wake", { NULL } },
	[ACTOR_EXIT] = { "exit", "a lane's thread ends, its lane goes, another comes", { exit_body } },
	[ACTOR_SIGNAL] = { "signal", "a storm of SIGUSR1, with SA_RESTART and without", { signal_body } },
	[ACTOR_STALL] = { "stall", "stops a thread wherever it is, for a while", { stall_body } },
	[ACTOR_AFFINITY] = { "affinity", "moves threads to other processors", { affinity_body } },
	[ACTOR_FORK] = { "fork", "children that exit or exec at once", { fork_body } },
	[ACTOR_MEMORY] = { "memory", "allocates, frees, gives pages back", { memory_body } },
	[ACTOR_RING] = { "ring", "records through croom_ring", { ring_put_body, ring_take_body } },
	[ACTOR_ITEMS] = { "items", "items through croom_items", { items_put_body, items_take_body } },
	[ACTOR_STRINGS] = { "strings", "interns while another looks up", { strings_write_body, strings_read_body } },
	[ACTOR_WIRE] = { "wire", "a bare wire between two threads", { wire_set_body, wire_get_body } },
	[ACTOR_DELAY] = { "delay", "delays at every ordered access (croomtorture-checked)", { NULL } },
};
