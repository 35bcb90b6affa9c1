// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tap when the thread of its source cannot be made: the lane is there already, and main tells it that there is no source,
 * waits until it is over, and takes down what it used.
 */
#define STARTING true
#define WHAT "the tap, when there is no thread for its source"
#define ORDERS "tap.lane_over.start"
#include "tap.c"
