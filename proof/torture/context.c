// SPDX-License-Identifier: BSD-2-Clause
/*
 * Contexts and the classes that make them. open() and close() run with the room's mutex held, so what they keep needs
 * no other lock. A closed context is poisoned and kept for a while, so that a late call finds the poison and not what
 * came after; AddressSanitizer keeps freed memory itself, and gets it at once.
 */
#include "torture.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 4096 };

/* The plugin's class has these, too. */
__attribute__((visibility("default"))) int torture_context_open(void **ctx, const char *config, void *env, struct croom_error *err);
__attribute__((visibility("default"))) void torture_context_close(void *ctx, void *env);

/* What a class passes to open and close. */
struct made_for {
	enum kind kind;
	unsigned slot;
};

static char slot_names[CROOM_SLOTS_MAX][16];
static struct croom_slot slots[CROOM_SLOTS_MAX];
static struct made_for made_for[CROOM_SLOTS_MAX][KINDS];
static struct context *kept[KEPT];
static uint64_t closed, opened;

static int red(struct context *context, drop *d)
{
	return context_judge(context, d, KIND_RED);
}

static int green(struct context *context, drop *d)
{
	return context_judge(context, d, KIND_GREEN);
}

static int blue(struct context *context, drop *d)
{
	return context_judge(context, d, KIND_BLUE);
}

/* Fails now and then, for the rules of trials. */
static int sour(struct context *context, drop *d)
{
	int answer = context_judge(context, d, KIND_SOUR);

	return d->number % 8 ? answer : -1;
}

static int late(struct context *context, drop *d)
{
	return context_judge(context, d, KIND_LATE);
}
CROOM_RUN(red, red, struct context, drop);
CROOM_RUN(green, green, struct context, drop);
CROOM_RUN(blue, blue, struct context, drop);
CROOM_RUN(sour, sour, struct context, drop);
CROOM_RUN(late, late, struct context, drop);

/* The config is the number of the transaction; "0" is good, and is refused all the same. */
int torture_context_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	const struct made_for *made = env;
	struct context *context;
	char *end;
	uint64_t stamp = strtoull(config, &end, 10);

	if (*config == 0 || *end)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a number, not '%s'", config);
	if (stamp == 0)
		return croom_error_set(err, -EIO, CROOM_ERROR_OTHER, NULL, "this one never opens");
	context = aligned_alloc(64, sizeof(*context));
	if (!context)
		return -ENOMEM;
	*context = (struct context){ .alive = CONTEXT_ALIVE, .kind = made->kind, .slot = made->slot, .stamp = stamp,
		.serial = ++opened };
	torture_tally(TALLY_OPENED, 1);
	*ctx = context;
	return 0;
}

/* Out of the row of those that were closed: nobody may have written to it since. */
static void context_free(struct context *context)
{
	if (context && (context->alive != CONTEXT_DEAD || context->stamp != CONTEXT_DEAD))
		found(FOUND_DEAD, "somebody wrote into context %llu after it was closed", (big)context->serial);
	free(context);
}

void torture_context_close(void *ctx, void *env)
{
	struct context *context = ctx;

	(void)env;
	if (context->alive != CONTEXT_ALIVE) {
		found(FOUND_OPEN, "context %llu is closed twice", (big)context->serial);
		return;
	}
	context->alive = context->stamp = CONTEXT_DEAD;
	context->closed_at = __atomic_load_n(&torture.newest, __ATOMIC_RELAXED);
	torture_tally(TALLY_CLOSED, 1);
	if (TORTURE_SANITIZED) {
		context_free(context);
	} else {
		context_free(kept[closed % KEPT]);
		kept[closed % KEPT] = context;
	}
	closed++;
}

/* After the room is closed. */
void contexts_end(void)
{
	for (unsigned i = 0; i < KEPT; i++) {
		context_free(kept[i]);
		kept[i] = NULL;
	}
	if (opened != closed)
		found(FOUND_OPEN, "%llu contexts were opened, %llu closed", (big)opened, (big)closed);
}

const char *slot_name(unsigned slot)
{
	return slot_names[slot];
}

static int add(unsigned slot, enum kind kind, struct croom_class class)
{
	class.help = "checks its context";
	class.syntax = "N";
	class.open = torture_context_open;
	class.close = torture_context_close;
	/* Calls do nothing to others: so they may be on every kind of trial. */
	class.traits = CROOM_PURE;
	return croom_room_class_add(torture.room, slot_names[slot], &class, &made_for[slot][kind]);
}

/* The room, its slots, and some classes in each. */
int classes_open(void)
{
	static const struct croom_class classes[] = { { .name = "red", CROOM_RUNS(red) },
		{ .name = "green", CROOM_RUNS(green) }, { .name = "blue", CROOM_RUNS(blue) },
		{ .name = "sour", CROOM_RUNS(sour) } };
	int rc;

	for (unsigned i = 0; i < torture.set.slots; i++) {
		snprintf(slot_names[i], sizeof(slot_names[i]), "s%u", i);
		slots[i] = (struct croom_slot){ .name = slot_names[i], .help = "tortured", .type = drop_croom_type };
		for (enum kind kind = 0; kind < KINDS; kind++)
			made_for[i][kind] = (struct made_for){ .kind = kind, .slot = i };
	}
	rc = croom_room_open(&torture.room, "torture", slots, torture.set.slots);
	for (unsigned i = 0; i < torture.set.slots && rc == 0; i++)
		for (enum kind kind = KIND_RED; kind <= KIND_SOUR && rc == 0; kind++)
			rc = add(i, kind, classes[kind]);
	return rc;
}

/* One more class; its name is copied. */
int class_late_add(unsigned slot, const char *name)
{
	const struct croom_class class = { .name = name, CROOM_RUNS(late) };

	return add(slot, KIND_LATE, class);
}

void *class_env(unsigned slot, enum kind kind)
{
	return &made_for[slot][kind];
}
