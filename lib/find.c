/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: which are good, which slot or class they mean, and which were probably meant when they mean none. */
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

/* Optimal string alignment distance (insert, delete, replace, swap neighbours), for names of bounded length. */
static unsigned distance(const char *a, size_t a_length, const char *b)
{
	unsigned row[3][CROOM_NAME_MAX + 2];
	size_t b_length = strlen(b);

	if (a_length > CROOM_NAME_MAX || b_length > CROOM_NAME_MAX)
		return CROOM_NAME_MAX;
	for (size_t j = 0; j <= b_length; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *now = row[i % 3], *before = row[(i - 1) % 3], *second = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			unsigned best = before[j - 1] + (a[i - 1] != b[j - 1]);

			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && second[j - 2] + 1 < best)
				best = second[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[a_length % 3][b_length];
}

/* The names that were probably meant, and how far they are from what was asked for. */
struct nearest {
	unsigned distance;
	char names[128];
};

static void add_name(char *list, size_t size, const char *name)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

/* Keep `name` if none that is nearer was seen, and if it is near enough to be worth showing. */
static void look_near(struct nearest *nearest, const char *asked, size_t length, const char *name)
{
	unsigned far = length && strncmp(asked, name, length) == 0 ? 1 : distance(asked, length, name);

	if (far > (length < 4 ? 1 : 2) || (*nearest->names && far > nearest->distance))
		return;
	if (*nearest->names && far < nearest->distance)
		*nearest->names = 0;
	nearest->distance = far;
	add_name(nearest->names, sizeof(nearest->names), name);
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
	struct nearest nearest = { 0, "" };
	char all[256] = "";
	size_t length = strlen(name);

	for (uint32_t i = 0; i < room->slots; i++)
		if (strcmp(room->slot[i].def->name, name) == 0) {
			*slot = i;
			return 0;
		}
	for (uint32_t i = 0; i < room->slots; i++) {
		look_near(&nearest, name, length, room->slot[i].def->name);
		add_name(all, sizeof(all), room->slot[i].def->name);
	}
	miss(err, CROOM_ERROR_UNKNOWN_SLOT, "slot", "", name, length, nearest.names, all);
	return -ENOENT;
}

struct class_entry *find_class(const struct croom_room *room, uint32_t slot, const char *name, size_t length,
			       struct croom_error *err)
{
	struct nearest nearest = { 0, "" };
	struct class_entry *entry = &room->slot[slot].empty;
	char all[256] = "", where[64];

	do {
		if (strlen(entry->class.name) == length && memcmp(entry->class.name, name, length) == 0)
			return entry;
		entry = entry->next;
	} while (entry);
	for (entry = &room->slot[slot].empty; entry; entry = entry->next) {
		look_near(&nearest, name, length, entry->class.name);
		add_name(all, sizeof(all), entry->class.name);
	}
	snprintf(where, sizeof(where), " for slot %s", room->slot[slot].def->name);
	miss(err, CROOM_ERROR_UNKNOWN_CLASS, "class", where, name, length, nearest.names, all);
	return NULL;
}
