/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a capture: an interface or a file. */
#include "say.h"
#include "tap.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BUFFER = 256 * 1024, HEADER = 24 };

static const int linktypes[] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_IPV4, DLT_IPV6, DLT_NULL,
				 DLT_LOOP };

bool tap_linktype_known(int linktype)
{
	for (size_t i = 0; i < sizeof(linktypes) / sizeof(linktypes[0]); i++)
		if (linktypes[i] == linktype)
			return true;
	return false;
}

int tap_list_interfaces(void)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_if_t *all;
	int number = 1;

	if (pcap_findalldevs(&all, text)) {
		tap_say("cannot list the interfaces: %s", text);
		return 1;
	}
	for (pcap_if_t *one = all; one; one = one->next)
		printf("%d.%s%s%s%s\n", number++, one->name, one->description ? " (" : "",
		       one->description ? one->description : "", one->description ? ")" : "");
	pcap_freealldevs(all);
	return 0;
}

static int check_linktype(struct tap *tap, const char *name)
{
	int linktype = pcap_datalink(tap->pcap);
	const char *type = pcap_datalink_val_to_name(linktype);

	if (tap_linktype_known(linktype))
		return 0;
	tap_say("%s has link type %s (%d), which croomtap does not read; it reads Ethernet, Linux cooked "
		"(SLL, SLL2), raw IP and loopback", name, type ? type : "unknown", linktype);
	return -1;
}

/*
 * libpcap reads through stdio: give that a large buffer (glibc takes no notice of the size without one), and no lock,
 * because one thread alone reads.
 */
static FILE *open_stream(const char *name)
{
	static char buffer[READ_BUFFER];
	FILE *stream = strcmp(name, "-") ? fopen(name, "rbe") : stdin;

	if (stream) {
		setvbuf(stream, buffer, _IOFBF, sizeof(buffer));
		__fsetlocking(stream, FSETLOCKING_BYCALLER);
	}
	return stream;
}

/*
 * What libpcap does not say of a pcap file. Nanoseconds it gives in any case; the magic number says whether they mean it.
 * And the bits above the link type (a frame check sequence and its length) tcpdump -w copies.
 */
static void read_header(struct tap_env *env, const unsigned char *byte, size_t got)
{
	uint32_t magic, word;

	if (got < HEADER)
		return;
	memcpy(&magic, byte, sizeof(magic));
	memcpy(&word, byte + HEADER - sizeof(word), sizeof(word));
	env->source_nano = magic == 0xa1b23c4d || magic == 0x4d3cb2a1;
	if (magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1)
		word = __builtin_bswap32(word);
	if (env->source_nano || magic == 0xa1b2c3d4 || magic == 0xd4c3b2a1)
		env->link_more = word & 0xfc000000;
}

/*
 * Look ahead, then put it back byte by byte: from a pipe there is no other way. glibc takes back any number; others at
 * least what came in one piece, as a header does. False when not all is back.
 */
static bool look_ahead(struct tap_env *env, FILE *stream)
{
	unsigned char byte[HEADER] = { 0 };
	size_t got = fread(byte, 1, sizeof(byte), stream);

	read_header(env, byte, got);
	while (got && ungetc(byte[got - 1], stream) != EOF)
		got--;
	return got == 0;
}

static int open_file(struct tap *tap)
{
	const char *name = tap->options.read_file, *shown = strcmp(name, "-") ? name : "standard input";
	char text[PCAP_ERRBUF_SIZE];
	FILE *stream = open_stream(name);

	if (!stream) {
		tap_say("cannot read %s: %s", shown, strerror(errno));
		return -1;
	}
	if (look_ahead(&tap->env, stream))
		tap->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, text);
	else
		strcpy(text, "its header comes in pieces");
	if (!tap->pcap) {
		tap_say("cannot read %s: %s", shown, text);
		fclose(stream);
		return -1;
	}
	tap->env.interface = name;
	tap->env.offline = true;
	return check_linktype(tap, name);
}

/* A number stands for a line of -D, as in tcpdump, unless an interface has that name. */
static void take_number(struct tap *tap)
{
	const char *name = tap->options.interface;
	char text[PCAP_ERRBUF_SIZE];
	pcap_if_t *all, *one;
	unsigned long number;

	if (!*name || name[strspn(name, "0123456789")] || if_nametoindex(name) || pcap_findalldevs(&all, text))
		return;
	number = strtoul(name, NULL, 10);
	for (one = number ? all : NULL; one && --number; one = one->next)
		;
	if (one)
		tap->options.interface = strdup(one->name);
	pcap_freealldevs(all);
}

static void explain_activation(const struct tap *tap, int rc, const char *said)
{
	const char *name = tap->options.interface;

	if (rc == PCAP_ERROR_NO_SUCH_DEVICE) {
		tap_say("there is no interface %s; `croomtap -D` lists those there are", name);
	} else if (rc == PCAP_ERROR_PERM_DENIED || rc == PCAP_ERROR_PROMISC_PERM_DENIED) {
		char self[4096] = "";

		/* The file itself: setcap follows no link. */
		if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
			strcpy(self, "croomtap");
		tap_say("no permission to capture on %s: run it as root, or once "
			"`setcap cap_net_raw,cap_net_admin+ep %s`; `croomtap demo` needs neither", name, self);
	} else if (rc == PCAP_ERROR_IFACE_NOT_UP) {
		tap_say("interface %s is down; `ip link set %s up` brings it up", name, name);
	} else {
		tap_say("cannot capture on %s: %s%s%s", name, pcap_statustostr(rc), *said ? ": " : "", said);
	}
}

/*
 * Count from here. Between activation and now packets may have come in that libpcap hides but the kernel counts
 * (on the loopback interface each packet is also seen going out), so: refuse everything, throw away what is
 * there, take the counters as the zero, let packets in. On `any` the second copies are hidden and counted all the
 * time, and so on `lo` where the kernel cannot leave them out: then nothing is `known`, and its sum is not checked.
 */
static int zero_point(struct tap *tap)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &refuse };
	int fd = pcap_fileno(tap->pcap), on = 1, none = 0;
	bool known = strcmp(tap->options.interface, "any") != 0;
	struct pcap_pkthdr *header;
	struct pcap_stat zero = { 0 };
	const u_char *data;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return 0;
	if (strcmp(tap->options.interface, "lo") == 0)
		known = setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) == 0;
	usleep(tap->options.immediate ? 1000 : 25000);
	while (pcap_next_ex(tap->pcap, &header, &data) == 1)
		;
	if (pcap_stats(tap->pcap, &zero))
		known = false;
	tap_kernel_zero(&tap->kernel, &zero);
	tap->kernel.known = known;
	return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
}

static int open_live(struct tap *tap)
{
	const struct tap_options *options = &tap->options;
	char text[PCAP_ERRBUF_SIZE] = "";
	bpf_u_int32 net;
	int rc;

	take_number(tap);
	if (!options->interface) {
		tap_say("no memory for the interface's name");
		return -1;
	}
	tap->pcap = pcap_create(options->interface, text);
	if (!tap->pcap) {
		tap_say("%s", text);
		return -1;
	}
	pcap_set_snaplen(tap->pcap, options->snaplen);
	pcap_set_promisc(tap->pcap, !options->no_promiscuous);
	pcap_set_timeout(tap->pcap, 10);
	pcap_set_buffer_size(tap->pcap, options->buffer_kib * 1024);
	pcap_set_immediate_mode(tap->pcap, options->immediate);
	pcap_set_tstamp_precision(tap->pcap, PCAP_TSTAMP_PRECISION_NANO);
	rc = pcap_activate(tap->pcap);
	if (rc < 0) {
		explain_activation(tap, rc, pcap_geterr(tap->pcap));
		return -1;
	}
	if (rc > 0 && rc != PCAP_WARNING_PROMISC_NOTSUP)
		tap_say("%s: %s", options->interface, pcap_geterr(tap->pcap));
	/* As tcpdump does, for the interface of each packet is in it; where it cannot be had, v1 is as good as before. */
	if (strcmp(options->interface, "any") == 0)
		pcap_set_datalink(tap->pcap, DLT_LINUX_SLL2);
	if (pcap_setnonblock(tap->pcap, 1, text)) {
		tap_say("%s: %s", options->interface, text);
		return -1;
	}
	tap->live = true;
	if (pcap_lookupnet(options->interface, &net, &tap->env.netmask, text))
		tap->env.netmask = 0;
	tap->env.interface = options->interface;
	if (zero_point(tap)) {
		tap_say("%s: cannot let packets in: %s", options->interface, strerror(errno));
		return -1;
	}
	return check_linktype(tap, options->interface);
}

int tap_source_open(struct tap *tap)
{
	if (tap->options.read_file ? open_file(tap) : open_live(tap))
		return -1;
	tap->env.linktype = pcap_datalink(tap->pcap);
	tap->env.snaplen = (uint32_t)pcap_snapshot(tap->pcap);
	tap->env.source_nano |= tap->options.nano;
	tap->env.nano = tap->options.nano;
	tap->env.input = tap->options.read_file;
	tap->env.output = tap->options.write_file;
	return 0;
}
