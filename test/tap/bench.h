/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every handler of croomtap that is given packets, on a bench: each packet goes through all printers, strategies, audit,
 * diagnostics and a filter for its link type, and what they write is looked at. The sinks are the bench's: room for what
 * was reserved and not a byte more (an inaccessible page follows), and a commit is a whole line, row or block.
 *
 *	bench_open();
 *	bench_packet(&packet);                 // packet.data: best from bench_place()
 *	bench_flush(true);                     // rows are printed; true: so is what diagnostics hold
 *	bench_close();
 *
 * For what is wrong bench_wrong() is called, which the program brings. One thread.
 */
#ifndef TEST_TAP_BENCH_H
#define TEST_TAP_BENCH_H

#include "../../tap/record.h"

enum { BENCH_LINKS = 8, BENCH_LONGEST = 262144 };

/* The link types that croomtap reads. */
extern const int bench_links[BENCH_LINKS];

void bench_open(void);
void bench_close(void);
void bench_packet(const struct tap_packet *packet);
void bench_flush(bool last);
/* From now on a sink that may refuse does, or does not. */
void bench_refuse(bool refuse);

/*
 * A copy of the packet with an inaccessible page right behind its last byte, or right before its first one; good until the
 * next call.
 */
const uint8_t *bench_place(const uint8_t *bytes, uint32_t length, bool last);

/* The bytes that were written when it was found out, or NULL. */
void bench_wrong(const char *what, const char *bytes, size_t length);

/* Is it one line, with nothing in it that a terminal would obey? */
bool bench_line(const char *bytes, size_t length);

#endif
