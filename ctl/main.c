/* SPDX-License-Identifier: BSD-2-Clause */
/* croomctl: options, verbs, help. */
#include "ctl.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"usage: croomctl [options] VERB [options] [arguments]\n"
	"\n"
	"Changes what a running program does, without stopping it. A program has slots; in each sits a handler, which is\n"
	"a class and perhaps a config: printer=json, filter=bpf:'tcp port 80', strategy=sample:10.\n"
	"\n"
	"  ls                            the rooms (programs) that are running\n"
	"  list                          slots, what sits in them, what else could, lanes, figures\n"
	"  swap SLOT=CLASS[:CONFIG]...   put handlers in; several are one change: all at the same record, or none\n"
	"  watch                         rates and changes, live\n"
	"  history                       who changed what, when\n"
	"  rollback                      back to the state before the last change, or to one of the history\n"
	"\n"
	"  -r, --room NAME     which room; not needed when only one is running\n"
	"      --socket PATH   which room, by its socket\n"
	"      --json          print JSON, errors too\n"
	"      --expect REV    swap, rollback: refuse unless REV is the current revision\n"
	"      --timeout TIME  swap, rollback: how long to wait until every lane runs it (5s, 500ms; at most 60s)\n"
	"      --no-wait       swap, rollback: do not wait\n"
	"      --to REV        rollback: the revision to go back to\n"
	"      --count N       history: only the last N changes\n"
	"      --interval TIME watch: time between two looks (default 1s)\n"
	"  -h, --help, --version\n"
	"\n"
	"exit codes: 0 done, 2 wrong usage, 3 refused (nothing has changed), 4 in force but not observed in time,\n"
	"5 not permitted, 6 no such room\n"
	"\n"
	"  croomctl swap printer=json strategy=sample:10 && croomctl rollback\n";

static const struct {
	const char *name;
	int (*run)(struct ctl *ctl);
	bool arguments;
} verbs[] = { { "ls", verb_ls, false }, { "list", verb_list, false }, { "swap", verb_swap, true }, { "watch", verb_watch, false },
	      { "history", verb_history, false }, { "rollback", verb_rollback, false } };
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

enum { OPT_SOCKET = 256, OPT_JSON, OPT_EXPECT, OPT_TIMEOUT, OPT_NO_WAIT, OPT_TO, OPT_COUNT, OPT_INTERVAL, OPT_VERSION };

static const struct option longs[] = {
	{ "room", required_argument, NULL, 'r' }, { "socket", required_argument, NULL, OPT_SOCKET },
	{ "json", no_argument, NULL, OPT_JSON }, { "expect", required_argument, NULL, OPT_EXPECT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT }, { "no-wait", no_argument, NULL, OPT_NO_WAIT },
	{ "to", required_argument, NULL, OPT_TO }, { "count", required_argument, NULL, OPT_COUNT },
	{ "interval", required_argument, NULL, OPT_INTERVAL }, { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION }, { NULL, 0, NULL, 0 },
};

static int usage(const struct ctl *ctl, const char *what, const char *value, const char *want)
{
	return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s takes %s, not '%s'; see croomctl --help", what, want, value);
}

static bool whole(const char *text, int64_t low, int64_t high, int64_t *value, char **end)
{
	errno = 0;
	*value = strtoll(text, end, 10);
	return *text >= '0' && *text <= '9' && errno == 0 && *value >= low && *value <= high;
}

static bool milliseconds(const char *text, int64_t low, int64_t *ms)
{
	char *end;

	if (!whole(text, 0, 60000, ms, &end))
		return false;
	if (strcmp(end, "ms"))
		*ms *= 1000;
	return (strcmp(end, "ms") == 0 || strcmp(end, "s") == 0 || *end == 0) && *ms >= low && *ms <= 60000;
}

/* -1 to go on, otherwise the exit code. */
static int read_option(struct ctl *ctl, int option)
{
	char *end = "";

	switch (option) {
	case 'r': ctl->room = optarg; break;
	case OPT_SOCKET: ctl->socket = optarg; break;
	case OPT_JSON: ctl->json = true; break;
	case OPT_NO_WAIT: ctl->wait_ms = 0; break;
	case OPT_EXPECT:
		if (!whole(optarg, 1, INT64_MAX, &ctl->expect, &end) || *end)
			return usage(ctl, "--expect", optarg, "a revision");
		break;
	case OPT_TO:
		if (!whole(optarg, 1, INT64_MAX, &ctl->to, &end) || *end)
			return usage(ctl, "--to", optarg, "a revision");
		break;
	case OPT_COUNT:
		if (!whole(optarg, 1, 1000, &ctl->count, &end) || *end)
			return usage(ctl, "--count", optarg, "1 to 1000");
		break;
	case OPT_TIMEOUT:
		if (!milliseconds(optarg, 1, &ctl->wait_ms))
			return usage(ctl, "--timeout", optarg, "a time up to 60s, such as 5s or 500ms");
		break;
	case OPT_INTERVAL:
		if (!milliseconds(optarg, 50, &ctl->interval_ms))
			return usage(ctl, "--interval", optarg, "a time from 50ms to 60s");
		break;
	case 'h': fputs(help, stdout); return DONE;
	case OPT_VERSION: puts("croomctl " CROOM_VERSION); return DONE;
	default: fprintf(stderr, "see croomctl --help\n"); return USAGE;
	}
	return -1;
}

/* The verb that has most of its letters in the same order. */
static const char *nearest(const char *word)
{
	size_t best = 0;
	const char *name = NULL;

	for (size_t i = 0; i < VERBS; i++) {
		size_t same = 0;

		for (const char *at = word, *to = verbs[i].name; *at && *to; to++)
			if (*at == *to)
				same++, at++;
		if (same > best && same * 2 >= strlen(verbs[i].name)) {
			best = same;
			name = verbs[i].name;
		}
	}
	return name;
}

static int run_verb(struct ctl *ctl)
{
	const char *near;

	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].name, ctl->verb))
			continue;
		if (ctl->argc && !verbs[i].arguments)
			return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s takes no argument '%s'; see croomctl --help", ctl->verb,
					ctl->argv[0]);
		return verbs[i].run(ctl);
	}
	near = nearest(ctl->verb);
	return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", near ? "no verb '%s'; did you mean %s?" : "no verb '%s'; see croomctl --help",
			ctl->verb, near);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .expect = -1, .to = -1, .wait_ms = -1, .count = -1, .interval_ms = 1000 };
	int option, rc = -1;

	for (int i = 0; i < argc; i++) {
		size_t used = strlen(ctl.command);

		snprintf(ctl.command + used, sizeof(ctl.command) - used, "%s%s", i ? " " : "", i ? argv[i] : "croomctl");
	}
	/* --json counts wherever it stands, so that also an earlier error is JSON. */
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		ctl.json |= strcmp(argv[i], "--json") == 0;
	while (rc < 0 && (option = getopt_long(argc, argv, "r:h", longs, NULL)) != -1)
		rc = read_option(&ctl, option);
	if (rc >= 0)
		return rc;
	if (optind == argc)
		return ctl_fail(&ctl, USAGE, "org.croom.ctl.Usage", "say what to do: ls, list, swap, watch, history or rollback; see croomctl --help");
	ctl.verb = argv[optind];
	ctl.argv = argv + optind + 1;
	ctl.argc = argc - optind - 1;
	rc = run_verb(&ctl);
	if (fflush(stdout) || ferror(stdout)) {
		if (errno != EPIPE)
			fprintf(stderr, "croomctl: cannot write: %s\n", strerror(errno));
		return rc ? rc : FAILED;
	}
	return rc;
}
