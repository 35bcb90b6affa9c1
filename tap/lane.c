/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lane: takes packets from the ring and gives each to the slots of one panel. See <croomtap/record.h> for the order
 * of the calls and tap/tap.h for who owns what.
 *
 * One panel per batch: observe, up to BATCH packets, release, counts, flush. Before a panel is left the strategy
 * gets FLUSH under it. When the ring stays empty the lane parks, so that it holds up no swap, and sleeps.
 */
#include "door.h"
#include "handlers/files.h"
#include "tap.h"
#include <croom/trial.h>
#include <string.h>

#ifndef TAP_SPINS
#define TAP_SPINS 64   /* a checker's build has fewer, so that the lane soon sleeps */
#endif
enum { BATCH = 128, SPINS = TAP_SPINS, IDLE_NS = 50 * 1000 * 1000, HOLDING_NS = 5 * 1000 * 1000 };

struct lane_state {
	struct tap *tap;
	struct croom_lane *own;            /* tap->lane */
	const struct croom_panel *panel;
	struct croom_entry printer;        /* of the panel before: a change splits the output */
	uint64_t number, kept, revision;
	int64_t now_ns, tick_ns;           /* capture time: of the newest packet, of the last tick */
	bool full;                         /* -c is reached */
	bool uncounted;                    /* packets since metrics was last called */
	struct tap_tally tally;            /* published after each batch */
	uint32_t calls_strategy, calls_printer;
	/* What the slots are given for a packet: laid out when a panel is taken, so that each packet fills in its own only. */
	struct tap_event event;
	struct tap_item item;
	struct tap_decision decision;
	struct tap_probe probe;
};

static enum tap_verdict decide(struct lane_state *lane)
{
	struct tap_event *event = &lane->event;
	struct tap_item *item = &lane->item;
	int verdict;

	if (croom_lane_call(filter, lane->own, lane->panel, event))
		return TAP_FILTERED;
	if (lane->tap->options.count && ++lane->kept >= lane->tap->options.count)
		lane->full = true;
	lane->calls_strategy++;
	verdict = croom_lane_call(strategy, lane->own, lane->panel, event);
	if (verdict != TAP_PRINT)
		return verdict == TAP_SUMMARISED ? TAP_SUMMARISED : TAP_SAMPLED_OUT;
	lane->calls_printer++;
	if (croom_lane_call(printer, lane->own, lane->panel, item) <= 0)
		return TAP_NOT_PRINTED;
	tap_sink_count(lane->tap->out);
	return TAP_PRINT;
}

static void handle(struct lane_state *lane, const struct tap_captured *captured)
{
	struct tap_packet *packet = &lane->event.packet;
	enum tap_verdict verdict;

	packet->data = (const uint8_t *)(captured + 1);
	packet->caplen = captured->caplen;
	packet->len = captured->len;
	packet->sec = captured->sec;
	packet->nsec = captured->nsec;
	lane->now_ns = tap_ns(captured->sec, captured->nsec);
	lane->event.now_ns = lane->now_ns;
	lane->event.number = lane->item.number = lane->decision.number = lane->probe.number = ++lane->number;
	lane->tally.bytes += captured->len;
	verdict = decide(lane);
	lane->tally.verdict[verdict]++;
	lane->decision.verdict = lane->probe.verdict = verdict;
	croom_lane_call(audit, lane->own, lane->panel, &lane->decision);
	croom_lane_call(diag, lane->own, lane->panel, &lane->probe);
	croom_lane_decide(lane->own, lane->number, (uint16_t)verdict);
}

/* Copy the sums to where others may read them. */
static void publish_tally(struct lane_state *lane)
{
	const uint64_t *from = (const uint64_t *)&lane->tally;
	uint64_t *to = (uint64_t *)&lane->tap->tally;

	for (size_t i = 0; i < __builtin_offsetof(struct tap_tally, latency) / sizeof(uint64_t); i++)
		/* relaxed: figures for people until lane_over, which orders them. */
		croom_set_relaxed(&to[i], from[i]);
}

static void count_batch(struct lane_state *lane, uint32_t handled)
{
	struct croom_lane *counts = lane->tap->lane;

	croom_lane_calls_add(counts, filter_slot, handled);
	croom_lane_calls_add(counts, strategy_slot, lane->calls_strategy);
	croom_lane_calls_add(counts, printer_slot, lane->calls_printer);
	croom_lane_calls_add(counts, audit_slot, handled);
	croom_lane_calls_add(counts, diag_slot, handled);
	croom_lane_records_add(counts, handled);
	lane->calls_strategy = lane->calls_printer = 0;
	lane->tally.unshown += lane->event.unshown;
	lane->event.unshown = 0;
	publish_tally(lane);
}

static uint64_t kernel_dropped(const struct tap *tap)
{
	/* relaxed: a figure for people. */
	return croom_get_relaxed(&tap->kernel_dropped);
}

/* Returns what the strategy does: at a TICK, whether it holds something that is not printed yet. */
static int send_event(struct lane_state *lane, enum tap_kind kind)
{
	struct tap_event event = { .kind = kind, .number = lane->number, .now_ns = lane->now_ns, .panel = lane->panel,
				   .out = lane->tap->out };
	int answer = croom_lane_call(strategy, lane->own, lane->panel, &event);

	lane->tally.unshown += event.unshown;
	return answer;
}

static void send_probe(struct lane_state *lane, bool last)
{
	struct tap_probe probe = { .number = lane->number, .revision = lane->panel->revision, .last = last,
		.lost_ring = croom_ring_refused(lane->tap->ring), .lost_kernel = kernel_dropped(lane->tap) };

	croom_lane_call(diag, lane->own, lane->panel, &probe);
}

/* About ten times a second, and at both ends of a panel: so two handlers one after the other count every packet once. */
static void send_counters(struct lane_state *lane)
{
	struct tap *tap = lane->tap;
	struct tap_counters counters = { .now_ns = lane->now_ns, .received = lane->tally.received,
		.bytes = lane->tally.bytes, .lost_ring = croom_ring_refused(tap->ring), .lost_kernel = kernel_dropped(tap),
		.output_bytes = tap_writer_bytes(tap->writer), .revision = lane->panel->revision };

	if (tap->journal) {
		bool kept;

		counters.journal_lost = croom_journal_lost(tap->journal, &kept);
		counters.journal = kept ? TAP_JOURNAL_KEPT : TAP_JOURNAL_NOT_KEPT;
	}
	memcpy(counters.verdict, lane->tally.verdict, sizeof(counters.verdict));
	lane->uncounted = false;
	croom_lane_call(metrics, lane->own, lane->panel, &counters);
	croom_lane_calls_add(tap->lane, metrics_slot, 1);
}

/* About ten times a second of capture time. */
static void tick(struct lane_state *lane)
{
	lane->tick_ns = lane->now_ns;
	send_event(lane, TAP_TICK);
	send_counters(lane);
	send_probe(lane, false);
}

/* Captures may jump back in time; then ticks go on from there. */
static bool tick_is_due(const struct lane_state *lane)
{
	return lane->now_ns < lane->tick_ns || (uint64_t)lane->now_ns - (uint64_t)lane->tick_ns >= TAP_TICK_NS;
}

/* How old the oldest packet of this batch is, now that it is on its way out: one sample per batch, live only. */
static void sample_latency(struct lane_state *lane, int64_t oldest_ns)
{
	uint64_t *bucket;
	struct timespec now;
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);   /* vDSO: not a system call */
	age = now.tv_sec * INT64_C(1000000000) + now.tv_nsec - oldest_ns;
	bucket = &lane->tap->tally.latency[tap_latency_bucket(age > 0 ? (uint64_t)age : 0)];
	/* relaxed: one writer, a figure for people. */
	croom_set_relaxed(bucket, *bucket + 1);
}

static void lay_out(struct lane_state *lane)
{
	struct tap *tap = lane->tap;
	const struct tap_packet *packet = &lane->event.packet;

	lane->event = (struct tap_event){ .kind = TAP_PACKET, .panel = lane->panel, .out = tap->out,
					  .packet = { .linktype = tap->env.linktype } };
	lane->item = (struct tap_item){ .packet = packet, .out = tap->out };
	lane->decision = (struct tap_decision){ .revision = lane->panel->revision, .packet = packet };
	lane->probe = (struct tap_probe){ .revision = lane->panel->revision, .packet = packet };
}

/* Does the change to this printer start a new file? Unless told, when either of the two copies packets. */
static bool splits(const struct lane_state *lane, const struct croom_entry *to)
{
	const struct croom_entry *from = &lane->printer;

	if (!from->run || (from->run == to->run && from->ctx == to->ctx))
		return false;
	return lane->tap->options.split < 0 ? file_printer(from->run) || file_printer(to->run) : lane->tap->options.split;
}

static void take_panel(struct lane_state *lane, const struct croom_panel *panel)
{
	/* A wrapper that times or guards it is no other printer. */
	struct croom_entry printer = croom_trial_inside(croom_panel_entry(panel, printer_slot));

	bool part = splits(lane, &printer);

	if (part)
		tap_sink_split(lane->tap->out);
	lane->printer = printer;
	lane->panel = panel;
	lay_out(lane);
	/* So that a capture in which nothing comes, or a part of it, is a capture file all the same. */
	if (part || tap_sink_untouched(lane->tap->out))
		croom_lane_call(printer, lane->own, panel, &(struct tap_item){ .out = lane->tap->out });
	/* Not by address: the room may have used that of one which was freed while this lane slept. */
	if (panel->revision != lane->revision) {
		lane->revision = panel->revision;
		send_counters(lane);
	}
}

/* Leave the panel if there is a newer one: let the strategy print what it holds, then observe. */
static void observe(struct lane_state *lane)
{
	struct tap *tap = lane->tap;

	if (!croom_lane_pending(tap->lane, lane->panel))
		return;
	send_event(lane, TAP_FLUSH);
	send_counters(lane);
	send_probe(lane, true);
	tap_sinks_flush(tap->writer);
	take_panel(lane, croom_lane_observe(tap->lane, lane->panel));
}

/* One batch under one panel; returns how many packets there were. */
static uint32_t run_batch(struct lane_state *lane)
{
	struct tap *tap = lane->tap;
	const struct tap_captured *captured;
	int64_t oldest_ns = 0;
	uint32_t handled = 0, left = 0;
	size_t length;

	if (!croom_ring_fetch(tap->ring))
		return 0;
	while (handled + left < BATCH && (captured = croom_ring_peek(tap->ring, &length))) {
		if (lane->full) {
			left++;
			lane->tally.after_count++;
		} else {
			handle(lane, captured);
			if (handled++ == 0)
				oldest_ns = lane->now_ns;
		}
		croom_ring_next(tap->ring);
	}
	croom_ring_release(tap->ring);
	lane->tally.received += handled;
	lane->uncounted = true;
	if (tick_is_due(lane))
		tick(lane);
	tap_sinks_flush(tap->writer);
	if (tap->live && handled)
		sample_latency(lane, oldest_ns);
	count_batch(lane, handled);
	return handled + left;
}

/* Nothing has come for a while: time goes on all the same, but only where packets carry the present. */
static void idle_tick(struct lane_state *lane)
{
	struct timespec now;

	if (!lane->tap->live)
		return;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	lane->now_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	if (tick_is_due(lane)) {
		tick(lane);
		tap_sinks_flush(lane->tap->writer);
	}
}

/*
 * The ring was empty `spins` times. Parked and asleep this thread holds no panel and no processor. A strategy that
 * still holds rows must see the end of its panel, so then it sleeps without parking, and briefly.
 */
static void idle(struct lane_state *lane, uint32_t *spins)
{
	struct tap *tap = lane->tap;
	bool holds;

	pause_cpu();
	if (++*spins < SPINS)
		return;
	idle_tick(lane);
	if (tap->options.spin)
		return;
	holds = send_event(lane, TAP_TICK) > 0;
	/* What is swapped while this thread sleeps is not seen off by observe(). */
	if (lane->uncounted)
		send_counters(lane);
	tap_sinks_flush(tap->writer);
	tap_writer_wake(tap->writer);
	if (!holds)
		croom_lane_park(tap->lane);
	door_shut(&tap->door, DOOR_SHUT);
	/* relaxed: the exchange at the door comes before it, and whether this is the end the loop asks again. */
	if (!croom_ring_fetch(tap->ring) && !croom_get_relaxed(&tap->source_over))
		door_wait(&tap->door, DOOR_SHUT, holds ? HOLDING_NS : IDLE_NS);
	if (!holds)
		take_panel(lane, croom_lane_unpark(tap->lane));
}

void *tap_lane_run(void *arg)
{
	struct tap *tap = arg;
	struct lane_state lane = { .tap = tap, .own = tap->lane };
	uint32_t spins = 0;
	int over = 0;

	croom_lane_thread(tap->lane);
	if (tap->options.lane_seccomp && tap_forbid_system_calls())
		__builtin_trap();
	take_panel(&lane, croom_lane_unpark(tap->lane));
	while (!over) {
		/* pair: tap.source_over -- acquire; the release is in tap_capture_run(), capture.c. Read before the ring:
		   when it was set, what is on the ring is all there will be. */
		over = croom_get_acquire(tap.source_over.run, &tap->source_over);
		observe(&lane);
		while (run_batch(&lane)) {
			over = 0;
			spins = 0;
			if (lane.full)
				/* relaxed: a request. */
				croom_set_relaxed(&tap->stop, 1);
			observe(&lane);
		}
		if (!over)
			idle(&lane, &spins);
	}
	tick(&lane);
	send_event(&lane, TAP_FLUSH);
	send_probe(&lane, true);
	tap_sinks_flush(tap->writer);
	publish_tally(&lane);
	croom_lane_park(tap->lane);
	/* pair: tap.lane_over -- release; the acquire is in main(), main.c. */
	croom_set_release(tap.lane_over.run, &tap->lane_over, 1);
	if (!tap->options.lane_seccomp) {
		tap_writer_wake(tap->writer);
		door_knock(&tap->main_door);
	}
	while (tap->options.lane_seccomp)
		pause_cpu();   /* even ending a thread is a system call; the process ends without it */
	return NULL;
}
