/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What croomtap's slots are given, and what its handlers, a plugin's too, are made of. For every packet, in this order, under
 * one panel:
 *
 *	filter    tap_event     0: keep, 1: leave out (a packet only; never TICK or FLUSH)
 *	strategy  tap_event     an enum tap_verdict: PRINT, SAMPLED_OUT or SUMMARISED; may print rows by itself
 *	printer   tap_item      1: printed, 0: not (the empty handler "none" returns 0), negative: failed, and not printed
 *	audit     tap_decision  what was decided on this packet; returns 0
 *	diag      tap_probe     the same, when it is done with; returns 0
 *	metrics   tap_counters  about ten times a second, first and last under a panel; returns 0
 *
 * A strategy also gets TICK, ten times a second or more often, and returns whether it holds rows that are not
 * printed yet; and FLUSH when its panel is about to be left: print what you hold. What a handler is given is good
 * during the call only, and is not its to change (but for `unshown`): the next slot and packet get the same structures.
 *
 * Handlers run on the lane thread, which makes no system call while the ring holds records: no system call, no
 * allocation, no lock, no stdio, no clock unless their very purpose needs it (diag=latency reads the vDSO clock).
 * Contexts are made in open() on the control side, with all the memory they will need; its env is a struct tap_env.
 *
 * A plugin is held against the layout versions of the CROOM_RECORD()s below: whoever changes a record, or struct tap_env,
 * raises them.
 */
#ifndef CROOMTAP_RECORD_H
#define CROOMTAP_RECORD_H

#include <croom/panel.h>
#include <croom/strings.h>
#include <stdbool.h>
#include <stdint.h>

struct tap_sink;

struct tap_packet {
	const uint8_t *data;
	uint32_t caplen, len;      /* bytes captured, bytes on the wire */
	int64_t sec;               /* since 1970, UTC */
	uint64_t nsec;             /* a billion or more in a broken file */
	int linktype;              /* DLT_ */
};

/* A broken file may say any second: such a moment is wrong, but it is one. */
static inline int64_t tap_ns(int64_t sec, uint64_t nsec)
{
	return (int64_t)((uint64_t)sec * UINT64_C(1000000000) + nsec);
}

enum tap_verdict {
	TAP_PRINT = 0,             /* what the empty strategy "each" says */
	TAP_SAMPLED_OUT,
	TAP_SUMMARISED,            /* counted into a row that is printed later */
	TAP_FILTERED,
	TAP_NOT_PRINTED,           /* the printer is "none", or cannot show this */
	TAP_VERDICTS,
};

enum tap_kind { TAP_PACKET, TAP_TICK, TAP_FLUSH };

typedef struct tap_event {
	enum tap_kind kind;
	uint64_t number;           /* of the packet on this lane, from 1 */
	int64_t now_ns;            /* capture time: of this packet, or of the newest one at a TICK or FLUSH */
	struct tap_packet packet;
	const struct croom_panel *panel;
	struct tap_sink *out;
	uint64_t unshown;          /* a strategy adds the packets of each row that the printer did not take */
} tap_event;

/* A row of a strategy that sums up. Names are ids in the tap's strings. */
struct tap_summary {
	bool top;                  /* of top, not of flows */
	uint32_t rank;             /* of top, from 1 */
	uint32_t source, target;   /* endpoints "10.0.0.1:443", "[::1]:53", or "10.0.0.1" where there is no port */
	uint32_t protocol;         /* "tcp", "udp", "icmp", "arp", ... */
	uint64_t packets, bytes;
	int64_t first_ns, last_ns; /* capture times */
};

typedef struct tap_item {
	const struct tap_packet *packet;   /* NULL: a summary */
	const struct tap_summary *summary; /* NULL, too: nothing yet, but a file may get its header. Returns 0 */
	uint64_t number;
	struct tap_sink *out;
} tap_item;

typedef struct tap_decision {
	uint64_t number, revision;
	const struct tap_packet *packet;
	enum tap_verdict verdict;
} tap_decision;

typedef struct tap_probe {
	uint64_t number, revision;
	const struct tap_packet *packet;   /* NULL: nothing but the counts, about ten times a second */
	enum tap_verdict verdict;
	uint64_t lost_ring, lost_kernel;   /* so far; when packet is NULL */
	bool last;                         /* the panel is about to be left: say what is to be said */
} tap_probe;

enum tap_journal { TAP_JOURNAL_NONE, TAP_JOURNAL_KEPT, TAP_JOURNAL_NOT_KEPT };   /* the last: for now */

typedef struct tap_counters {
	int64_t now_ns;                    /* CLOCK_REALTIME, coarse */
	uint64_t received, bytes;          /* by the lane */
	uint64_t verdict[TAP_VERDICTS];
	uint64_t lost_ring, lost_kernel;
	uint64_t output_bytes;
	uint64_t journal_lost;             /* rows */
	uint64_t journal;                  /* an enum tap_journal */
	uint64_t revision;
} tap_counters;

CROOM_RECORD(tap_event, 1);
CROOM_RECORD(tap_item, 1);
CROOM_RECORD(tap_decision, 1);
CROOM_RECORD(tap_probe, 1);
CROOM_RECORD(tap_counters, 2);

CROOM_SLOT(filter, 0, tap_event);
CROOM_SLOT(strategy, 1, tap_event);
CROOM_SLOT(printer, 2, tap_item);
CROOM_SLOT(audit, 3, tap_decision);
CROOM_SLOT(metrics, 4, tap_counters);
CROOM_SLOT(diag, 5, tap_probe);

/* What a class's open() is given: set up before the room, good until after it. */
struct tap_env {
	int linktype;
	uint32_t link_more;                /* the upper bits of a pcap file's link type word, as the length of an FCS */
	uint32_t snaplen;
	uint32_t netmask;                  /* of the interface, for `ip broadcast`; 0 where there is none, as in tcpdump */
	bool nano;                         /* --nano: text and csv show nanoseconds */
	bool source_nano;                  /* the source has them: file formats keep them */
	bool offline;                      /* -r */
	const char *interface;             /* or the file's name */
	const char *input, *output;        /* what -r and -w name, "-" too; input NULL: an interface */
	struct croom_strings *strings;     /* the lane thread is its writer */
	struct tap_writer *writer;         /* for sinks of their own: <croomtap/sink.h> */
};

#endif
