/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trial (lib/trial.c, the guard of croom/trial.h): for a time the new handler runs inside a wrapper that holds the
 * old one as well. A lane that finds a rule broken goes back to the old one by itself, from its next call on; the room
 * then takes the wrapper out. When the time is up, or an operator promotes it, the bare new handler stays.
 *
 * The rules, and what each is for; for each there is a variant (-DBROKEN_...) without it, which Spin refutes.
 *
 *  1. The wrapper has a reference to both handlers and drops them when it is closed itself, which is when every lane
 *     has left it. Neither a breach nor the end of the time closes anything.               BROKEN_OLD, BROKEN_NEW
 *  2. A lane may break a rule in the wrapper after the room has published the bare new handler. So the room looks at
 *     the word once more, when every lane has left the wrapper (lib/ending.c), and goes back if it must.
 *                                                                                          BROKEN_LOOK, BROKEN_EARLY
 *  3. Until that look what the wrapper held stays open.                                    BROKEN_CLOSE
 *  4. The room acts on a trial only while the slot holds it, or what it tried. A slot that an operator has changed
 *     meanwhile keeps what he put there.                                                   BROKEN_CLOBBER
 *  5. And if what he put there goes back by itself to what broke its rule, that goes back, too: the trial is kept while
 *     anything has a reference to the new handler.                                         BROKEN_FORGET
 *  6. A breach puts back its slot, which is what the lanes run already; that settles a pending change of the slot
 *     (confirm.pml, rule 6). A trial that ends well does not confirm one.
 *
 * What is shown: a lane calls a handler only while it is open; one that has gone back never calls the new one again in
 * the wrapper (the bare one it may, until the room has looked); in the end the new handler is in force only when there was
 * no breach; nothing is closed twice, and then only what is in force is open. A breach leads to the old handler (or the
 * operator's) in every lane.
 *
 * Two lanes, CALLS calls each, an operator who may swap the slot, and whose change may go back: 220,785 states.
 */
#ifndef CALLS
#define CALLS 2
#endif
#define LANES 2
#define SLOTS 1
#define REVISIONS 6
#define INSTANCES 4
#define OLD 1
#define NEW 2
#define WRAPPER 3
#define OTHER 4                 /* the operator's */
bool wrapper_gone;              /* its close() is to drop what it owns */
#define ON_CLOSE(i) wrapper_gone = (wrapper_gone || i == WRAPPER)
#include "room.pml"

mtype = { watch, breach };

mtype word = watch;             /* trial->breach, which only lanes write */
bool guarding, due;
bool ending, all_left;              /* the new handler has taken over; no lane is in the wrapper any more */
byte back;                      /* what the operator's change goes back to: pending->back, with a reference; 0: nothing */

/* Only here to be asserted about. */
bool found[LANES];              /* this lane has gone back */
bool new_put;                   /* the revert has done so, where BROKEN_NEW */
bool replaced;                  /* the operator has changed the slot, and it has not gone back */
byte ended;

#define current_is(i) (panel[current].slot[0] == i)
#define wrapped current_is(WRAPPER)

inline let_go()
{
	if
	:: !new_put ->
#ifndef BROKEN_OLD
		instance_put(OLD);
#endif
		instance_put(NEW)
	:: else
#ifndef BROKEN_OLD
		-> instance_put(OLD)
#endif
	fi
}

/* trial_end() */
inline wrapper_close()
{
	if
	:: wrapper_gone ->
		wrapper_gone = false;
		all_left = true;
		if
#ifdef BROKEN_CLOSE
		:: true -> let_go()
#else
		:: !ending -> let_go()
#endif
		:: else
		fi
	:: else
	fi
}

inline publish_in_slot(i)
{
	panel_new();
	panel_set(0, i);
	publish();
	guarding = guarding && i == WRAPPER
}

inline collect_all()
{
	collect();
	wrapper_close()
}

/* tick_trials() and trial_over() */
inline tick_trials()
{
	if
#ifdef BROKEN_CLOBBER
	:: guarding && word == breach ->
#else
	:: guarding && !wrapped -> guarding = false
	:: guarding && wrapped && word == breach ->
#endif
		publish_in_slot(OLD);
#ifdef BROKEN_NEW
		new_put = true;
		instance_put(NEW)
#endif
	:: guarding && wrapped && due && word == watch -> ending = true; publish_in_slot(NEW)
	:: else
	fi
}

inline ending_over()
{
	ending = false;
#ifndef BROKEN_CLOSE
	let_go()
#endif
}

#ifdef BROKEN_EARLY
#define may_look true
#else
#define may_look all_left
#endif
#ifdef BROKEN_LOOK
#define held_well true
#else
#define held_well (word == watch)
#endif
#ifdef BROKEN_FORGET
#define leads_back false
#else
#define leads_back (refs[NEW] > 1)
#endif

/* endings_collect() and endings_tick() */
inline tick_endings()
{
	if
	:: ending && may_look && held_well -> ending_over()
	:: ending && may_look && !held_well && current_is(NEW) ->
		assert(!closed[OLD]);
		publish_in_slot(OLD);
		ending_over()
	:: ending && may_look && !held_well && !current_is(NEW) && !leads_back -> ending_over()
	:: else
	fi;
	collect_all()
}

proctype lane_thread(byte me)
{
	byte calls, to;

	atomic { lane_unpark(me) };
end:	do
	:: atomic { lane_observe(me) }
	:: calls < CALLS ->
		/* trial_run() reads the word; any other handler is called as it is. */
		d_step {
			calls++;
			to = panel[held[me]].slot[0];
			if
			:: to == WRAPPER && word == breach -> to = OLD
			:: to == WRAPPER && word != breach -> to = NEW
			:: else
			fi
		}
		atomic {
			assert(!closed[to]);
			if
			:: to == NEW && panel[held[me]].slot[0] == WRAPPER ->
				assert(!found[me]);
				/* A rule is broken, or none is. */
				if
				:: word = breach; found[me] = true
				:: true
				fi
			:: else
			fi;
			to = 0
		}
	od
}

/*
 * He guards a change, and may swap the slot before the guard is over, or not; his change may have to be confirmed, and go back
 * by itself. A call is one step, as in confirm.pml.
 */
proctype operator()
{
	atomic {
		opened = WRAPPER;
		refs[NEW] = 1;
		refs[WRAPPER] = 1;
#ifndef BROKEN_OLD
		refs[OLD]++;
#endif
		guarding = true;
		publish_in_slot(WRAPPER);
		instance_put(WRAPPER);
		collect_all()
	};
	if
	:: true
	:: atomic {
		true ->
		tick_trials();
		collect_all();
		tick_endings();
		opened = OTHER;
		refs[OTHER] = 1;
		replaced = true;
		if
		:: true
		:: current_is(NEW) -> back = NEW; refs[NEW]++
		fi;
		panel_new();
		panel_set(0, OTHER);
		publish();
		instance_put(OTHER);
		collect_all()
	   };
	   if
	   :: atomic {
		back ->
		/* pending_back(): nobody has confirmed it. */
		replaced = false;
		panel_new();
		panel_set(0, back);
		publish();
		instance_put(back);
		back = 0;
		collect_all();
		tick_endings()
	      }
	   :: atomic { back -> instance_put(back); back = 0; collect_all() }
	   :: !back
	   fi
	fi;
	ended++
}

proctype clock()
{
end:	atomic { guarding && !due -> due = true }
}

#define caught_up(l) (observed[l] == PARKED || observed[l] == current)
#define to_look (ending && may_look && (held_well || current_is(NEW) || !leads_back))
#define to_do ((guarding && wrapped && (word == breach || due)) || (retired && caught_up(0) && caught_up(1)) || to_look)

/* croom_room_tick() */
proctype server()
{
end:	do
	:: to_do ->
		atomic {
			true ->
			tick_trials();
			collect_all();
			tick_endings()
		}
	od
}

init {
	atomic {
		opened = OLD;
		refs[OLD] = 1;
		panel[1].slot[0] = OLD;
		run lane_thread(0);
		run lane_thread(1);
		run operator();
		run clock();
		run server()
	};
	timeout ->
	assert(ended == 1 && !retired && !ending);
	assert(!(word == breach && (current_is(NEW) || wrapped)));
	assert(!replaced || current_is(OTHER));
	assert(!wrapped);
	byte i;
	for (i : 1 .. opened) {
		assert(refs[i] == (panel[current].slot[0] == i));
		assert(closed[i] == (refs[i] == 0))
	}
}

#define gone_on(l) (observed[l] == PARKED || observed[l] == current)

ltl progress {
	[] (word == breach -> <> (!wrapped && !current_is(NEW) && gone_on(0) && gone_on(1)))
}
