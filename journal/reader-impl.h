/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef JOURNAL_READER_IMPL_H
#define JOURNAL_READER_IMPL_H

#include "journal-impl.h"

struct croom_journal_file {
	sqlite3 *db;
	char *path;
	/* What a visit is shown. */
	struct list changes, handlers;
	struct croom_history_change change[CROOM_SLOTS_MAX];
	struct croom_journal_slot slot[CROOM_SLOTS_MAX];
};

/* Into file->slot. 0, -EBADMSG, -ENOMEM. */
int reader_slots(struct croom_journal_file *file, const char *handlers, unsigned *slots);

#endif
