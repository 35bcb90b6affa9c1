/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields of a packet that json, csv, flows, top and malformed use. Never reads behind caplen. */
#ifndef HANDLERS_DECODE_H
#define HANDLERS_DECODE_H

#include "../record.h"
#include "../text/put.h"

struct decoded {
	const uint8_t *source_mac, *target_mac;    /* NULL: the link has none */
	uint16_t ethertype;                        /* after VLAN tags; 0 where the link has none */
	uint16_t vlan;                             /* the innermost tag, 0 for none */
	uint8_t version;                           /* of IP: 4, 6; 0: not IP */
	uint8_t protocol;                          /* of IP, after extension headers */
	uint8_t ttl, tcp_flags, icmp_type, icmp_code;
	bool arp, ports, icmp, fragment;           /* fragment: not the first one */
	bool partial;                              /* cut off or malformed before it was read to the ports */
	const uint8_t *source, *target;            /* addresses: 4 bytes (IPv4, ARP) or 16; NULL: none */
	uint16_t source_port, target_port;
};

void decode(struct decoded *decoded, const struct tap_packet *packet);

/* "tcp", "udp", "icmp", "arp", ...; a number as text goes to `buffer`. */
const char *decode_protocol(const struct decoded *decoded, char buffer[8]);

/* "10.0.0.1:443", "[::1]:53", "10.0.0.1", a MAC address, or "?". */
void put_endpoint(struct put *to, const struct decoded *decoded, bool target);
void put_decoded_address(struct put *to, const struct decoded *decoded, const uint8_t *address);

/* A moment in UTC, cached by the second: 2026-11-24T15:04:05.123456789Z */
struct utc {
	int64_t second;
	char text[20];
};
void put_utc(struct put *to, struct utc *utc, int64_t second, uint64_t nsec);

#endif
