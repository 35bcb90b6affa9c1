/* SPDX-License-Identifier: BSD-2-Clause */
/* What a plugin's file is, found by looking at its bytes: none of its code has run yet. */
#ifndef PLUGIN_IMAGE_H
#define PLUGIN_IMAGE_H

#include <croom/error.h>
#include <stdbool.h>
#include <stddef.h>

struct plugin_image {
	unsigned major, minor;     /* by its note */
	bool nodelete;             /* it asks never to be unloaded */
	bool thread_ends;          /* has C++ thread_locals with destructors */
	char unique[64];           /* the first symbol that it wants to be unique in the process; "" */
};

/*
 * May the dynamic linker be given these bytes, and are they a plugin of an ABI that is known here? 0, or -ENOEXEC or -EPROTO with
 * *err. Reads nothing but bytes[0] to bytes[size - 1].
 */
int plugin_image_look(const void *bytes, size_t size, struct plugin_image *image, struct croom_error *err);

#endif
