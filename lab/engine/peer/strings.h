/* SPDX-License-Identifier: BSD-2-Clause */
/* A registry of strings: ours and what people use for it. Every call goes through a pointer here, for all alike. */
#ifndef LAB_STRINGS_H
#define LAB_STRINGS_H

#include "../lab.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lab_strings {
	const char *name;
	bool ours;
	void *(*open)(unsigned max);
	void (*close)(void *self);
	/* The id of these bytes, which end in a NUL that does not count; a new one if they are new. */
	uint32_t (*intern)(void *self, const char *bytes, size_t length);
	/* The same when they are known to be in; UINT32_MAX when they are not. */
	uint32_t (*find)(void *self, const char *bytes, size_t length);
	/* The first byte of that string and its length in one number, so that both were looked at. */
	uint64_t (*get)(void *self, uint32_t id);
};

extern const struct lab_strings *const lab_strings_all[];
extern const unsigned lab_strings_count;
void lab_strings_missing(void);

#ifdef __cplusplus
}
#endif
#endif
