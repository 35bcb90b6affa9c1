/* SPDX-License-Identifier: BSD-2-Clause */
/* The record of test/room/rig.h. */
#ifndef NOTE_H
#define NOTE_H

#include <croom/plugin.h>

typedef struct note {
	int value;
	uint64_t seen;
} note;

CROOM_RECORD(note, 1);

#endif
