/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways to break the library; each must be found. */
#ifndef TORTURE_BROKEN_H
#define TORTURE_BROKEN_H

#include "checked.h"

/* One access that does something else. A variant that needs two of them stands twice in the table. */
struct torture_variant {
	const char *name;
	const char *site;      /* NULL: not an access, but a function that the linker wraps */
	const char *help;      /* NULL: the row before told it */
	uint64_t (*load)(uint64_t value);
	bool (*store)(void *at, uint64_t *value);
};

extern const struct torture_variant torture_variants[];
extern const unsigned torture_variants_count;

/* The variant of this run, for what the linker wraps; NULL: none. */
extern const char *torture_broken;

/* points.c: a moment, as long as one of the delays. */
void torture_moment(void);

#endif
