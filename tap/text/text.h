/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet as the line that `tcpdump -nq` prints for it (the reference is tcpdump 4.99.3): the same bytes for Ethernet
 * with its tags, LLC, ARP, IPv4 and IPv6 with extension headers and fragments, TCP, UDP, ICMP, ICMPv6, and for some
 * thirty others, which doc/TEXT.md lists. Of what is left it says less: the number or type, and the length.
 *
 * Never reads behind caplen, never writes behind cap: a line that does not fit is cut. Lane thread: no allocation,
 * no system call, no stdio; the context is made on the control side.
 */
#ifndef TEXT_TEXT_H
#define TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_ZONES = 512, TEXT_INTERFACES = 64 };

/* From `from` on local time is `offset` seconds ahead of UTC. */
struct text_zone {
	int64_t from;
	int32_t offset;
};

/* Linux cooked captures of version 2 name the interface by its number. */
struct text_interface {
	uint32_t index;
	char name[16];
};

struct text_ctx {
	bool nano;                 /* nine digits instead of six */
	unsigned zones;
	struct text_zone zone[TEXT_ZONES];
	int64_t second;            /* for which `clock` is right, once it is set */
	int64_t until;             /* of the zone it was made with */
	int64_t since;
	int32_t offset;
	char clock[8];             /* HH:MM:SS */
	unsigned interfaces;
	struct text_interface interface[TEXT_INTERFACES];
};

struct text_packet {
	const uint8_t *data;
	uint32_t caplen, len;
	int linktype;              /* DLT_ */
	int64_t sec;
	uint64_t nsec;             /* a billion or more in a broken file */
};

/*
 * Learn the time zone and the interfaces of this machine. 0, or -ENOMEM or -EMFILE and the like: a line would lack what it
 * has with memory or a descriptor. That the system tells nobody its interfaces is no error. Control thread.
 */
int text_open(struct text_ctx *ctx, bool nano);

/* What text_packet() may need for a packet of caplen bytes. */
static inline size_t text_max(uint32_t caplen)
{
	return 2048 + (size_t)caplen * 5;
}

/* Bytes written, the newline included. Lane thread. */
size_t text_packet(struct text_ctx *ctx, char *out, size_t cap, const struct text_packet *packet);

/* The time that stands before it, with the space. */
size_t text_time(struct text_ctx *ctx, char *out, size_t cap, int64_t second, uint64_t nsec);

#endif
