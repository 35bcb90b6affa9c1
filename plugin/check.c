/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether what a plugin says of itself holds, and its classes in this program's own layout. */
#include "plugin-impl.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Minor 0: descriptor and class ended there. */
enum { DESCRIPTOR_MIN = offsetof(struct croom_plugin, warm), CLASS_MIN = offsetof(struct croom_class, check) };

static int no(struct croom_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int no(struct croom_error *err, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return croom_error_set(err, -EPROTO, CROOM_ERROR_OTHER, NULL, "%s: compile it with this program's headers", text);
}

static bool name_good(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t length = name ? strlen(name) : 0;

	return length >= 1 && length <= CROOM_NAME_MAX && strspn(name, allowed) == length && name[0] != '.' && name[0] != '-';
}

static int check_sizes(const struct plugin *plugin, const struct croom_plugin *descriptor, struct croom_error *err)
{
	bool newest = descriptor->minor == CROOM_PLUGIN_MINOR;

	if (descriptor->magic != CROOM_PLUGIN_MAGIC)
		return no(err, "its descriptor has magic %08x, not %08x", descriptor->magic, CROOM_PLUGIN_MAGIC);
	if (descriptor->major != plugin->image.major || descriptor->minor != plugin->image.minor)
		return no(err, "its descriptor is of ABI %u.%u, its note of %u.%u", descriptor->major, descriptor->minor,
			  plugin->image.major, plugin->image.minor);
	if (newest ? descriptor->size != sizeof(*descriptor) : descriptor->size < DESCRIPTOR_MIN || descriptor->size > sizeof(*descriptor))
		return no(err, "its descriptor has %u bytes, this program's has %zu", descriptor->size, sizeof(*descriptor));
	if (newest ? descriptor->class_size != sizeof(struct croom_class) :
		     descriptor->class_size < CLASS_MIN || descriptor->class_size > sizeof(struct croom_class))
		return no(err, "its classes have %u bytes, this program's have %zu", descriptor->class_size, sizeof(struct croom_class));
	if (!name_good(descriptor->name))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL,
				       "has no good name: 1 to 31 letters, digits, '_', '-' or '.', not '%.40s'",
				       descriptor->name ? descriptor->name : "");
	if (descriptor->classes == 0 || descriptor->classes > CROOM_PLUGIN_CLASSES || !descriptor->placed)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "has %u classes: there must be 1 to %d",
				       descriptor->placed ? descriptor->classes : 0, CROOM_PLUGIN_CLASSES);
	return 0;
}

static char *copied(const char *text)
{
	return strdup(text ? text : "");
}

int plugin_check(struct plugin *plugin, const struct croom_plugin *descriptor, struct croom_error *err)
{
	int rc = check_sizes(plugin, descriptor, err);

	if (rc)
		return rc;
	plugin->name = copied(descriptor->name);
	plugin->version = copied(descriptor->version);
	plugin->help = copied(descriptor->help);
	plugin->class = calloc(descriptor->classes, sizeof(plugin->class[0]));
	plugin->placed = calloc(descriptor->classes, sizeof(plugin->placed[0]));
	if (!plugin->name || !plugin->version || !plugin->help || !plugin->class || !plugin->placed)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "cannot be loaded: out of memory");
	for (unsigned i = 0; i < descriptor->classes; i++) {
		const struct croom_placed_class *placed = &descriptor->placed[i];

		if (!placed->slot || !placed->handler_class)
			return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "names no %s for class %u",
					       placed->slot ? "class" : "slot", i + 1);
		/* What it does not know of stays zero. */
		memcpy(&plugin->class[i], placed->handler_class, descriptor->class_size);
		plugin->placed[i] = (struct croom_placed_class){ placed->slot, &plugin->class[i] };
	}
	plugin->classes = descriptor->classes;
	if (descriptor->size > DESCRIPTOR_MIN)
		plugin->warm = descriptor->warm;
	return 0;
}
