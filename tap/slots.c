/* SPDX-License-Identifier: BSD-2-Clause */
/* The room of the tap: its slots, all classes, gauges, and what the command line asks for. */
#include "say.h"
#include "tap.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct croom_slot slots[TAP_SLOTS] = {
	[filter_slot] = { .name = "filter", .help = "which packets are kept", .type = filter_slot_type, .empty = "all",
			  .empty_help = "keep every packet" },
	[strategy_slot] = { .name = "strategy", .help = "what is made of the kept ones", .type = strategy_slot_type,
			    .empty = "each", .empty_help = "print every packet" },
	[printer_slot] = { .name = "printer", .help = "how it is written", .type = printer_slot_type, .empty = "none",
			   .empty_help = "print nothing" },
	[audit_slot] = { .name = "audit", .help = "a record of every decision", .type = audit_slot_type },
	[metrics_slot] = { .name = "metrics", .help = "figures for a monitoring system", .type = metrics_slot_type },
	[diag_slot] = { .name = "diag", .help = "looking at the tap itself", .type = diag_slot_type },
};

static double ring_fill(void *arg)
{
	const struct tap *tap = arg;

	return 100.0 * (double)croom_ring_used(tap->ring) / (double)croom_ring_size(tap->ring);
}

static double lost(void *arg)
{
	return (double)tap_lost(arg);
}

static double p99_us(void *arg)
{
	return (double)tap_latency_quantile(arg, 0.99) / 1e3;
}

static double written_mb(void *arg)
{
	const struct tap *tap = arg;

	return (double)tap_writer_bytes(tap->writer) / 1e6;
}

/* Of flows and top; when there is no room for more, new ones are "other". */
static double names(void *arg)
{
	const struct tap *tap = arg;

	return (double)croom_strings_count(tap->env.strings);
}

static int add_classes(struct croom_room *room, struct tap_env *env)
{
	int rc = tap_filters_add(room, env);

	rc = rc ? rc : tap_strategies_add(room, env);
	rc = rc ? rc : tap_printers_add(room, env);
	rc = rc ? rc : tap_audits_add(room, env);
	rc = rc ? rc : tap_metrics_add(room, env);
	return rc ? rc : tap_diags_add(room, env);
}

static int add_gauges(struct croom_room *room, struct tap *tap)
{
	int rc = croom_room_gauge_add(room, "lost", "packets", lost, tap);

	rc = rc ? rc : croom_room_gauge_add(room, "ring_fill", "%", ring_fill, tap);
	rc = rc ? rc : croom_room_gauge_add(room, "latency_p99", "us", p99_us, tap);
	rc = rc ? rc : croom_room_gauge_add(room, "written", "MB", written_mb, tap);
	return rc ? rc : croom_room_gauge_add(room, "names", "strings", names, tap);
}

/* Which option it was: err names SLOT=CLASS, or a class that there is not. */
static void complain(const struct tap *tap, const struct croom_error *err)
{
	for (unsigned i = 0; i < TAP_SLOTS; i++) {
		const char *handler = tap->options.handler[i];
		size_t slot = strlen(slots[i].name), class = strcspn(handler ? handler : "", ":");

		/* A longer one is cut there. */
		class = class < sizeof(err->subject) - 1 ? class : sizeof(err->subject) - 1;
		if (!handler || (err->kind == CROOM_ERROR_UNKNOWN_CLASS ?
				 strncmp(err->subject, handler, class) || err->subject[class] :
				 strncmp(err->subject, slots[i].name, slot) || err->subject[slot] != '='))
			continue;
		if (handler == tap->options.expression)
			tap_say("filter expression: %s", err->text);
		else
			tap_say("--%s: %s", slots[i].name, err->text);
		return;
	}
	tap_say("%s", err->text);
}

/* What the command line asks for; how many. */
static unsigned asked(const struct tap *tap, struct croom_change *change)
{
	unsigned count = 0;

	for (unsigned i = 0; i < TAP_SLOTS; i++)
		if (tap->options.handler[i])
			change[count++] = (struct croom_change){ slots[i].name, tap->options.handler[i] };
	return count;
}

/* 2 is for what was typed; a thread or memory that cannot be had is another matter. */
static int exit_code(const struct tap *tap, const struct croom_error *err)
{
	complain(tap, err);
	return err->kind == CROOM_ERROR_OTHER ? 1 : 2;
}

/*
 * Before a file is made, emptied or renamed: a wrong command line leaves everything as it was, and above all the black box of
 * the run before.
 */
static int look_first(struct tap *tap)
{
	const struct croom_swap_options options = { .dry_run = true };
	struct croom_change change[TAP_SLOTS];
	struct croom_error err;
	unsigned count = asked(tap, change);

	if (count && croom_room_swap(tap->room, change, count, &options, NULL, &err))
		return exit_code(tap, &err);
	return 0;
}

/*
 * One transaction, before the lane starts: revision 2 is what the command line asked for, and what an earlier run left where it
 * asks for nothing. The printer's default gives way to that.
 */
static int swap_first(struct tap *tap)
{
	const struct croom_origin origin = { .uid = getuid(), .pid = getpid(), .command = "croomtap's command line" };
	const struct croom_swap_options options = { .wait_ms = 0, .origin = &origin };
	bool restore = tap->journal && tap->options.restore, printer = tap->options.handler[printer_slot];
	const struct croom_change otherwise = { slots[printer_slot].name, tap->options.default_printer };
	struct croom_change change[TAP_SLOTS];
	struct croom_error err;
	unsigned count = asked(tap, change);
	int rc;

	if (!restore && !printer)
		change[count++] = otherwise;
	rc = restore ? tap_journal_restore(tap, change, count, &otherwise, printer ? 0 : 1, &origin, &err) :
		croom_room_swap(tap->room, change, count, &options, NULL, &err);
	if (rc)
		return exit_code(tap, &err);
	tap->first_revision = croom_room_revision(tap->room);
	return 0;
}

int tap_room_open(struct tap *tap)
{
	int rc = croom_room_open(&tap->room, tap->options.room, slots, TAP_SLOTS);
	struct croom_error err;

	rc = rc ? rc : add_classes(tap->room, &tap->env);
	rc = rc ? rc : add_gauges(tap->room, tap);
	if (rc == 0) {
		int code = look_first(tap);

		code = code ? code : tap_check_output(tap) ? 1 : 0;
		code = code ? code : tap_box_open(tap) ? 1 : 0;
		if (code)
			return code;
	}
	rc = rc ? rc : croom_room_lane_add(tap->room, "tap", &tap->lane);
	if (rc) {
		tap_say("--room: cannot open room '%s': %s", tap->options.room,
			rc == -EINVAL ? "a name is 1 to 31 letters, digits, '_', '-' or '.'" : strerror(-rc));
		return rc == -EINVAL ? 2 : 1;
	}
	if (croom_plugins_open(&tap->plugins, tap->room, &(struct croom_plugins_options){ .policy = tap->policy, .env = &tap->env }, &err)) {
		tap_say("%s", err.text);
		return 1;
	}
	tap_journal_open(tap);
	return swap_first(tap);
}
