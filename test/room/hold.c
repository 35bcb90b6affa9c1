// SPDX-License-Identifier: BSD-2-Clause
/* Changes that are not made: in a frozen room, to a handler in quarantine, in a dry run. */
#include "trials.h"

static void a_frozen_room_refuses_and_says_why(void)
{
	char why[64];

	begin();
	CHECK_EQ(confirming("number:1", 20), 0);
	CHECK_EQ(croom_room_freeze(room, "audit until noon", NULL, &err), 0);
	CHECK_EQ(croom_room_freeze(room, "again", NULL, &err), -EALREADY);
	CHECK(croom_room_frozen(room, why, sizeof(why)) && strcmp(why, "audit until noon") == 0);
	CHECK_EQ(swap("number:2"), -EPERM);
	CHECK(err.kind == CROOM_ERROR_FROZEN && strstr(err.text, "audit until noon"));
	CHECK_EQ(croom_room_rollback(room, 0, NULL, NULL, &err), -EPERM);
	/* What goes back by itself still does. */
	run_until(3);
	CHECK_EQ(newest().cause, CROOM_BY_UNCONFIRMED);
	CHECK_EQ(croom_room_thaw(room, NULL, &err), 0);
	CHECK_EQ(croom_room_thaw(room, NULL, &err), -EALREADY);
	CHECK_EQ(swap("number:2"), 0);
	end();
}

static unsigned wanted;

static void want(void *env)
{
	(void)env;
	wanted++;
}

/* Its time is up, and nothing may change: it stays, and still guards. */
static void a_trial_outlives_its_time_while_frozen(void)
{
	begin();
	croom_room_tick_wanted(room, want, NULL);
	CHECK_EQ(swap("pure:1"), 0);
	CHECK_EQ(try("pure:2", CROOM_CANARY, 2, "for=1ms"), 0);
	observe();
	CHECK_EQ(croom_room_freeze(room, "audit", NULL, &err), 0);
	sleep_ms(5);
	croom_room_tick(room);
	CHECK_EQ(croom_room_tick(room), -1);
	CHECK_EQ(croom_room_revision(room), 3);
	wanted = 0;
	CHECK_EQ(croom_room_thaw(room, NULL, &err), 0);
	CHECK_EQ(wanted, 1);
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), 4);
	observe();
	CHECK_EQ(call_there(), 2);
	croom_room_tick_wanted(room, NULL, NULL);
	end();
}

static void and_goes_back_though_frozen(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, 2, "errors<1,for=1ms"), 0);
	observe();
	CHECK_EQ(croom_room_freeze(room, "audit", NULL, &err), 0);
	sleep_ms(5);
	/* It looks for a breach, now and then, and not all the time. */
	CHECK(croom_room_tick(room) > 10);
	CHECK_EQ(call_there(), -5);
	croom_room_tick(room);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	end();
}

static void a_handler_in_quarantine_is_refused(void)
{
	struct croom_prepared *prepared;

	begin();
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:13", "was in force when the program died"), 0);
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:13", "was in force when the program died"), 0);
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:13", "again"), 0);
	CHECK_EQ(croom_room_quarantine(room, "nothing", "number:13", ""), -ENOENT);
	CHECK_EQ(swap("number:13"), -EACCES);
	CHECK_EQ(err.kind, CROOM_ERROR_QUARANTINED);
	CHECK_EQ(swap("number:14"), 0);
	CHECK_EQ(croom_room_pardon(room, "printer", "number:12", NULL, &err), -ENOENT);
	CHECK_EQ(croom_room_pardon(room, "printer", "number:13", NULL, &err), 0);
	CHECK_EQ(swap("number:13"), 0);
	/* Nor is one that was prepared before. */
	CHECK_EQ(croom_room_prepare(room, &(struct croom_change){ "printer", "number:15" }, 1, NULL, &prepared, &err), 0);
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:15", "it hangs"), 0);
	CHECK_EQ(croom_room_commit(room, prepared, 0, NULL, &err), -EACCES);
	CHECK(err.kind == CROOM_ERROR_QUARANTINED && strstr(err.text, "it hangs"));
	CHECK_EQ(croom_room_pardon(room, "printer", "number:15", NULL, &err), 0);
	CHECK_EQ(croom_room_commit(room, prepared, 0, NULL, &err), 0);
	end();
}

static void a_dry_run_changes_nothing(void)
{
	struct croom_swap_options dry = { .dry_run = true };
	struct croom_swap_result result;

	begin();
	CHECK_EQ(rig_swap(room, "printer", "number:1", &dry, &result, &err), 0);
	CHECK_EQ(result.revision, 2);
	CHECK_EQ(croom_room_revision(room), 1);
	CHECK_EQ(opened, closed);
	CHECK_EQ(rig_swap(room, "printer", "number:x", &dry, &result, &err), -EINVAL);
	CHECK_EQ(rig_swap(room, "printer", "nmber:1", &dry, &result, &err), -ENOENT);
	CHECK_EQ(call(), 0);
	end();
}

static int checks;

static int gadget_check(const char *config, void *env, struct croom_error *why)
{
	(void)env;
	checks++;
	return *config ? 0 : croom_error_set(why, EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a number");
}

/* A class that can tell without opening is not opened; what an error says is a sentence in any case. */
static void a_dry_run_asks_the_class(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };
	struct croom_swap_options dry = { .dry_run = true };
	struct croom_class careful = rig_number;

	begin();
	careful.name = "careful";
	careful.check = gadget_check;
	CHECK_EQ(croom_room_class_add(room, "printer", &careful, NULL), 0);
	CHECK_EQ(rig_swap(room, "printer", "careful:1", &dry, NULL, &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "careful", &dry, NULL, &err), -EINVAL);
	CHECK(strstr(err.text, "takes a number"));
	dry.trial = &trial;
	CHECK_EQ(rig_swap(room, "printer", "careful:1", &dry, NULL, &err), 0);
	CHECK_EQ(checks, 3);
	CHECK_EQ(opened, 0);
	CHECK_EQ(croom_room_swap(room, NULL, 0, &dry, NULL, &err), -EINVAL);
	CHECK(strstr(err.text, "no change"));
	CHECK_EQ(croom_room_revision(room), 1);
	end();
}

int main(void)
{
	RUN(a_frozen_room_refuses_and_says_why);
	RUN(a_trial_outlives_its_time_while_frozen);
	RUN(and_goes_back_though_frozen);
	RUN(a_handler_in_quarantine_is_refused);
	RUN(a_dry_run_changes_nothing);
	RUN(a_dry_run_asks_the_class);
	return check_result();
}
