/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: which are good, and which slot or class they mean. */
#include "room-impl.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool name_good(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	return length >= 1 && length <= CROOM_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == length &&
	       name[0] != '.' && name[0] != '-';
}

static void add_name(char *list, size_t size, const char *name)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

static void miss(struct croom_error *err, enum croom_error_kind kind, const char *what, const char *where,
		 const char *asked, size_t length, const char *nearest, const char *all)
{
	char subject[64];

	snprintf(subject, sizeof(subject), "%.*s", (int)(length < sizeof(subject) ? length : sizeof(subject)), asked);
	if (*nearest)
		croom_error_set(err, -ENOENT, kind, subject, "no %s '%s'%s; did you mean %s?", what, subject, where, nearest);
	else
		croom_error_set(err, -ENOENT, kind, subject, "no %s '%s'%s; there is: %s", what, subject, where, all);
	if (err)
		snprintf(err->near, sizeof(err->near), "%s", nearest);
}

int find_slot(const struct croom_room *room, const char *name, uint32_t *slot, struct croom_error *err)
{
	struct croom_near nearest = { 0, "" };
	char all[256] = "";
	size_t length = strlen(name);

	for (uint32_t i = 0; i < room->slots; i++)
		if (strcmp(room->slot[i].def->name, name) == 0) {
			*slot = i;
			return 0;
		}
	for (uint32_t i = 0; i < room->slots; i++) {
		croom_near_look(&nearest, name, length, room->slot[i].def->name);
		add_name(all, sizeof(all), room->slot[i].def->name);
	}
	miss(err, CROOM_ERROR_UNKNOWN_SLOT, "slot", "", name, length, nearest.names, all);
	return -ENOENT;
}

struct class_entry *find_class(const struct croom_room *room, uint32_t slot, const char *name, size_t length,
			       struct croom_error *err)
{
	struct croom_near nearest = { 0, "" };
	struct class_entry *entry = &room->slot[slot].empty;
	char all[256] = "", where[64];

	do {
		if (strlen(entry->class.name) == length && memcmp(entry->class.name, name, length) == 0)
			return entry;
		entry = entry->next;
	} while (entry);
	for (entry = &room->slot[slot].empty; entry; entry = entry->next) {
		croom_near_look(&nearest, name, length, entry->class.name);
		add_name(all, sizeof(all), entry->class.name);
	}
	snprintf(where, sizeof(where), " for slot %s", room->slot[slot].def->name);
	miss(err, CROOM_ERROR_UNKNOWN_CLASS, "class", where, name, length, nearest.names, all);
	return NULL;
}
