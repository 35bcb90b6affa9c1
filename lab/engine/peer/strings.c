/* SPDX-License-Identifier: BSD-2-Clause */
/* Ours and GLib's quarks; the C++ one is in strings-map.cc. */
#include "strings.h"
#include <croom/strings.h>
#include <string.h>
#ifdef LAB_HAVE_GLIB
#include <glib.h>
#endif

static void *ours_open(unsigned max)
{
	struct croom_strings *strings;

	if (croom_strings_open(&strings, max, (size_t)max * 48))
		lab_die("cannot make a registry");
	return strings;
}

static void ours_close(void *self)
{
	croom_strings_close(self);
}

static uint32_t ours_intern(void *self, const char *bytes, size_t length)
{
	uint32_t id;

	if (croom_strings_intern(self, bytes, length, &id))
		lab_die("the registry is full");
	return id;
}

static uint32_t ours_find(void *self, const char *bytes, size_t length)
{
	uint32_t id;

	return croom_strings_find(self, bytes, length, &id) ? UINT32_MAX : id;
}

static uint64_t ours_get(void *self, uint32_t id)
{
	size_t length;
	const char *bytes = croom_strings_get(self, id, &length);

	return (uint64_t)bytes[0] + length;
}

static const struct lab_strings ours = { "croom strings", true, ours_open, ours_close, ours_intern, ours_find, ours_get };

#ifdef LAB_HAVE_GLIB
/* One table per process, behind a lock for those who ask by name; it cannot be emptied. */
static void *quark_open(unsigned max)
{
	(void)max;
	return (void *)(uintptr_t)1;
}

static void quark_close(void *self)
{
	(void)self;
}

static uint32_t quark_intern(void *self, const char *bytes, size_t length)
{
	(void)self;
	(void)length;
	return g_quark_from_string(bytes);
}

static uint32_t quark_find(void *self, const char *bytes, size_t length)
{
	GQuark quark = g_quark_try_string(bytes);

	(void)self;
	(void)length;
	return quark ? quark : UINT32_MAX;
}

static uint64_t quark_get(void *self, uint32_t id)
{
	const char *bytes = g_quark_to_string(id);

	(void)self;
	return (uint64_t)bytes[0] + strlen(bytes);
}

static const struct lab_strings quark = { "GLib GQuark", false, quark_open, quark_close, quark_intern, quark_find, quark_get };
#endif

extern const struct lab_strings lab_strings_map;

const struct lab_strings *const lab_strings_all[] = {
	&ours,
	&lab_strings_map,
#ifdef LAB_HAVE_GLIB
	&quark,
#endif
};
const unsigned lab_strings_count = sizeof(lab_strings_all) / sizeof(lab_strings_all[0]);

void lab_strings_missing(void)
{
#ifndef LAB_HAVE_GLIB
	lab_skip("strings", "GLib GQuark", "libglib2.0-dev was not there when the lab was built");
#endif
}
