/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change that has to be confirmed, or to be run by every lane, in time, or the room goes back: lib/pending.c, with
 * may_publish(), may_change(), settles() and warm() of lib/plan.c and the freeze of lib/hold.c.
 *
 * The rules, and what each is for; for each there is a variant (-DBROKEN_...) without it, which Spin refutes.
 *
 *  1. pending = { revision, deadlines, back }. `back` has the slots that the change replaced, with a reference to each
 *     instance: they stay open until the change is over. So going back opens nothing, and a rollback to before the
 *     change finds them open as well (warm()).                                        BROKEN_NO_HOLD, BROKEN_REOPEN
 *  2. One change at a time is pending, and no swap is let in until it is over: a second one would be undone with it,
 *     or be all that is left of it.                                                    BROKEN_SECOND
 *  3. The deadline is looked at with the mutex held, for what is pending then, never for what a timer was once set
 *     for; and by a confirm, too: late is late, whoever comes first.                  BROKEN_TIMER, BROKEN_LATE
 *  4. confirm(revision) is for the change of that revision alone. (Revision 0 means whichever is pending, and who
 *     says that has chosen the variant.)                                              BROKEN_ANY_REVISION
 *  5. Going back puts back the slots of the change and leaves the others; it does not matter what was published
 *     since, or that the change is not the newest revision any more.                  BROKEN_ONLY_CURRENT
 *  6. What changes one of its slots (a rollback to before it, the breach of a trial in it) ends the change once it is
 *     published; what changes none does not.                                          BROKEN_SETTLES
 *  7. A freeze refuses what operators ask for, but neither a confirm nor going back: both end what was begun before
 *     it.                                                                             BROKEN_FREEZE
 *  8. Going back is not refused for CROOM_RETIRED_MAX: the lane that is late may be late because of the change. Nor is
 *     a breach. None of the changes was let in at the limit, so that adds a panel for each.  BROKEN_BUSY
 *
 * What is shown: a change ends in one way, once; a confirm that was answered with 0 holds, and one that came late is
 * refused; nothing goes back before its time; then its slots are as before the change; an instance is closed once,
 * never while a lane may run it, and in the end only what is in force is open. Every change that is due ends, and every
 * way back is run by a lane that does not hang.
 *
 * OPS calls of two operators, one lane, which may hang: 143,866 states. What lanes do in detail is in transaction.pml
 * and lanes.pml, so here a call is one step, as it is for the other callers of the mutex.
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

mtype = { none, swap, confirm, rollback, confirmed, observed_by_all, went_back, settled };

/* The change that is not over yet; revision 0: none. Under the mutex, but for `due`: the clock. */
byte pending;
panel_type back;
bool in_back[SLOTS];
bool to_confirm, due;           /* else: to be observed */
bool frozen;

panel_type history[REVISIONS + 1]; /* what each revision was asked to hold, as specs */
byte spec[INSTANCES + 1];

/* Only here to be asserted about: how a change ended, which pending change the current state has in it. */
mtype way[REVISIONS + 1] = none;
byte carried, carried_before, last_back;
byte ops;                       /* calls that were made */
bool stuck;                     /* the lane hangs in a handler, for good */

#define caught_up (observed[0] == PARKED || observed[0] == current)

inline pending_new()
{
	for (n_ : 0 .. SLOTS - 1) {
		in_back[n_] = both || n_ == slot;
		if
		:: in_back[n_] ->
			back.slot[n_] = panel[current].slot[n_];
#ifndef BROKEN_NO_HOLD
			instance_get(back.slot[n_])
#endif
		:: else
		fi
	}
	n_ = 0;
	pending = current + 1;
	to_confirm = deadline == confirm;
	due = false;
	carried_before = carried;
	carried = pending
}

inline pending_end(how)
{
	assert(way[pending] == none);
	way[pending] = how;
	if
	:: how != went_back -> carried = 0
	:: else
	fi;
	carried_before = 0;
	pending = 0;
	to_confirm = false;
	due = false;
	for (n_ : 0 .. SLOTS - 1) {
		i_ = back.slot[n_];
		back.slot[n_] = 0;
		in_back[n_] = false;
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

inline pending_back()
{
	assert(due && carried == pending);
	panel_new();
	for (n_ : 0 .. SLOTS - 1) {
		if
		:: in_back[n_] ->
			assert(!closed[back.slot[n_]]);
			panel_set(n_, back.slot[n_])
		:: else
		fi
	}
	n_ = 0;
	publish();
	history_add();
	assert(retired <= RETIRED_MAX + 2);     /* this one and the breach */
	for (n_ : 0 .. SLOTS - 1) {
		assert(history[current].slot[n_] == history[(in_back[n_] -> pending : current) - 1].slot[n_])
	}
	n_ = 0;
	last_back = current;
	carried = carried_before;
	pending_end(went_back)
}

#if defined(BROKEN_BUSY)
#define may_go_back (retired < RETIRED_MAX)
#elif defined(BROKEN_FREEZE)
#define may_go_back (!frozen)
#elif defined(BROKEN_ONLY_CURRENT)
#define may_go_back (pending == current)
#else
#define may_go_back true
#endif

/* croom_room_tick(). `when` is what it asks the clock. */
inline tick(when)
{
	collect();
	if
	:: pending && !to_confirm && passed[0] >= pending -> pending_end(observed_by_all)
	:: pending && (to_confirm || passed[0] < pending) && (when) && may_go_back -> pending_back()
#ifdef BROKEN_REOPEN
	:: pending && (when) -> pending_end(went_back)  /* open() has failed */
#endif
	:: else
	fi;
	collect()
}

#ifdef BROKEN_SECOND
#define may_swap true
#else
#define may_swap (!pending)
#endif

inline room_swap()
{
	panel_new();
	if
	:: deadline != none -> pending_new(); mine = pending
	:: else
	fi;
	instance_open(new);
	spec[new] = new;
	panel_set(slot, new);
	instance_put(new);
	if
	:: both ->
		instance_open(new);
		spec[new] = new;
		panel_set(1 - slot, new);
		instance_put(new)
	:: else
	fi;
	publish();
	history_add()
}

/* Of the change that this operator was told about. */
inline room_confirm()
{
	pending_end(confirmed);
	/* It was answered with 0. */
	assert(way[mine] == confirmed && !late)
}

/* To the revision `to`: what differs is put back as it is still open, or opened anew. */
inline room_rollback()
{
	panel_new();
	for (slot : 0 .. SLOTS - 1) {
		if
		:: history[to].slot[slot] != history[current].slot[slot] ->
			both = both || in_back[slot];
			new = back.slot[slot];
			if
			:: in_back[slot] && spec[new] == history[to].slot[slot] ->
				assert(!closed[new]);
				instance_get(new)
			:: else ->
				new = 0;
				if
				:: history[to].slot[slot] ->
					instance_open(new);
					spec[new] = history[to].slot[slot]
				:: else
				fi
			fi;
			panel_set(slot, new);
			instance_put(new)
		:: else
		fi
	}
	publish();
	history_add();
	if
	:: to < carried -> carried = 0
	:: else
	fi;
	if
#ifndef BROKEN_SETTLES
	:: pending && both -> pending_end(settled)
#endif
	:: else
	fi
}

#ifdef BROKEN_ANY_REVISION
#define may_confirm (pending && to_confirm && !due)
#elif defined(BROKEN_LATE)
#define may_confirm (pending && to_confirm && pending == mine)
#else
#define may_confirm (pending && to_confirm && pending == mine && !due)
#endif
#define may_publish (!frozen && retired < RETIRED_MAX)

/* Not an operator's: a trial in the other slot is broken and goes back by itself, frozen or not. */
inline breach()
{
	panel_new();
	panel_set(1, 0);
	publish();
	history_add();
	collect()
}

/* One call of an operator's, from lock to unlock. A swap and a rollback may be refused: open() can fail. */
inline call()
{
	collect();
	if
	:: what == swap && may_publish && may_swap -> room_swap()
	:: what == rollback && may_publish && to && to < current -> room_rollback()
	:: what == confirm && may_confirm -> room_confirm()
	:: what == confirm && !(may_confirm)
	:: what != confirm
	fi;
	collect();
	what = none;
	deadline = none;
	both = false;
	slot = 0;
	to = 0;
	new = 0;
	late = false
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
	mtype what = none, deadline = none;
	byte mine, slot, to, new;
	bool both, late;

end:	do
	:: atomic {
		ops < OPS && what == none ->
		ops++;
		if
		:: what = swap; slot = 1
		:: what = swap; deadline = confirm
		:: what = swap; deadline = confirm; both = true
		:: what = swap; deadline = swap         /* to be observed */
		:: mine -> what = confirm; late = pending == mine && due
		:: what = rollback; to = current - 1
		:: pending -> what = rollback; to = pending - 1
		:: frozen = !frozen
		:: pending && !in_back[1] && panel[current].slot[1] -> breach()
		fi;
		/* Between the moment in which a confirm is on its way and the lock there is time. */
		if
		:: what == swap || what == rollback -> call()
		:: else
		fi
	   }
	:: atomic { what == confirm -> call() }
	od
}

/* The clock: a deadline passes at any time after the change. */
active proctype clock()
{
end:	do
	:: atomic { pending && !due -> due = true }
	od
}

/* Whoever calls croom_room_tick(): the server's loop, or the host's. */
active proctype server()
{
end:	do
	:: due || (pending && !to_confirm && caught_up) || (retired && caught_up) ->
		atomic {
			true;
#ifdef BROKEN_TIMER
			tick(true)
#else
			tick(due)
#endif
		}
	od
}

/* When nothing moves any more: every change is over, and only what is in force is open. */
active proctype quiet()
{
	byte i, s, want;

	timeout ->
	assert(ops == OPS);
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
	[] <> (stuck || observed[0] >= last_back)       /* every way back is observed */
}
