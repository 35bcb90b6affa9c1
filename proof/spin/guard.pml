/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trial (lib/trial.c, the guard of croom/trial.h): for a time the new handler runs inside a wrapper that holds the
 * old one as well. A lane that finds a rule broken goes back to the old one by itself, from its next call on; the room
 * then takes the wrapper out. When the time is up, or an operator promotes it, the bare new handler stays.
 *
 * The rules, and what each is for; for each there is a variant (-DBROKEN_...) without it, which Spin refutes.
 *
 *  1. One word decides: nothing yet, a breach (a lane's), or kept (the room's). Both set it with a compare-and-swap, so
 *     the first one decides and the other learns it: a lane that has gone back never meets the new handler again, and
 *     none goes back after the room has said that the new one stays.                       BROKEN_PLAIN, BROKEN_DUE
 *  2. The wrapper has a reference to both handlers and drops them when it is closed itself, which is when every lane
 *     has left it. Neither a breach nor the end of the time closes anything.               BROKEN_OLD, BROKEN_NEW
 *  3. The room acts on a trial only while it is in the current panel. A slot that an operator has changed meanwhile
 *     keeps what he put there.                                                             BROKEN_CLOBBER
 *  4. A breach puts back its slot, which is what the lanes run already; that settles a pending change of the slot
 *     (confirm.pml, rule 6). A trial that ends well does not confirm one.
 *
 * What is shown: a lane calls a handler only while it is open; one that has gone back never calls the new one again;
 * the bare new handler is published only when there was no breach; nothing is closed twice, and in the end only what is
 * in force is open. A breach leads to the old handler (or the operator's) in every lane.
 *
 * Two lanes, CALLS calls each, an operator who may swap the slot: 84,393 states.
 */
#ifndef CALLS
#define CALLS 2
#endif
#define LANES 2
#define SLOTS 1
#define REVISIONS 4
#define INSTANCES 4
#define OLD 1
#define NEW 2
#define WRAPPER 3
#define OTHER 4                 /* the operator's */
bool wrapper_gone;              /* its close() is to drop what it owns */
#define ON_CLOSE(i) wrapper_gone = (wrapper_gone || i == WRAPPER)
#include "room.pml"

mtype = { watch, breach, kept };

mtype word = watch;             /* trial->breach */
bool guarding, due;

/* Only here to be asserted about. */
bool found[LANES];              /* this lane has gone back */
bool new_put;                   /* the revert has done so, where BROKEN_NEW */
bool replaced;                  /* the operator has changed the slot */
byte ended;

/* trial_end() */
inline wrapper_close()
{
	if
	:: wrapper_gone ->
		wrapper_gone = false;
#ifndef BROKEN_OLD
		instance_put(OLD);
#endif
		if
		:: !new_put -> instance_put(NEW)
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

#define wrapped (panel[current].slot[0] == WRAPPER)

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
#if defined(BROKEN_DUE)
	:: guarding && wrapped && due -> publish_in_slot(NEW)
#elif defined(BROKEN_PLAIN)
	:: guarding && saw_watch && due -> word = kept; publish_in_slot(NEW)
#else
	:: guarding && wrapped && due && word == watch -> word = kept; publish_in_slot(NEW)
#endif
	:: else
	fi
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
			assert(!(to == NEW && found[me]));
			if
			:: to == NEW && panel[held[me]].slot[0] == WRAPPER ->
				/* A rule is broken: compare and swap. */
#ifdef BROKEN_PLAIN
				word = breach;
				found[me] = true
#else
				if
				:: word == watch -> word = breach; found[me] = true
				:: else
				fi
#endif
			:: true
			fi;
			to = 0
		}
	od
}

/* He guards a change, and may swap the slot before the guard is over, or not. A call is one step, as in confirm.pml. */
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
		collect();
		wrapper_close()
	};
	if
	:: true
	:: atomic {
		true ->
#ifndef BROKEN_PLAIN
		tick_trials();
#endif
		opened = OTHER;
		refs[OTHER] = 1;
		replaced = true;
		panel_new();
		panel_set(0, OTHER);
		publish();
		instance_put(OTHER);
		collect();
		wrapper_close()
	   }
	fi;
	ended++
}

proctype clock()
{
end:	atomic { guarding && !due -> due = true }
}

#define caught_up(l) (observed[l] == PARKED || observed[l] == current)
#define to_do ((guarding && wrapped && (word == breach || due)) || (retired && caught_up(0) && caught_up(1)))

proctype server()
{
#ifdef BROKEN_PLAIN
	bool saw_watch;         /* a load now, a store in the next step */
#endif

end:	do
	:: to_do ->
#ifdef BROKEN_PLAIN
		saw_watch = wrapped && word == watch;
#endif
		atomic {
			true ->
			tick_trials();
			collect();
			wrapper_close()
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
	assert(ended == 1 && !retired);
	assert(!(word == breach && (panel[current].slot[0] == NEW || wrapped)));
	assert(!replaced || panel[current].slot[0] == OTHER);
	assert(!wrapped);
	byte i;
	for (i : 1 .. opened) {
		assert(refs[i] == (panel[current].slot[0] == i));
		assert(closed[i] == (refs[i] == 0))
	}
}

#define left(l) (observed[l] == PARKED || observed[l] == current)

ltl progress {
	[] (word == breach -> <> (!wrapped && panel[current].slot[0] != NEW && left(0) && left(1)))
}
