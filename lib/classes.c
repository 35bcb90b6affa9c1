/* SPDX-License-Identifier: BSD-2-Clause */
/* Classes come and go: one, or several at once, all or none. */
#include "room-impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int class_list_add(struct room_slot *slot, const struct croom_class *class)
{
	const struct croom_class **list = realloc(slot->class_list, (slot->classes + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	list[slot->classes++] = class;
	slot->class_list = list;
	return 0;
}

static bool type_equal(struct croom_type a, struct croom_type b)
{
	return a.size == b.size && a.version == b.version && strcmp(a.name, b.name) == 0;
}

static int wrong_type(struct croom_error *err, const char *name, const char *slot, struct croom_type is, struct croom_type wanted)
{
	return croom_error_set(err, -EPROTOTYPE, CROOM_ERROR_OTHER, slot,
			       "class %s takes %s of %u bytes version %u, slot %s has %s of %u bytes version %u: "
			       "compile it with this program's headers", name, is.name, is.size, is.version, slot, wanted.name,
			       wanted.size, wanted.version);
}

static int class_add(struct croom_room *room, const char *slot, const struct croom_class *class, void *env, struct croom_error *err)
{
	struct room_slot *place;
	struct class_entry *last, *entry;
	uint32_t index;
	int rc;

	if (!name_good(class->name))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, slot,
				       "a class's name is 1 to 31 letters, digits, '_', '-' or '.', not '%s'", class->name ? class->name : "");
	if (!class->run || !class->type)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, slot, "class %s has no run or no type; CROOM_RUNS gives both",
				       class->name);
	rc = find_slot(room, slot, &index, err);
	if (rc)
		return rc;
	place = &room->slot[index];
	last = &place->empty;
	if (!type_equal(class->type(), place->def->type()))
		return wrong_type(err, class->name, slot, class->type(), place->def->type());
	if (find_class(room, index, class->name, strlen(class->name), NULL))
		return croom_error_set(err, -EEXIST, CROOM_ERROR_OTHER, slot, "slot %s has a class '%s' already: give it another name",
				       slot, class->name);
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return out_of_memory(err);
	entry->refs = 1;
	strncpy(entry->name, class->name, CROOM_NAME_MAX);
	entry->class = *class;
	entry->class.name = entry->name;
	entry->env = env;
	if (class_list_add(place, &entry->class)) {
		free(entry);
		return out_of_memory(err);
	}
	while (last->next)
		last = last->next;
	last->next = entry;
	return 0;
}

static void class_drop(struct room_slot *place, struct class_entry *entry)
{
	struct class_entry *before = &place->empty;
	unsigned i = 0;

	while (before->next != entry)
		before = before->next;
	before->next = entry->next;
	while (place->class_list[i] != &entry->class)
		i++;
	memmove(&place->class_list[i], &place->class_list[i + 1], (--place->classes - i) * sizeof(place->class_list[0]));
	/* The history may still name it; nothing of the class itself is touched any more. */
	entry->removed = true;
	entry->class = (struct croom_class){ .name = entry->name };
	entry_put(entry);
}

static void drop_named(struct croom_room *room, const struct croom_placed_class *placed)
{
	const char *name = placed->handler_class->name;
	struct class_entry *entry;
	uint32_t index;

	if (find_slot(room, placed->slot, &index, NULL))
		return;
	/* Not there any more: it was named twice. */
	entry = find_class(room, index, name, strlen(name), NULL);
	if (entry)
		class_drop(&room->slot[index], entry);
}

static bool holds(const struct instance *instance, const struct class_entry *entry)
{
	return instance->spec->entry == entry ||
	       (instance->trial && trial_old(instance->trial) && trial_old(instance->trial)->spec->entry == entry);
}

static bool kept(const struct pending *pending, const struct class_entry *entry)
{
	for (unsigned i = 0; pending && i < pending->count; i++)
		if (holds(pending->back[i].instance, entry))
			return true;
	return false;
}

static bool retired(const struct croom_room *room, uint32_t slot, const struct class_entry *entry)
{
	for (const struct panel *panel = room->oldest; panel; panel = panel->tail.next)
		if (holds(panel->slot[slot].instance, entry))
			return true;
	return false;
}

/* Why the class cannot go: where a handler of it is. After collect(). */
static int class_busy(const struct croom_room *room, uint32_t slot, const struct class_entry *entry, struct croom_error *err)
{
	const char *name = room->slot[slot].def->name;
	const struct lane *late;

	if (holds(room->panel->slot[slot].instance, entry))
		return croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, name, "%s sits in slot %s: swap it out first", entry->name, name);
	if (kept(room->pending, entry))
		return croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, name,
				       "%s is kept open until revision %llu is confirmed", entry->name,
				       (unsigned long long)room->pending->revision);
	if (ending_holds(room, entry))
		return croom_error_set(err, -EAGAIN, CROOM_ERROR_BUSY, "", "%s is kept open until its trial has come to its end",
				       entry->name);
	if (!retired(room, slot, entry))
		return croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, name, "a prepared change holds a handler of %s", entry->name);
	late = late_lane(room, room->panel->pub.revision, NULL);
	return croom_error_set(err, -EAGAIN, CROOM_ERROR_BUSY, late ? late->name : "",
			       "lane %s may still run %s: it has not moved since revision %llu", late ? late->name : "?", entry->name,
			       (unsigned long long)(late ? late->passed : 0));
}

/* May this one go? */
static int class_look(const struct croom_room *room, const struct croom_placed_class *placed, struct croom_error *err)
{
	const char *name = placed->handler_class->name;
	struct class_entry *entry;
	uint32_t index;
	int rc = find_slot(room, placed->slot, &index, err);

	if (rc)
		return rc;
	entry = find_class(room, index, name, strlen(name), err);
	if (!entry)
		return -ENOENT;
	if (entry == &room->slot[index].empty)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, placed->slot,
				       "%s is the empty handler of slot %s and stays", name, placed->slot);
	return entry->open ? class_busy(room, index, entry, err) : 0;
}

int croom_room_classes_add(struct croom_room *room, const struct croom_placed_class *placed, unsigned count, void *env,
			   struct croom_error *err)
{
	struct croom_error own;
	unsigned done = 0;
	int rc = 0;

	err = error_begin(err, &own);
	pthread_mutex_lock(&room->mutex);
	while (done < count && rc == 0) {
		rc = class_add(room, placed[done].slot, placed[done].handler_class, env, err);
		done += rc == 0;
	}
	/* Nobody can have opened one meanwhile. */
	while (rc && done)
		drop_named(room, &placed[--done]);
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

int croom_room_classes_remove(struct croom_room *room, const struct croom_placed_class *placed, unsigned count,
			      struct croom_error *err)
{
	struct croom_error own, other;
	int rc = 0;

	err = error_begin(err, &own);
	pthread_mutex_lock(&room->mutex);
	collect(room);
	for (unsigned i = 0; i < count && (rc == 0 || rc == -EAGAIN); i++) {
		int said = class_look(room, &placed[i], &other);

		/* What a person has to do comes before what only has to be waited for. */
		if (said && (rc == 0 || said != -EAGAIN)) {
			rc = said;
			*err = other;
		}
	}
	for (unsigned i = 0; i < count && rc == 0; i++)
		drop_named(room, &placed[i]);
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

int croom_room_class_add(struct croom_room *room, const char *slot, const struct croom_class *class, void *env)
{
	const struct croom_placed_class placed = { slot, class };

	return croom_room_classes_add(room, &placed, 1, env, NULL);
}

int croom_room_class_remove(struct croom_room *room, const char *slot, const char *handler_class, struct croom_error *err)
{
	const struct croom_class class = { .name = handler_class };
	const struct croom_placed_class placed = { slot, &class };

	return croom_room_classes_remove(room, &placed, 1, err);
}
