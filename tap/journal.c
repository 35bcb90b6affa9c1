/* SPDX-License-Identifier: BSD-2-Clause */
/* croomtap's journal: --state, what is restored, and what there is to say of it. */
#include "say.h"
#include "tap.h"
#include <croom/journal.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A line for each of its lines. */
static void say(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		tap_say("%.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

void tap_journal_open(struct tap *tap)
{
	const struct croom_journal_options options = { .program = tap->command_line };
	struct croom_error err;

	if (!tap->options.state)
		return;
	if (croom_journal_open(&tap->journal, tap->room, tap->options.state, &options, &err) == 0)
		return;
	tap_say("goes on WITHOUT a journal, and tries again now and then: %s%s", err.text, err.code == -EBADMSG ?
		"; move it away, and a new one begins" : "");
}

int tap_journal_restore(struct tap *tap, const struct croom_change *asked, unsigned count, const struct croom_change *otherwise,
			unsigned more, const struct croom_origin *origin, struct croom_error *err)
{
	struct croom_journal_choice choice[2 * TAP_SLOTS];
	struct croom_journal_restored restored;
	int rc;

	for (unsigned i = 0; i < count; i++)
		choice[i] = (struct croom_journal_choice){ asked[i].slot, asked[i].handler, true };
	for (unsigned i = 0; i < more; i++)
		choice[count + i] = (struct croom_journal_choice){ otherwise[i].slot, otherwise[i].handler, false };
	rc = croom_journal_restore(tap->journal, choice, count + more, origin, &restored, err);
	if (*restored.text)
		say(restored.text);
	return rc;
}

void tap_journal_close(struct tap *tap)
{
	croom_journal_close(tap->journal);
	tap->journal = NULL;
}
