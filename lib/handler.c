/* SPDX-License-Identifier: BSD-2-Clause */
/* Specs, open handlers and panels: what a swap makes and what retiring takes apart. */
#include "room-impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* text: CLASS or CLASS:CONFIG; its first `class` bytes are the class. */
struct spec *spec_new(struct class_entry *entry, const char *text, size_t class)
{
	size_t length = strlen(text);
	struct spec *spec = malloc(sizeof(*spec) + length + 1);

	if (!spec)
		return NULL;
	memcpy(spec->text, text, length + 1);
	spec->refs = 1;
	spec->entry = entry;
	entry->refs++;
	spec->config = spec->text + (text[class] == ':' ? class + 1 : length);
	return spec;
}

void entry_put(struct class_entry *entry)
{
	if (--entry->refs == 0)
		free(entry);
}

void spec_put(struct spec *spec)
{
	if (!spec || --spec->refs)
		return;
	entry_put(spec->entry);
	free(spec);
}

/* Say which slot and class it was, keep what the class said. */
static int open_failed(struct croom_error *err, const struct croom_error *said, int code, const struct spec *spec,
		       const char *slot)
{
	const char *class = spec->entry->name;
	const char *text = said->text[0] ? said->text : strerror(-code);
	enum croom_error_kind kind = said->kind ? said->kind : CROOM_ERROR_BAD_CONFIG;
	int offset = said->code ? said->offset : -1;

	croom_error_set(err, code, kind, NULL, "%s=%s: %s", slot, class, text);
	if (err) {
		err->offset = offset;
		strncpy(err->subject, slot, sizeof(err->subject) - 1);
		strncat(err->subject, "=", sizeof(err->subject) - strlen(err->subject) - 1);
		strncat(err->subject, class, sizeof(err->subject) - strlen(err->subject) - 1);
	}
	return code;
}

int instance_open(struct instance **instance, struct spec *spec, const char *slot, struct croom_error *err)
{
	const struct croom_class *class = &spec->entry->class;
	struct instance *new = calloc(1, sizeof(*new));
	struct croom_error said = { 0 };
	int rc = 0;

	if (!new)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	if (class->open)
		rc = class->open(&new->ctx, spec->config, spec->entry->env, &said);
	else if (*spec->config)
		rc = croom_error_set(&said, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				     "takes no config; leave out ':%s'", spec->config);
	if (rc) {
		/* A class that says EINVAL instead of -EINVAL has failed all the same. */
		rc = rc > 0 ? -rc : rc;
		free(new);
		return open_failed(err, &said, rc, spec, slot);
	}
	new->refs = 1;
	new->run = class->run;
	new->spec = spec;
	spec->refs++;
	spec->entry->open++;
	*instance = new;
	return 0;
}

/* For a dry run: would it open? */
int instance_check(const struct spec *spec, const char *slot, struct croom_error *err)
{
	struct croom_error said = { 0 };
	int rc = spec->entry->class.check(spec->config, spec->entry->env, &said);

	return rc ? open_failed(err, &said, rc > 0 ? -rc : rc, spec, slot) : 0;
}

void instance_put(struct instance *instance)
{
	struct class_entry *entry;

	if (!instance || --instance->refs)
		return;
	entry = instance->spec->entry;
	if (instance->trial) {
		/* It goes before what it holds: the handlers are closed by their own last reference. */
		trial_end(instance->trial);
	} else {
		if (entry->class.close)
			entry->class.close(instance->ctx, entry->env);
		entry->open--;
	}
	spec_put(instance->spec);
	free(instance);
}

struct panel *panel_new(struct croom_room *room, uint64_t revision)
{
	size_t size = sizeof(struct panel) + room->slots * (sizeof(struct croom_entry) + sizeof(struct panel_slot));
	struct panel *panel = room->spare;

	/* All panels of a room are of one size, and a swap frees one as it makes one. */
	room->spare = NULL;
	if (!panel)
		panel = aligned_alloc(PANEL_LINE, (size + PANEL_LINE - 1) / PANEL_LINE * PANEL_LINE);
	if (!panel)
		return NULL;
	memset(panel, 0, size);
	panel->pub.revision = revision;
	panel->pub.slots = room->slots;
	panel->slot = (struct panel_slot *)(void *)panel_entry(panel, room->slots);
	return panel;
}

/* Takes a reference of its own. */
void panel_set(struct panel *panel, uint32_t slot, struct instance *instance, uint64_t since_revision, int64_t since_ns)
{
	instance->refs++;
	panel->slot[slot].instance = instance;
	panel->slot[slot].since_revision = since_revision;
	panel->slot[slot].since_ns = since_ns;
	panel_entry(panel, slot)->run = instance->run;
	panel_entry(panel, slot)->ctx = instance->ctx;
}

void panel_free(struct croom_room *room, struct panel *panel)
{
	for (uint32_t i = 0; i < panel->pub.slots; i++)
		instance_put(panel->slot[i].instance);
	free(room->spare);
	room->spare = panel;
}
