// SPDX-License-Identifier: BSD-2-Clause
/* The same with --spin --lane-seccomp: the lane never sleeps, wakes nobody and does not end, so nothing but lane_over ends it. */
#define SPINNING true
#define WHAT "the tap's threads, with a lane that makes no system call"
#define ORDERS "tap.lane_over.run,tap.lane_over.watch"
#include "tap.c"
