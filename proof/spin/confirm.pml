/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change that has to be confirmed: it is published with a deadline, and when nobody confirms it in time the room
 * publishes the state before it again.
 *
 * The rules that follow; each has a variant (-DBROKEN_...) without it, which Spin refutes.
 *
 *  1. pending = { revision, before, deadline }. `before` is the panel that the change replaced, all slots, with a
 *     reference to each instance: they stay open until the change is over. So a revert opens nothing; its panel and
 *     its history entry are made together with the change, and it cannot fail.       BROKEN_NO_HOLD, BROKEN_REOPEN
 *  2. One change at a time is unconfirmed. A second swap with a deadline is refused (-EBUSY: revision, time left and
 *     who made the first). A plain swap is let through: it builds on the unconfirmed one and goes with it, which its
 *     answer has to say.                                                              BROKEN_SECOND
 *  3. settle(): whoever takes the room's mutex (swap, commit, rollback, confirm, poll, the timer) first reverts what
 *     is due, by the clock and by what is pending then, never by what a timer was once set for. So the clock says
 *     whether a confirm was in time, not which thread came first.                     BROKEN_TIMER, BROKEN_LATE
 *  4. confirm(revision) is for the change of that revision alone: -ESTALE for any other, also when another one is
 *     pending; the answer says how that change ended. It publishes nothing and drops `before`. BROKEN_ANY_REVISION
 *  5. A revert is a new revision with the whole state before the change, what was put on top goes as well; whether
 *     the change is still the current revision does not matter.                       BROKEN_ONLY_CURRENT
 *  6. An operator's rollback to a revision before the change ends it, once it is published (one that is refused ends
 *     nothing). One to the change itself, or to what was put on top, leaves it pending. BROKEN_ROLLBACK
 *  7. A freeze refuses swaps, commits and rollbacks, but neither confirm nor revert: both end what was begun before
 *     it, and a freeze must not make an unconfirmed change permanent.                 BROKEN_FREEZE
 *  8. A revert is not refused for CROOM_RETIRED_MAX: the lane that is late may be late because of the change. One
 *     change is pending at most and none is let in at the limit, so one panel more at most is retired. BROKEN_BUSY
 *
 * Not in the model, but of the same making: the deadline counts from the publication (a commit's, for a prepared
 * change), not from when the lanes have observed it; after a revert, what was prepared on top of the change is stale
 * (-ESTALE), as after any publication; room_close() drops `before` and reverts nothing (shutdown.pml). What a guard
 * adds is in guard.pml.
 *
 * What is shown: a change ends in one way, once; a confirm that was answered with 0 holds, and one that came late is
 * refused; nothing is reverted before its time; the state after a revert is the one before the change; an instance is
 * closed once, never while a lane may run it, and in the end only what is in force is open. Under weak fairness every
 * due change ends, and every revert is observed by a lane that does not hang.
 *
 * Three calls of two operators, one lane, which may hang: 342,371 states. What lanes do in detail is in
 * transaction.pml and lanes.pml, so here a call is one step, as it is for the other callers of the mutex.
 */
#ifndef OPS
#define OPS 3                   /* calls of the two operators, in all */
#endif
#define LANES 1
#define SLOTS 2
#define REVISIONS (1 + 2 * OPS)
#define INSTANCES (SLOTS * OPS)
#define RETIRED_MAX 2
#include "room.pml"

mtype = { none, swap, confirm, rollback, confirmed, reverted, undone };

/* The change that is not confirmed yet; revision 0: none. Under the mutex, but for `due`: the clock. */
byte pending;
panel_type before;
bool due;
bool frozen;

panel_type history[REVISIONS + 1]; /* what each revision was asked to hold, as specs */
byte spec[INSTANCES + 1];

/* Only here to be asserted about: how a change ended, which unconfirmed change the current state builds on. */
mtype way[REVISIONS + 1] = none;
byte carried, carried_before, last_revert;
byte ops, ended;                /* calls that were made; operators that are done */
bool stuck;                     /* the lane hangs in a handler, for good */

inline pending_begin()
{
	pending = current + 1;
	due = false;
	for (n_ : 0 .. SLOTS - 1) {
		before.slot[n_] = panel[current].slot[n_];
#ifndef BROKEN_NO_HOLD
		instance_get(before.slot[n_])
#endif
	}
	n_ = 0
}

inline pending_end(how)
{
	assert(way[pending] == none);
	way[pending] = how;
	pending = 0;
	due = false;
	for (n_ : 0 .. SLOTS - 1) {
		i_ = before.slot[n_];
		before.slot[n_] = 0;
#ifndef BROKEN_NO_HOLD
		instance_put(i_)
#endif
	}
	n_ = 0;
	i_ = 0
}

inline history_add()
{
	for (n_ : 0 .. SLOTS - 1) {
		history[current].slot[n_] = spec[panel[current].slot[n_]]
	}
	n_ = 0
}

/* The state before the pending change, in force again. */
inline revert()
{
	assert(due && carried == pending);
	panel_new();
	for (n_ : 0 .. SLOTS - 1) {
		assert(!closed[before.slot[n_]]);
		panel_set(n_, before.slot[n_])
	}
	n_ = 0;
	publish();
	history_add();
	assert(retired <= RETIRED_MAX + 1);
	for (n_ : 0 .. SLOTS - 1) {
		assert(history[current].slot[n_] == history[pending - 1].slot[n_])
	}
	n_ = 0;
	last_revert = current;
	carried = carried_before;
	pending_end(reverted)
}

#if defined(BROKEN_BUSY)
#define may_revert (retired < RETIRED_MAX)
#elif defined(BROKEN_FREEZE)
#define may_revert (!frozen)
#elif defined(BROKEN_ONLY_CURRENT)
#define may_revert (pending == current)
#else
#define may_revert true
#endif

/* Only ever inside a step of its own: under the mutex. */
inline settle(when)
{
	if
	:: pending && (when) && may_revert -> revert()
#ifdef BROKEN_REOPEN
	:: pending && (when) -> pending_end(reverted)   /* open() has failed */
#endif
	:: else
	fi
}

#ifdef BROKEN_SECOND
#define second false
#else
#define second (deadline && pending)
#endif

/* croom_room_swap() of one slot. */
inline room_swap()
{
	instance_open(new);
	spec[new] = new;
	panel_new();
	panel_set(slot, new);
	if
	:: deadline ->
		pending_begin();
		mine = pending;
		carried_before = carried;
		carried = pending
	:: else
	fi;
	publish();
	history_add();
	instance_put(new)
}

/* croom_room_confirm() of the change that this operator was told about. */
inline room_confirm()
{
	carried = 0;
	pending_end(confirmed);
	/* It was answered with 0. */
	assert(way[mine] == confirmed && !late)
}

/* croom_room_rollback() to the revision `to`: what differs is opened anew. */
inline room_rollback()
{
	panel_new();
	for (slot : 0 .. SLOTS - 1) {
		new = history[to].slot[slot];
		if
		:: new != history[current].slot[slot] ->
			if
			:: new ->
				instance_open(new);
				spec[new] = history[to].slot[slot]
			:: else
			fi;
			panel_set(slot, new);
			instance_put(new)
		:: else
		fi
	}
	if
	:: to < carried -> carried = 0
	:: else
	fi;
	publish();
	history_add();
	if
#ifndef BROKEN_ROLLBACK
	:: pending && to < pending -> pending_end(undone)
#endif
	:: else
	fi
}

#ifdef BROKEN_ANY_REVISION
#define named pending
#else
#define named (pending == mine)
#endif
#define may_publish (!frozen && retired < RETIRED_MAX)

/* One call of an operator's, from lock to unlock. A swap and a rollback may be refused: open() can fail. */
inline call()
{
	atomic {
		if
#ifdef BROKEN_LATE
		:: what == confirm
#endif
		:: else -> settle(due)
		fi;
		collect();
		if
		:: what == swap && may_publish && !second -> room_swap()
		:: what == rollback && may_publish && to && to < current -> room_rollback()
		:: what != confirm
		:: what == confirm && named -> room_confirm()
		:: what == confirm && !(named)
		fi;
		collect();
		what = none;
		slot = 0;
		deadline = false;
		to = 0;
		new = 0;
		late = false
	}
}

active proctype lane_thread()
{
	atomic { lane_unpark(0) };
end:	do
	:: atomic { lane_observe(0) }
	:: stuck = true -> break
	od
}

active [2] proctype operator()
{
	mtype what = none;
	byte mine, slot, to, new;
	bool deadline, late;

	do
	:: atomic {
		ops < OPS -> ops++;
		if
		:: what = swap; deadline = true
		:: what = swap
		:: what = swap; slot = 1
		:: mine -> what = confirm; late = pending == mine && due
		:: what = rollback; to = current - 1
		:: pending -> what = rollback; to = pending - 1
		:: frozen = !frozen
		fi
	   };
		if
		:: what != none -> call()
		:: else
		fi
	:: ops == OPS -> break
	od;
	ended++
}

/* The clock: a deadline passes at any time after the change. */
active proctype clock()
{
end:	do
	:: atomic { pending && !due -> due = true }
	od
}

#define caught_up (observed[0] == PARKED || observed[0] == current)

/* Whoever waits on a timer for the room: the server's loop, or the host's. */
active proctype server()
{
end:	do
	:: due ->
		atomic {
			if
#ifdef BROKEN_TIMER
			:: true -> settle(true)
#else
			:: true -> settle(due)
#endif
			fi;
			collect()
		}
	:: retired && caught_up -> atomic { true; collect() }
	od
}

/* When nothing moves any more: every change is over, and only what is in force is open. */
active proctype quiet()
{
	byte i, s, want;

	timeout ->
	assert(ended == 2);
	assert(!carried && !pending);
	assert(stuck || !retired);
	for (i : 1 .. opened) {
		want = 0;
		for (s : 0 .. SLOTS - 1) {
			want = want + (panel[current].slot[s] == i)
		}
		assert(stuck || refs[i] == want);
		assert(closed[i] == (refs[i] == 0))
	}
}

ltl progress {
	[] (due -> <> !due) &&                          /* every due change ends */
	[] <> (stuck || observed[0] >= last_revert)     /* every revert is observed */
}
