/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: tcpdump's letters where they mean the same, the slots by their names. */
#include "say.h"
#include "tap.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"usage: croomtap -i INTERFACE | -r FILE  [options] [filter expression]\n"
	"       croomtap demo\n"
	"\n"
	"Captures packets like tcpdump, and lets you change filter, strategy, output format, audit, metrics and\n"
	"diagnostics while it runs, without losing one: `croomctl list`, `croomctl swap printer=json`.\n"
	"\n"
	"  -i INTERFACE        capture here; -D lists the interfaces, and its numbers do, too\n"
	"  -r FILE             read a pcap or pcapng file; - is standard input\n"
	"  -w FILE             write there, as pcap unless --printer says otherwise; - is standard output\n"
	"  -c COUNT            end after COUNT packets that the filter kept\n"
	"  -s BYTES            with -i: keep this much of each packet (default 262144)\n"
	"  -B KIB              size of the kernel's capture buffer (default 16384)\n"
	"  -p                  not promiscuous\n"
	"  --immediate-mode    hand over each packet at once instead of in batches of up to 10 ms\n"
	"  --pace RATE         with -r: packets a second, 'recorded' (as they were captured) or 'max' (default)\n"
	"  --ring MIB          size of the ring between capture and lane (default 32; 1 with -r)\n"
	"\n"
	"What sits in the slots at the start (`croomctl list` shows all classes and their configs):\n"
	"  --filter F          all, none, bpf:EXPRESSION (the expression at the end of the line is the same)\n"
	"  --strategy S        each, sample:N, flows[:INTERVAL], top[:N]\n"
	"  --printer P         text (default), json, csv, pcap (default with -w), pcapng, none\n"
	"  --audit A           off, file:PATH\n"
	"  --metrics M         off, statsd:HOST:PORT, file:PATH\n"
	"  --diag D            off, latency[:INTERVAL], drops, malformed\n"
	"\n"
	"  --split, --no-split a printer swap starts FILE.1, FILE.2, ... (default: one from or to pcap or pcapng does)\n"
	"  --nano              text and csv with nanoseconds, file formats too\n"
	"  --room NAME         the name for croomctl (default croomtap)\n"
	"  --state DIR         keep a journal in DIR, and begin with what was confirmed there last (default: $STATE_DIRECTORY,\n"
	"                      which systemd sets; without it there is no journal)\n"
	"  --no-restore        begin with what this command line says; --restore is the default. Handlers that it names win anyway\n"
	"  --policy FILE       who else may control this, which plugins may be loaded, how often things may change; see\n"
	"                      croom-policy(5). Default: none; then only root and you may, and no plugin is loaded\n"
	"  --no-control        no control socket\n"
	"  --blackbox FILE     for `croomctl blackbox FILE` after a crash (default NAME.blackbox beside the control socket, if\n"
	"                      that is in memory; none: none)\n"
	"  --no-status         no status line (there is none anyway unless stderr is a terminal)\n"
	"  --spin              the lane never sleeps: less delay for one whole processor\n"
	"  --lane-seccomp      with --spin: let the kernel end croomtap should the lane make a system call\n"
	"  -h, --help, --version\n"
	"\n"
	"Also taken and without effect, so that a tcpdump line can be typed: -n -q -l -U.\n"
	"At the end (Ctrl-C drains what was captured) it prints where every packet went; the exit code is 0 when that\n"
	"adds up, 1 when it does not or something failed, 2 for a wrong command line. SIGUSR1 asks for the figures so far.\n"
	"\n"
	"  croomtap -i eth0 -w out.pcap tcp port 443     then: croomctl swap filter=bpf:'udp' printer=pcapng\n"
	"  croomtap -r big.pcap --strategy top:5\n";

enum { OPT_FILTER = 256, OPT_STRATEGY, OPT_PRINTER, OPT_AUDIT, OPT_METRICS, OPT_DIAG, OPT_PACE, OPT_IMMEDIATE, OPT_SPLIT,
       OPT_NO_SPLIT, OPT_NANO, OPT_ROOM, OPT_NO_CONTROL, OPT_NO_STATUS, OPT_SPIN, OPT_SECCOMP, OPT_RING, OPT_BLACKBOX, OPT_STATE,
       OPT_RESTORE, OPT_NO_RESTORE, OPT_POLICY, OPT_HELP, OPT_VERSION };

static const struct option longs[] = {
	{ "filter", required_argument, NULL, OPT_FILTER }, { "strategy", required_argument, NULL, OPT_STRATEGY },
	{ "printer", required_argument, NULL, OPT_PRINTER }, { "audit", required_argument, NULL, OPT_AUDIT },
	{ "metrics", required_argument, NULL, OPT_METRICS }, { "diag", required_argument, NULL, OPT_DIAG },
	{ "pace", required_argument, NULL, OPT_PACE }, { "immediate-mode", no_argument, NULL, OPT_IMMEDIATE },
	{ "split", no_argument, NULL, OPT_SPLIT }, { "no-split", no_argument, NULL, OPT_NO_SPLIT },
	{ "nano", no_argument, NULL, OPT_NANO }, { "room", required_argument, NULL, OPT_ROOM },
	{ "no-control", no_argument, NULL, OPT_NO_CONTROL }, { "no-status", no_argument, NULL, OPT_NO_STATUS },
	{ "spin", no_argument, NULL, OPT_SPIN }, { "lane-seccomp", no_argument, NULL, OPT_SECCOMP },
	{ "state", required_argument, NULL, OPT_STATE }, { "restore", no_argument, NULL, OPT_RESTORE },
	{ "no-restore", no_argument, NULL, OPT_NO_RESTORE }, { "policy", required_argument, NULL, OPT_POLICY },
	{ "ring", required_argument, NULL, OPT_RING }, { "blackbox", required_argument, NULL, OPT_BLACKBOX },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION }, { NULL, 0, NULL, 0 },
};

/* What is wrong with the command line; 2. */
#define WRONG(...) (tap_say(__VA_ARGS__), 2)

static int complain(const char *what, const char *value, const char *want)
{
	return WRONG("%s takes %s, not '%s'; see croomtap --help", what, want, value);
}

static bool number(const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == 0 && errno == 0 && *value >= low && *value <= high;
}

static int read_pace(struct tap_options *options, const char *text)
{
	uint64_t value;

	if (strcmp(text, "max") == 0)
		options->pace = 0;
	else if (strcmp(text, "recorded") == 0)
		options->pace = -1;
	else if (number(text, 1, 1000000000, &value))
		options->pace = (double)value;
	else
		return complain("--pace", text, "packets a second, 'recorded' or 'max'");
	return -1;
}

static int read_number(struct tap_options *options, int option, const char *text)
{
	uint64_t value;

	switch (option) {
	case 'c':
		if (!number(text, 1, UINT64_MAX - 1, &options->count))
			return complain("-c", text, "a count from 1");
		break;
	case 's':
		if (!number(text, 0, 262144, &value))
			return complain("-s", text, "0 to 262144 bytes");
		options->snaplen = value ? (int)value : TAP_SNAPLEN;
		break;
	case 'B':
		if (!number(text, 1, 2097151, &value))
			return complain("-B", text, "1 to 2097151 KiB");
		options->buffer_kib = (int)value;
		break;
	default:
		if (!number(text, 1, 4096, &value))
			return complain("--ring", text, "1 to 4096 MiB");
		options->ring_bytes = (size_t)value << 20;
		break;
	}
	return -1;
}

/* A hand that knows tcpdump may have typed it. */
static const char *hint(int option)
{
	static const struct {
		const char *options, *instead;
	} hints[] = {
		{ "vxXA", "to look into packets: croomtap ... -w - | tshark -V -r -" },
		{ "e", "addresses of the link are in --printer json" },
		{ "t", "whole dates are in --printer json and csv, nanoseconds with --nano" },
		{ "CGW", "`croomctl swap printer=pcap` starts the next file, at any time; a timer can do it" },
		{ "F", "give the expression itself: croomtap ... \"$(cat FILE)\"" },
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strchr(hints[i].options, option))
			return hints[i].instead;
	return "it takes tcpdump's -i -r -w -s -c -B -p -D and ignores its -n -q -l -U; see croomtap --help";
}

/* The long option that was probably meant, or NULL; *count: how many begin like this. */
static const char *near(const char *word, size_t length, unsigned *count)
{
	const char *nearest = NULL;
	unsigned best = length < 4 ? 2 : 3;

	*count = 0;
	for (const struct option *one = longs; one->name; one++) {
		unsigned far = croom_near_distance(word, length, one->name);

		*count += length && strncmp(one->name, word, length) == 0;
		if (far < best) {
			best = far;
			nearest = one->name;
		}
	}
	return nearest;
}

/* getopt has returned `?`, or `:` where a value is missing; word: the last one that it read. */
static int bad_option(int what, const char *word)
{
	size_t length = strcspn(word, "=");
	const char *meant;
	unsigned count;

	/* All long ones have a number from 256 on; 0: it is none. */
	if (optopt && optopt < 256)
		return what == ':' ? WRONG("-%c needs a value; see croomtap --help", optopt) :
				     WRONG("no option -%c; %s", optopt, hint(optopt));
	if (what == ':')
		return WRONG("%s needs a value; see croomtap --help", word);
	if (optopt)
		return WRONG("%.*s takes no value; leave out '%s'", (int)length, word, word + length);
	meant = near(word + 2, length - 2, &count);
	if (count > 1)
		return WRONG("%.*s may be several options; write it out (see croomtap --help)", (int)length, word);
	return meant ? WRONG("no option %.*s; did you mean --%s?", (int)length, word, meant) :
		       WRONG("no option %.*s; see croomtap --help", (int)length, word);
}

static const char *long_name(int option)
{
	for (const struct option *one = longs; one->name; one++)
		if (one->val == option)
			return one->name;
	return "";
}

/* With a value, only once and not empty: of two the first would be forgotten, and nobody told. -1 to go on. */
static int check_value(int option, bool *given)
{
	char name[40];

	if (!optarg)
		return -1;
	if (option < 256)
		snprintf(name, sizeof(name), "-%c", option);
	else
		snprintf(name, sizeof(name), "--%s", long_name(option));
	if (given[option])
		return WRONG("%s is given twice; give it once", name);
	given[option] = true;
	return *optarg ? -1 : WRONG("%s needs a value, and '' is none; see croomtap --help", name);
}

/* Either of two that exclude each other. */
static int take_either(int *is, int value, const char *one, const char *other)
{
	if (*is >= 0 && *is != value)
		return WRONG("%s and %s together; give one of them", one, other);
	*is = value;
	return -1;
}

static int read_one(struct tap_options *options, int option)
{
	switch (option) {
	case 'i': options->interface = optarg; break;
	case 'r': options->read_file = optarg; break;
	case 'w': options->write_file = optarg; break;
	case 'p': options->no_promiscuous = true; break;
	case 'n': case 'q': case 'l': case 'U': break;
	case 'c': case 's': case 'B': case OPT_RING: return read_number(options, option, optarg);
	case 'D': return tap_list_interfaces();
	case OPT_PACE: return read_pace(options, optarg);
	case OPT_IMMEDIATE: options->immediate = true; break;
	case OPT_SPLIT: return take_either(&options->split, 1, "--split", "--no-split");
	case OPT_NO_SPLIT: return take_either(&options->split, 0, "--split", "--no-split");
	case OPT_NANO: options->nano = true; break;
	case OPT_ROOM: options->room = optarg; break;
	case OPT_STATE: options->state = optarg; break;
	case OPT_RESTORE: return take_either(&options->restore, 1, "--restore", "--no-restore");
	case OPT_NO_RESTORE: return take_either(&options->restore, 0, "--restore", "--no-restore");
	case OPT_POLICY: options->policy = optarg; break;
	case OPT_NO_CONTROL: options->no_control = true; break;
	case OPT_NO_STATUS: options->no_status = true; break;
	case OPT_BLACKBOX: options->blackbox = optarg; break;
	case OPT_SPIN: options->spin = true; break;
	case OPT_SECCOMP: options->lane_seccomp = true; break;
	case OPT_FILTER: case OPT_STRATEGY: case OPT_PRINTER: case OPT_AUDIT: case OPT_METRICS: case OPT_DIAG:
		options->handler[option - OPT_FILTER] = optarg;
		break;
	case 'h': case OPT_HELP: fputs(help, stdout); return 0;
	case OPT_VERSION: printf("croomtap " CROOM_VERSION ", %s\n", pcap_lib_version()); return 0;
	default: break;
	}
	return -1;
}

/* The words after the options, as one expression; without any, --filter stands. */
static int read_expression(struct tap_options *options, int argc, char **argv)
{
	size_t size = sizeof("bpf:");

	for (int i = optind; i < argc; i++)
		size += strlen(argv[i]) + 1;
	if (optind == argc)
		return -1;
	if (options->handler[filter_slot])
		return WRONG("--filter and a filter expression ('%s') together; give one of them", argv[optind]);
	options->expression = malloc(size);
	if (!options->expression) {
		tap_say("no memory for the filter expression");
		return 1;
	}
	strcpy(options->expression, "bpf:");
	for (int i = optind; i < argc; i++) {
		strcat(options->expression, argv[i]);
		if (i + 1 < argc)
			strcat(options->expression, " ");
	}
	options->handler[filter_slot] = options->expression;
	return -1;
}

static int check(struct tap_options *options)
{
	if (options->interface && options->read_file)
		return WRONG("-i and -r together; give one of them");
	if (!options->interface && !options->read_file)
		return WRONG("say what to capture: -i INTERFACE (croomtap -D lists them) or -r FILE; see croomtap --help");
	if (options->pace != 0 && !options->read_file)
		return WRONG("--pace is for -r, and an interface has its own; leave it out");
	if (options->read_file && options->snaplen != TAP_SNAPLEN)
		tap_say("-s is for -i and has no effect: a file's packets stay as they are");
	if (options->lane_seccomp && !options->spin)
		return WRONG("--lane-seccomp needs --spin: sleeping is a system call");
	if (options->restore == 1 && !options->state)
		return WRONG("--restore needs --state DIR, or there is nothing to begin with");
	options->default_printer = options->write_file ? "pcap" : "text";
	if (!options->write_file)
		options->write_file = "-";
	if (!options->ring_bytes)
		options->ring_bytes = options->read_file ? 1u << 20 : 32u << 20;
	return -1;
}

/* systemd makes it for a unit with StateDirectory=; where there are several, the first. */
static void default_state(struct tap_options *options)
{
	const char *given = getenv("STATE_DIRECTORY");

	if (!options->state && given && *given)
		options->state = strndup(given, strcspn(given, ":"));
	if (options->state && !*options->state)
		options->state = NULL;
}

int tap_options_read(struct tap_options *options, int argc, char **argv)
{
	bool given[OPT_VERSION + 1] = { false };
	int option, rc = -1;

	*options = (struct tap_options){ .room = "croomtap", .snaplen = TAP_SNAPLEN, .buffer_kib = 16384, .split = -1, .restore = -1 };
	opterr = 0;
	while (rc < 0 && (option = getopt_long(argc, argv, ":i:r:w:s:c:B:pnqlUDh", longs, NULL)) != -1) {
		if (option == '?' || option == ':')
			return bad_option(option, argv[optind - 1]);
		rc = check_value(option, given);
		rc = rc < 0 ? read_one(options, option) : rc;
	}
	default_state(options);
	rc = rc < 0 ? read_expression(options, argc, argv) : rc;
	return rc < 0 ? check(options) : rc;
}
