// SPDX-License-Identifier: BSD-2-Clause
/* What a listener hears of a room. */
#include "trials.h"

static char heard[4096];

static void hear(void *env, const struct croom_event *event)
{
	static const char *const names[] = { "intent", "changed", "refused", "confirmed", "frozen", "thawed", "quarantined", "pardoned",
					     "note" };
	size_t used = strlen(heard);

	(void)env;
	snprintf(heard + used, sizeof(heard) - used, "%s %llu %s%s%s%s;", names[event->kind], (unsigned long long)event->revision,
		 event->slots ? event->handler[0] : "-", event->slots && event->waits[0] ? " waits" : "",
		 event->slots && event->trusted ? " trusted" : "", event->command);
	CHECK(!event->slots || !event->waits[1]);
}

static void tells_everything(void)
{
	const struct croom_origin who = { 1, 2, " by me" };

	begin();
	heard[0] = 0;
	croom_room_listen(room, hear, NULL);
	CHECK_EQ(rig_swap(room, "printer", "number:1", &(struct croom_swap_options){ .origin = &who }, NULL, &err), 0);
	CHECK_EQ(swap("number:x"), -EINVAL);
	CHECK_EQ(confirming("number:2", 60000), 0);
	CHECK_EQ(croom_room_confirm(room, 0, &who, &err), 0);
	CHECK_EQ(croom_room_freeze(room, "why", NULL, &err), 0);
	CHECK_EQ(croom_room_thaw(room, NULL, &err), 0);
	croom_room_note(room, NULL, "a note");
	CHECK(strcmp(heard, "intent 2 number:1 trusted by me;changed 2 number:1 trusted by me;refused 2 -;"
			    "intent 3 number:2 waits;changed 3 number:2 waits;confirmed 3 number:2 trusted by me;frozen 3 -;thawed 3 -;note 3 -;") == 0);
	if (check_bad)
		printf("# heard: %s\n", heard);
	croom_room_listen(room, NULL, NULL);
	end();
}

static void tells_what_is_on_trial(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };

	begin();
	CHECK_EQ(swap("number:1"), 0);
	heard[0] = 0;
	croom_room_listen(room, hear, NULL);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .trial = &trial, .confirm_ms = 60000 }, NULL, &err), 0);
	/* Confirmed, and yet the guard may take it back. */
	CHECK_EQ(croom_room_confirm(room, 0, NULL, &err), 0);
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
	CHECK_EQ(croom_room_profile(room, "printer", 60000, 1, &at_once, NULL, &err), 0);
	CHECK(strcmp(heard, "intent 3 number:2 waits;changed 3 number:2 waits;confirmed 3 number:2 waits;"
			    "intent 4 number:2 trusted;changed 4 number:2 trusted;intent 5 number:2 trusted;changed 5 number:2 trusted;") == 0);
	if (check_bad)
		printf("# heard: %s\n", heard);
	croom_room_listen(room, NULL, NULL);
	end();
}

int main(void)
{
	RUN(tells_everything);
	RUN(tells_what_is_on_trial);
	return check_result();
}
