/* SPDX-License-Identifier: BSD-2-Clause */
/* What the run asks of the ordered accesses. The plain build has none: plain.c says so. */
#ifndef TORTURE_POINTS_H
#define TORTURE_POINTS_H

#include "luck.h"
#include <stdbool.h>
#include <stdio.h>

/* "plain" or "checked". */
const char *points_build(void);

/* Before any other thread. */
void points_start(uint64_t seed, bool delays);

/*
 * Is there a way to break the library that has this name (points_list() shows them)? 0, or -1 and what is wrong was
 * said.
 */
int points_broken(const char *name);

/* Break it, if this run is to: when the first swap is done, before there is a lane. */
void points_break(const char *name);

/* Other odds for every name. */
void points_shuffle(struct luck *luck);

/* At the end of a thread: add its counts. */
void points_thread_end(void);

/* After the last thread: print what was passed how often; call unused() with each name that never was. */
void points_report(FILE *to, void (*unused)(const char *name));

/* The broken variants. */
void points_list(FILE *to);

#endif
