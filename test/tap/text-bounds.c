/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever is given a packet stays inside of it, and inside the room for what it writes: the text printer, and on the bench
 * all printers, strategies, audit, diagnostics and a filter (bench.h). Every protocol they know, on every link type, cut off
 * at every length, with bytes changed at random, and with room for only part of the line. A packet lies between pages that
 * nobody may touch, at the end of its own and at the beginning: one byte too far ends the program, in libpcap, too.
 */
#include "bench.h"
#include "check.h"
#include "text.h"
#include <pcap/dlt.h>
#include <stdlib.h>

enum { LONGEST = 512, RANDOM_PACKETS = 120000, SEED = 20240611 };

/* What a link carries: its Ethernet type (below 1501: an 802.3 length) and the bytes behind it, in hex. */
struct payload {
	const char *name;
	uint16_t type;
	const char *hex;
};

#define IP4(protocol) "4500003000014000 40" protocol "0000 0a000001 0a000002 "
#define IP6(next) "6000000000a0" next "40 20010db8000000000000000000000001 fe800000000000000000000000000002 "
#define PORTS "1f90 0050 "
#define TCP PORTS "00000001 00000002 5010ffff 00000000 "
#define TWENTY "000102030405060708090a0b0c0d0e0f10111213 "

static const struct payload payloads[] = {
	{ "tcp", 0x0800, IP4("06") TCP TWENTY },
	{ "tcp with IP options", 0x0800, "4600003400014000 40060000 0a000001 0a000002 94040000 " TCP TWENTY },
	{ "udp", 0x0800, IP4("11") PORTS "001c0000 " TWENTY },
	{ "fragment", 0x0800, "4500003000012005 40110000 0a000001 0a000002 " TWENTY },
	{ "icmp echo", 0x0800, IP4("01") "08000000 12340001 " TWENTY },
	{ "icmp port unreachable", 0x0800, IP4("01") "03030000 00000000 " IP4("11") PORTS "00080000" },
	{ "icmp need to fragment", 0x0800, IP4("01") "03040000 000005dc " IP4("06") TCP },
	{ "icmp protocol unreachable", 0x0800, IP4("01") "03020000 00000000 " IP4("63") TWENTY },
	{ "icmp redirect", 0x0800, IP4("01") "05010000 0a000009 " IP4("11") PORTS "00080000" },
	{ "icmp router", 0x0800, IP4("01") "09000000 02021000 0a000001 00000001 0a000002 00000002" },
	{ "icmp exceeded", 0x0800, IP4("01") "0b000000 00000000 " IP4("11") PORTS "00080000" },
	{ "icmp stamp", 0x0800, IP4("01") "0e000000 00010002 00010000 00020000 00030000" },
	{ "icmp mask", 0x0800, IP4("01") "12000000 00010002 ffffff00" },
	{ "igmp", 0x0800, IP4("02") "22000000 00000001 04000000 e0000016" },
	{ "gre", 0x0800, IP4("2f") "b0000800 00000000 00000001 00000002 " IP4("11") PORTS "00080000" },
	{ "gre ethernet", 0x0800, IP4("2f") "00006558 020000000001 020000000002 0800 " IP4("06") TCP },
	{ "esp", 0x0800, IP4("32") TWENTY },
	{ "ah", 0x0800, IP4("33") "06040000 00000001 00000002 0102030405060708090a0b0c " TCP },
	{ "ipip", 0x0800, IP4("04") IP4("29") IP6("11") PORTS "00080000" },
	{ "sctp data", 0x0800, IP4("84") PORTS "00000001 00000000 00030014 00000001 00020003 00000003 01020304" },
	{ "sctp init", 0x0800, IP4("84") PORTS "00000001 00000000 01000014 00000001 00001000 00010001 00000002 04000008 0c060005" },
	{ "sctp sack", 0x0800, IP4("84") PORTS "00000001 00000000 03000020 00000001 00001000 00020002 00010002 00040005 "
		"00000007 00000008 0b000004" },
	{ "sctp forces", 0x0800, IP4("84") "1a30 1a31 00000001 00000000 00030028 00000001 00020003 00000000 "
		"10010006 " TWENTY },
	{ "rsvp", 0x0800, IP4("2e") "10010000 40000014 " TWENTY },
	{ "pgm", 0x0800, IP4("71") PORTS "04000000 010203040506 0010 " TWENTY },
	{ "gre is-is", 0x0800, IP4("2f") "000000fe 831b0100 12010000 " TWENTY TWENTY },
	{ "ospf", 0x0800, IP4("59") "02010030 01010101 00000000 00000000 " TWENTY TWENTY },
	{ "vrrp", 0x0800, IP4("70") "21016401 01010000 0a000003" },
	{ "pim", 0x0800, IP4("67") "20000000 00010002 0069" },
	{ "ip6 tcp", 0x86dd, IP6("06") TCP TWENTY },
	{ "ip6 udp", 0x86dd, IP6("11") PORTS "001c0000 " TWENTY },
	{ "ip6 hop by hop", 0x86dd, IP6("00") "3a00050200000100 8f000000 00000001 04000000 " TWENTY },
	{ "ip6 jumbo", 0x86dd, "6000000000000040 20010db8000000000000000000000001 fe800000000000000000000000000002 "
		"1100c20400010000 " PORTS "00000000 " TWENTY },
	{ "ip6 routing", 0x86dd, IP6("2b") "0604000200000000 20010db8000000000000000000000001 "
		"fe800000000000000000000000000002 " TCP },
	{ "ip6 segment routing", 0x86dd, IP6("2b") "3b02040000000001 20010db8000000000000000000000001" },
	{ "ip6 options", 0x86dd, IP6("3c") "1100010400000000 " PORTS "00080000" },
	{ "ip6 first fragment", 0x86dd, IP6("2c") "1100000100000001 " PORTS "00080000" },
	{ "ip6 later fragment", 0x86dd, IP6("2c") "1100010100000001 " TWENTY },
	{ "ip6 ah", 0x86dd, IP6("33") "3a010000 00000001 00000002 80000000 12340001" },
	{ "ip6 mobility", 0x86dd, IP6("87") "3b010500 00000001 80000010 01020000" },
	{ "icmp6 echo", 0x86dd, IP6("3a") "80000000 12340001 " TWENTY },
	{ "icmp6 port unreachable", 0x86dd, IP6("3a") "01040000 00000000 " IP6("3c") "1100010400000000 " PORTS "00080000" },
	{ "icmp6 beyond scope", 0x86dd, IP6("3a") "01020000 00000000 " IP6("06") TCP },
	{ "icmp6 too big", 0x86dd, IP6("3a") "02000000 00000500 " IP6("06") TCP },
	{ "icmp6 exceeded", 0x86dd, IP6("3a") "03000000 00000000 " IP6("06") TCP },
	{ "icmp6 problem", 0x86dd, IP6("3a") "04010000 00000006 " IP6("06") TCP },
	{ "icmp6 query", 0x86dd, IP6("3a") "82000000 03e80000 00000000000000000000000000000000" },
	{ "icmp6 query v2", 0x86dd, IP6("3a") "82000000 03e80000 00000000000000000000000000000000 007d0000" },
	{ "icmp6 report", 0x86dd, IP6("3a") "83000000 03e80000 ff020000000000000000000000000001" },
	{ "icmp6 advertisement", 0x86dd, IP6("3a") "88000000 60000000 fe800000000000000000000000000002 0201020000000001" },
	{ "icmp6 redirect", 0x86dd, IP6("3a") "89000000 00000000 fe800000000000000000000000000002 "
		"20010db8000000000000000000000001" },
	{ "icmp6 renumbering", 0x86dd, IP6("3a") "8a000000 00000001 00f80000 00000000" },
	{ "icmp6 node query", 0x86dd, IP6("3a") "8b000000 00020000 0102030405060708 0474657374000000" },
	{ "icmp6 mobile prefix", 0x86dd, IP6("3a") "92000000 00010000" },
	{ "icmp6 rpl", 0x86dd, IP6("3a") "9b010000 0001000010000000 20010db8000000000000000000000001" },
	{ "arp request", 0x0806, "0001080006040001 020000000001 0a000001 000000000000 0a000002" },
	{ "arp reply", 0x0806, "0001080006040002 020000000001 0a000001 020000000002 0a000002" },
	{ "rarp", 0x8035, "0001080006040003 020000000001 0a000001 020000000002 0a000002" },
	{ "arp atm", 0x0806, "0013080014040008 " TWENTY "0a000001 " TWENTY "0a000002" },
	{ "loopback", 0x9000, "0000 0200 020000000001 0100 0001" },
	{ "vlan", 0x8100, "0064 88a8 0065 0800 " IP4("06") TCP },
	{ "mpls", 0x8847, "00010000 000101ff " IP4("06") TCP },
	{ "mpls null", 0x8847, "000001ff " IP4("06") TCP },
	{ "pppoe discovery", 0x8863, "11090000 0008 01010000 01030000" },
	{ "pppoe session", 0x8864, "11000001 0032 0021 " IP4("06") TCP },
	{ "lldp", 0x88cc, "0207040200000000010403050102060200780000" },
	{ "lacp", 0x8809, "0101 " TWENTY TWENTY TWENTY },
	{ "eapol", 0x888e, "02010000" },
	{ "macsec", 0x88e5, "2000 00000001 0200000000010001 0800 " IP4("06") TCP },
	{ "jumbo llc", 0x8870, "424203 0000 0000 00 " TWENTY TWENTY },
	{ "ptp sync", 0x88f7, "0002002c 0000 0200 0000000000000000 00000000 0102030405060708 0001 0002 0000 " TWENTY },
	{ "ptp announce", 0x88f7, "0b020040 0000 0000 0000000000000000 00000000 0102030405060708 0001 0002 0501 " TWENTY TWENTY },
	{ "ptp delay", 0x88f7, "09020036 0000 0000 0000000000000000 00000000 0102030405060708 0001 0002 0302 " TWENTY },
	{ "ptp management", 0x88f7, "1d020036 0000 0000 0000000000000000 00000000 0102030405060708 0001 0002 0402 " TWENTY },
	{ "aoe", 0x88a2, "18000001 0201 00000007 " TWENTY },
	{ "rrcp hello", 0x8899, "0180 2379 " TWENTY },
	{ "rrcp get", 0x8899, "0101 2379 " TWENTY },
	{ "heartbeat", 0x886f, "bf100000 01000000 02000000 0a000001 0a000002 " TWENTY },
	{ "geonet", 0x8947, "01510000 00080001 0102030405060708 " TWENTY TWENTY TWENTY TWENTY },
	{ "geonet single hop", 0x0707, "02500000 00080001 0102030405060708 " TWENTY TWENTY },
	{ "calm fast", 0x1111, "0102" },
	{ "osi", 0xfefe, "03 831b0100 0f010000 " TWENTY TWENTY },
	{ "ipx", 0x8137, "ffff002c 0004 00000001 020000000001 0452 00000002 020000000002 4008 0001 0004 " TWENTY },
	{ "unknown type", 0x1234, TWENTY TWENTY },
	{ "stp", 0x0026, "424203 0000 0000 3c 8000020000000001 00000000 8000020000000001 8001 0000 1400 0200 0f00" },
	{ "rapid stp", 0x0027, "424203 0000 0202 7e 8000020000000001 00000000 8000020000000001 8001 0000 1400 0200 0f00 00" },
	{ "snap ip", 0x0100, "aaaa03 000000 0800 " IP4("06") TCP },
	{ "snap cisco", 0x0030, "aaaa03 00000c 2000 02b4 0000 " TWENTY },
	{ "llc information", 0x0018, "f0f00204 " TWENTY },
	{ "llc supervisory", 0x0004, "04050104" },
	{ "llc xid", 0x0006, "0001af810102" },
	{ "isis", 0x0100, "fefe03 831b0100 0f010000 " TWENTY TWENTY },
	{ "isis lsp", 0x0100, "fefe03 831b0100 14010000 " TWENTY TWENTY },
	{ "isis point to point", 0x0100, "fefe03 83140100 11010000 " TWENTY TWENTY },
	{ "isis sequence", 0x0100, "fefe03 83210100 18010000 " TWENTY TWENTY },
	{ "isis broken", 0x0100, "fefe03 83ff0100 18010000 " TWENTY TWENTY },
	{ "cdp", 0x0048, "aaaa03 00000c 2000 02b40102 00010006 6c61 00050018 " TWENTY "000b000501 0004000400" },
	{ "udld", 0x0018, "aaaa03 00000c 0111 21030000 00010008 61626364" },
	{ "vtp", 0x0038, "aaaa03 00000c 2003 01010002 " TWENTY TWENTY },
	{ "dtp", 0x000f, "aaaa03 00000c 2004 01 00010005 61" },
	{ "ipx netbios", 0x0050, "e0e003 ffff0032 0014 00000000 ffffffffffff 0455 00000001 020000000001 0455 " TWENTY },
	{ "ipx service", 0x0070, "e0e003 ffff0060 0004 00000000 ffffffffffff 0452 00000001 020000000001 4008 0002 0004 "
		TWENTY TWENTY "6162636465666768 00000001 020000000001 0451 0001" },
	{ "ipx route", 0x0070, "e0e003 ffff0030 0004 00000000 ffffffffffff 0453 00000001 020000000001 0453 0002 "
		"00000001 0002 0003 00000002 0003 0004" },
	{ "ipx 802.3", 0x0070, "ffff001e 0004 00000000 ffffffffffff 0457 00000001 020000000001 0457" },
};
enum { PAYLOADS = sizeof(payloads) / sizeof(payloads[0]) };

static uint64_t state = SEED;
static unsigned long packets;
static size_t longest_line;

static uint32_t rand32(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static size_t put_hex_text(uint8_t *out, const char *hex)
{
	size_t n = 0;

	for (; *hex; hex++) {
		unsigned digit = *hex <= '9' ? (unsigned)(*hex - '0') : (unsigned)(*hex - 'a' + 10);

		if (*hex == ' ')
			continue;
		out[n / 2] = (uint8_t)(n % 2 ? out[n / 2] | digit : digit << 4);
		n++;
	}
	return n / 2;
}

/* The link's own header in front of a payload. */
static size_t build(uint8_t *out, int link, const struct payload *payload)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	uint8_t type[2] = { (uint8_t)(payload->type >> 8), (uint8_t)payload->type };
	size_t n = 0;

	memset(out, 0, 20);
	switch (link) {
	case DLT_EN10MB:
		memcpy(out, macs, 12);
		n = 14;
		memcpy(out + 12, type, 2);
		break;
	case DLT_LINUX_SLL:
		n = 16;
		memcpy(out + 14, payload->type <= 1500 ? (const uint8_t[]){ 0, 4 } : type, 2);
		break;
	case DLT_LINUX_SLL2:
		n = 20;
		memcpy(out, payload->type <= 1500 ? (const uint8_t[]){ 0, 4 } : type, 2);
		out[10] = 4;
		break;
	case DLT_NULL:
		n = 4;
		out[0] = payload->type == 0x86dd ? 30 : 2;
		break;
	case DLT_LOOP:
		n = 4;
		out[3] = payload->type == 0x86dd ? 24 : 2;
		break;
	default: break;
	}
	return n + put_hex_text(out + n, payload->hex);
}

void bench_wrong(const char *what, const char *bytes, size_t length)
{
	printf("# %s (%zu)%s\n", what, length, bytes ? ":" : "");
	if (bytes)
		printf("# %.*s\n", (int)(length < 1000 ? length : 1000), bytes);
	check_bad = 1;
}

/* One line in memory of exactly `cap` bytes, for a packet that ends where its page does. */
static void show_into(int link, const uint8_t *bytes, uint32_t caplen, uint32_t len, size_t cap)
{
	char *line = malloc(cap);
	struct text_packet packet = { bench_place(bytes, caplen, true), caplen, len, link, 1700000000, 123456789 };
	struct text_ctx text;
	size_t written;

	if (!line)
		abort();
	memset(&text, 0, sizeof(text));
	text.zones = 1;
	text.zone[0].from = INT64_MIN;
	written = text_packet(&text, line, cap, &packet);
	CHECK(written <= cap);
	CHECK(bench_line(line, written));
	longest_line = written > longest_line ? written : longest_line;
	packets++;
	free(line);
}

static void show(int link, const uint8_t *bytes, uint32_t caplen, uint32_t len)
{
	show_into(link, bytes, caplen, len, text_max(caplen));
}

/* To all handlers, at both edges of a page. */
static void handle(int link, const uint8_t *bytes, uint32_t caplen, uint32_t len)
{
	struct tap_packet packet = { .caplen = caplen, .len = len, .linktype = link, .sec = 1700000000, .nsec = 123456789 };

	for (int last = 0; last < 2; last++) {
		packet.data = bench_place(bytes, caplen, last);
		bench_packet(&packet);
	}
	bench_flush(packets % 64 == 0);
}

static void every_protocol_cut_at_every_length(void)
{
	uint8_t bytes[LONGEST];

	for (unsigned l = 0; l < BENCH_LINKS; l++)
		for (unsigned i = 0; i < PAYLOADS; i++) {
			uint32_t length = (uint32_t)build(bytes, bench_links[l], &payloads[i]);

			for (uint32_t caplen = 0; caplen <= length; caplen++) {
				show(bench_links[l], bytes, caplen, length);
				show(bench_links[l], bytes, caplen, caplen);
				handle(bench_links[l], bytes, caplen, length);
			}
			if (check_bad) {
				printf("# %s\n", payloads[i].name);
				return;
			}
		}
}

static void bytes_changed_at_random(void)
{
	uint8_t bytes[LONGEST];

	for (unsigned i = 0; i < RANDOM_PACKETS && !check_bad; i++) {
		int link = bench_links[rand32() % BENCH_LINKS];
		uint64_t before = state;
		uint32_t length = (uint32_t)build(bytes, link, &payloads[rand32() % PAYLOADS]);
		uint32_t caplen = rand32() % 4 ? length : rand32() % (length + 1);

		for (unsigned flips = rand32() % 5; flips-- > 0;)
			bytes[rand32() % length] = rand32() % 3 ? (uint8_t)rand32() : rand32() % 2 ? 0xff : 0;
		show(link, bytes, caplen, rand32() % 8 ? length : caplen + rand32() % 3000);
		if (i % 4 == 0)
			handle(link, bytes, caplen, length);
		if (check_bad)
			printf("# packet %u, state %llu\n", i, (unsigned long long)before);
	}
}

static void nothing_but_noise(void)
{
	uint8_t bytes[LONGEST];

	for (unsigned i = 0; i < RANDOM_PACKETS / 4 && !check_bad; i++) {
		uint32_t length = rand32() % LONGEST;
		int link = bench_links[rand32() % BENCH_LINKS];

		for (uint32_t b = 0; b < length; b++)
			bytes[b] = (uint8_t)rand32();
		/* As IP it is let further in. */
		if (length > 20 && (link == DLT_RAW || link == DLT_IPV4 || link == DLT_IPV6))
			bytes[0] = rand32() % 2 ? 0x45 : 0x60;
		show(link, bytes, length, length);
		if (i % 4 == 0)
			handle(link, bytes, length, length);
	}
}

/* A line that does not fit is cut, and still ends. */
static void room_for_part_of_the_line(void)
{
	uint8_t bytes[LONGEST];

	for (unsigned i = 0; i < PAYLOADS && !check_bad; i++) {
		uint32_t length = (uint32_t)build(bytes, DLT_EN10MB, &payloads[i]);

		for (size_t cap = 1; cap < 200; cap++)
			show_into(DLT_EN10MB, bytes, length, length, cap);
	}
}

/* A file may say any second, and no packet at all: what is printed is a line all the same, whatever the zone. */
static void any_second_and_length(void)
{
	static const int64_t seconds[] = { INT64_MIN, INT64_MIN + 1, -86401, -1, 0, 1, 1700000000, INT64_MAX, INT64_MAX - (1LL << 31) };
	static const int32_t zones[] = { -12 * 3600, 0, 14 * 3600 };
	uint8_t bytes[LONGEST] = { 0 };

	for (unsigned z = 0; z < 3; z++)
		for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
			struct text_packet packet = { bytes, 60, 60, DLT_EN10MB, seconds[i], 999999999 };
			struct text_ctx text = { .zones = 1, .zone = { { INT64_MIN, zones[z] } } };
			char line[500];
			size_t written = text_packet(&text, line, sizeof(line), &packet);

			CHECK(bench_line(line, written));
			CHECK(memcmp(line, "[Error", 6) == 0 || (line[2] == ':' && line[5] == ':' && line[8] == '.'));
		}
	for (size_t cap = 1; cap < 80; cap++)
		for (uint32_t caplen = 0; caplen < 2; caplen++) {
			show_into(DLT_EN10MB, bytes, caplen, 0, cap);
			show_into(DLT_EN10MB, bytes, caplen, 300000, cap);
		}
}

/* The largest packet there is: a dump, a stack of labels, and tunnels in tunnels. */
static void largest_packet(void)
{
	enum { LARGEST = 262144 };
	static const uint8_t labels[] = { 0xff, 0xff, 0xfe, 0xff }, ip[] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 4, 0, 0, 255,
		255, 255, 255, 255, 255, 255, 255 };
	uint8_t *bytes = calloc(1, LARGEST);

	if (!bytes)
		abort();
	for (unsigned kind = 0; kind < 4; kind++) {
		memset(bytes, 0xff, 14);
		memcpy(bytes + 12, (const uint8_t *[]){ (const uint8_t[]){ 0x12, 0x34 }, (const uint8_t[]){ 0x88, 0x47 },
							(const uint8_t[]){ 8, 0 }, (const uint8_t[]){ 0x81, 0 } }[kind], 2);
		for (size_t i = 14; i < LARGEST; i++)
			bytes[i] = kind == 0 ? (uint8_t)i : kind == 1 ? labels[(i - 14) % 4] : kind == 2 ? ip[(i - 14) % 20] :
				(uint8_t[]){ 0, 1, 0x81, 0 }[(i - 14) % 4];
		for (size_t at = 14; kind == 2 && at + 20 <= 65000; at += 20) {
			bytes[at + 2] = (uint8_t)((65000 - at) >> 8);
			bytes[at + 3] = (uint8_t)(65000 - at);
		}
		show(DLT_EN10MB, bytes, LARGEST, LARGEST);
		handle(DLT_EN10MB, bytes, LARGEST, LARGEST);
	}
	free(bytes);
}

int main(void)
{
	printf("# seed %d\n", SEED);
	bench_open();
	RUN(every_protocol_cut_at_every_length);
	RUN(bytes_changed_at_random);
	RUN(nothing_but_noise);
	RUN(room_for_part_of_the_line);
	RUN(any_second_and_length);
	RUN(largest_packet);
	bench_close();
	printf("# %lu packets, the longest line %zu bytes\n", packets, longest_line);
	return check_result();
}
