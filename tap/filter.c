/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters: all (the empty handler), none, bpf:EXPR. The expression is compiled by libpcap and run here, in user
 * space: a filter set on an open capture handle loses packets, because libpcap first refuses and drains everything.
 */
#include "record.h"
#include <croom/room.h>
#include <errno.h>
#include <stdbool.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The time libpcap takes grows with the third power: 4 KB of ports or hosts take it seconds, 16 KB take minutes, and while
 * a handler is opened nobody can ask the room anything.
 */
enum { EXPRESSION_MAX = 4096, SHOWN_MAX = 160, WHERE_MAX = 300, SCANNER_BYTES = 64 * 1024 };

struct bpf {
	struct bpf_program program;
};

static int keep_none(void *ctx, tap_event *event)
{
	(void)ctx;
	(void)event;
	return 1;
}
CROOM_RUN(none, keep_none, void, tap_event);

static int bpf_match(struct bpf *bpf, tap_event *event)
{
	return bpf_filter(bpf->program.bf_insns, event->packet.data, event->packet.len, event->packet.caplen) == 0;
}
CROOM_RUN(bpf, bpf_match, struct bpf, tap_event);

/*
 * Does it load what is not in the packet? inbound, outbound and ifindex are answered by the kernel for most link types,
 * at offsets below 0 (SKF_AD_OFF); in user space these loads reject every packet.
 */
static bool asks_kernel(const struct bpf_program *program)
{
	for (unsigned i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];

		if (BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_ABS && (int32_t)insn->k < 0)
			return true;
	}
	return false;
}

/*
 * libpcap's scanner knows no way back when there is no memory: it ends the process. It needs less than this, and gets it
 * from what is given back here: this thread is the only one that allocates much. Hidden from the compiler, which would
 * take it for granted.
 */
static bool enough_memory(const char *config)
{
	void *volatile scanner = malloc(SCANNER_BYTES), *volatile text = malloc(strlen(config) + 16);
	bool enough = scanner && text;

	free(scanner);
	free(text);
	return enough;
}

/*
 * Does it jump back? protochain does, to follow a chain of headers, and a packet can be made whose chain has no end: the
 * lane would never leave it. (The kernel refuses such a program for the same reason.)
 */
static bool loops(const struct bpf_program *program)
{
	for (unsigned i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];

		if (BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) == BPF_JA && (int32_t)insn->k < 0)
			return true;
	}
	return false;
}

/* What compiles and yet may not run on the lane. 0 or -EINVAL. */
static int check(const struct bpf_program *program, const char *config, struct croom_error *err)
{
	const char *dots = strlen(config) > SHOWN_MAX ? "..." : "";

	if (asks_kernel(program))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "'%.*s%s' asks for what only the kernel knows (inbound, outbound, ifindex), and filters run outside "
				       "of it; an address does instead, such as ether dst MAC", SHOWN_MAX, config, dots);
	if (loops(program))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "'%.*s%s' follows a chain of headers (protochain), and a packet can be made for which that never "
				       "ends; proto instead looks at the first", SHOWN_MAX, config, dots);
	return 0;
}

/*
 * libpcap does not say where a syntax error is. The longest beginning that is an expression ends before it: its length, 0 where
 * even the first word is none. Short expressions only, for each beginning is compiled.
 */
static size_t good_length(pcap_t *compiler, const struct tap_env *env, const char *config)
{
	char part[WHERE_MAX];
	size_t length = strlen(config);

	if (length >= sizeof(part))
		return 0;
	memcpy(part, config, length + 1);
	while (length) {
		struct bpf_program program;

		/* Without the last word and what is before it. */
		while (length && part[length - 1] != ' ')
			length--;
		while (length && part[length - 1] == ' ')
			length--;
		part[length] = 0;
		if (length && pcap_compile(compiler, &program, part, 0, env->netmask) == 0) {
			pcap_freecode(&program);
			break;
		}
	}
	return length;
}

/* What libpcap did not take, with where it stopped. -EINVAL. */
static int refuse(pcap_t *compiler, const struct tap_env *env, const char *config, struct croom_error *err)
{
	char said[PCAP_ERRBUF_SIZE];
	const char *dots = strlen(config) > SHOWN_MAX ? "..." : "";
	size_t good = 0;

	snprintf(said, sizeof(said), "%s", pcap_geterr(compiler));
	if (strstr(said, "syntax error"))
		good = good_length(compiler, env, config);
	croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, good ? "in '%.*s%s', behind '%.*s': %s; see pcap-filter(7)" :
			"in '%.*s%s'%.*s: %s; see pcap-filter(7)",
			SHOWN_MAX, config, dots, good < SHOWN_MAX ? (int)good : 0, config, said);
	if (err && good)
		err->offset = (int)(good + strspn(config + good, " "));
	return -EINVAL;
}

static int compile(struct bpf *bpf, pcap_t *compiler, const struct tap_env *env, const char *config, struct croom_error *err)
{
	if (config[strspn(config, " \t")] == 0)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "an expression is missing, such as bpf:tcp port 80 (see pcap-filter(7))");
	if (strlen(config) > EXPRESSION_MAX)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "the expression is longer than %d bytes, and compiling it could take minutes; net and portrange "
				       "say more in less", EXPRESSION_MAX);
	errno = 0;
	if (pcap_compile(compiler, &bpf->program, config, 1, env->netmask))
		/* libpcap says "malloc" or "not enough core", as if the expression were wrong. */
		return errno == ENOMEM ? croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory") :
					 refuse(compiler, env, config, err);
	return check(&bpf->program, config, err);
}

static int bpf_open(void **ctx, const char *config, void *arg, struct croom_error *err)
{
	const struct tap_env *env = arg;
	struct bpf *bpf = calloc(1, sizeof(*bpf));
	pcap_t *compiler = pcap_open_dead(env->linktype, (int)env->snaplen);
	int rc = bpf && compiler && enough_memory(config) ? compile(bpf, compiler, env, config, err) :
				   croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");

	if (compiler)
		pcap_close(compiler);
	if (rc && bpf)
		pcap_freecode(&bpf->program);
	if (rc)
		free(bpf);
	else
		*ctx = bpf;
	return rc;
}

static void bpf_close(void *ctx, void *env)
{
	struct bpf *bpf = ctx;

	(void)env;
	pcap_freecode(&bpf->program);
	free(bpf);
}

int tap_filters_add(struct croom_room *room, struct tap_env *env)
{
	const struct croom_class none = { .name = "none", .help = "keep no packet", CROOM_RUNS(none),
					  .traits = CROOM_PURE };
	const struct croom_class bpf = { .name = "bpf", .help = "keep what a capture filter matches", .syntax = "EXPRESSION",
					 CROOM_RUNS(bpf), .open = bpf_open, .close = bpf_close, .traits = CROOM_PURE };
	int rc = croom_room_class_add(room, "filter", &none, env);

	return rc ? rc : croom_room_class_add(room, "filter", &bpf, env);
}
