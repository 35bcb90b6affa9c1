/* SPDX-License-Identifier: BSD-2-Clause */
/* croomctl: options, verbs, help. */
#include "ctl.h"
#include <croom/error.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* C promises strings of 4,095 bytes only. */
static const char verbs_help[] =
	"usage: croomctl [options] VERB [options] [arguments]\n"
	"\n"
	"Changes what a running program does, without stopping it. A program has slots; in each sits a handler, which is\n"
	"a class and perhaps a config: printer=json, filter=bpf:'tcp port 80', strategy=sample:10.\n"
	"\n"
	"  ls                            the rooms (programs) that are running\n"
	"  list                          slots, what sits in them, what else could, lanes, figures\n"
	"  swap SLOT=CLASS[:CONFIG]...   put handlers in; several are one change: all at the same record, or none\n"
	"  watch                         rates and changes, live\n"
	"  history                       who changed what, when; with --since by the journal: refusals, confirmations, restarts, too\n"
	"  at TIME                       what was in force then: at 14:31:07, at '2026-11-25 14:31:07', at 5m (ago)\n"
	"  journal verify [FILE]         whether somebody has altered the journal; show [FILE]: its rows; head [FILE]: its last hash\n"
	"  rollback                      back to the state before the last change, or to one of the history\n"
	"  confirm                       keep what was swapped in with --confirm-within\n"
	"  promote SLOT                  end a guard or canary now: the new handler takes over\n"
	"  trial SLOT                    what the guard, canary, shadow or profile in the slot has found\n"
	"  profile SLOT                  time the slot's handler for a while, and show how long its calls take\n"
	"  freeze, thaw                  refuse every change from now on (--why); allow them again\n"
	"  pardon SLOT=HANDLER           let a quarantined handler be swapped in again\n"
	"  keygen                        a key pair to sign plugins with: croom.key and croom.pub, or NAME's with -o NAME\n"
	"  sign FILE...                  sign plugins with a secret key (-k NAME.key): FILE.sig beside each\n"
	"  verify FILE...                whether FILE.sig is of this public key (-k NAME.pub) and of this file\n"
	"  load FILE.so                  load a plugin: handlers of your own\n"
	"  unload NAME                   take it out again, when none of its handlers sits in a slot\n"
	"  plugins                       those that are loaded\n"
	"  doctor                        which lane hangs, in which handler, and its stack\n"
	"  blackbox FILE                 what a program's black box says, also after it has died\n"
	"\n";
static const char options_help[] =
	"  -r, --room NAME     which room; not needed when only one is running\n"
	"      --socket PATH   which room, by its socket\n"
	"      --json          print JSON, errors too\n"
	"      --expect REV    swap, rollback: refuse unless REV is the current revision\n"
	"      --timeout TIME  swap, rollback, unload: how long to wait for every lane (5s, 500ms; at most 60s)\n"
	"      --no-wait       swap, rollback, unload: do not wait\n"
	"      --guard RULES   swap: go back as soon as a rule is broken: p99<5us,max<1ms,errors<0.1%,errors<10,for=10s\n"
	"      --canary 1/N    swap: one record in N to the new handler, until promoted; may have --guard, too\n"
	"      --shadow        swap: both handlers for every record, the old one's answer counts; may have --guard, too\n"
	"      --confirm-within TIME  swap: go back unless `croomctl confirm` comes in time\n"
	"      --undo-late     swap: go back unless every lane runs it within --timeout\n"
	"      --dry-run       swap: say what would happen, and do not do it\n"
	"      --why TEXT      freeze: the reason that everybody is told\n"
	"      --for TIME      profile: how long (default 5s)\n"
	"      --sample N      profile: time one call in N (default 1)\n"
	"      --to REV        rollback: the revision to go back to\n"
	"      --count N       history, journal show: only the last N; blackbox: so many decisions (default 10)\n"
	"      --since TIME    history, journal show: what was not earlier: 1h, 2d, 14:31, '2026-11-25 14:31'\n"
	"      --journal FILE  at, history: ask this file, and no program\n"
	"      --head ROW:HASH journal verify: one that `croomctl journal head` printed before; it must still be there\n"
	"  -o, --output NAME   keygen: the files' name, without .key and .pub\n"
	"  -k, --key FILE      sign: the secret key; verify: the public one\n"
	"      --interval TIME watch: time between two looks (default 1s)\n"
	"  -h, --help, --version\n"
	"\n"
	"exit codes: 0 done, 1 no answer, or the output cannot be written, 2 wrong usage, 3 refused (nothing has changed),\n"
	"4 in force but not observed in time, 5 not permitted, 6 no such room, 7 the journal was altered or is damaged\n"
	"\n"
	"  croomctl swap printer=json strategy=sample:10 && croomctl rollback\n";

enum { OPT_SOCKET = 256, OPT_JSON, OPT_EXPECT, OPT_TIMEOUT, OPT_NO_WAIT, OPT_TO, OPT_COUNT, OPT_INTERVAL, OPT_GUARD,
       OPT_CANARY, OPT_SHADOW, OPT_CONFIRM, OPT_UNDO_LATE, OPT_DRY_RUN, OPT_WHY, OPT_FOR, OPT_SAMPLE, OPT_SINCE, OPT_JOURNAL,
       OPT_HEAD, OPT_OUTPUT, OPT_KEY, OPT_VERSION };
#define BIT(option) (1U << ((option) - 256))
enum { EVERY = BIT(OPT_SOCKET) | BIT(OPT_JSON), CHANGE = EVERY | BIT(OPT_EXPECT) | BIT(OPT_TIMEOUT) | BIT(OPT_NO_WAIT),
       SWAP = CHANGE | BIT(OPT_GUARD) | BIT(OPT_CANARY) | BIT(OPT_SHADOW) | BIT(OPT_CONFIRM) | BIT(OPT_UNDO_LATE) |
	      BIT(OPT_DRY_RUN) };

static const struct {
	const char *name;
	int (*run)(struct ctl *ctl);
	unsigned options;
	bool arguments;
} verbs[] = {
	{ "ls", verb_ls, EVERY, false },
	{ "list", verb_list, EVERY, false },
	{ "swap", verb_swap, SWAP, true },
	{ "watch", verb_watch, EVERY | BIT(OPT_INTERVAL), false },
	{ "history", verb_history, EVERY | BIT(OPT_COUNT) | BIT(OPT_SINCE) | BIT(OPT_JOURNAL), false },
	{ "at", verb_at, EVERY | BIT(OPT_JOURNAL), true },
	{ "journal", verb_journal, EVERY | BIT(OPT_COUNT) | BIT(OPT_SINCE) | BIT(OPT_HEAD), true },
	{ "rollback", verb_rollback, CHANGE | BIT(OPT_TO), false },
	{ "confirm", verb_confirm, EVERY | BIT(OPT_EXPECT), false },
	{ "promote", verb_promote, CHANGE, true },
	{ "trial", verb_trial, EVERY, true },
	{ "profile", verb_profile, EVERY | BIT(OPT_FOR) | BIT(OPT_SAMPLE), true },
	{ "freeze", verb_freeze, EVERY | BIT(OPT_WHY), false },
	{ "thaw", verb_thaw, EVERY, false },
	{ "pardon", verb_pardon, EVERY, true },
	{ "keygen", verb_keygen, BIT(OPT_JSON) | BIT(OPT_OUTPUT), false },
	{ "sign", verb_sign, BIT(OPT_JSON) | BIT(OPT_KEY), true },
	{ "verify", verb_verify, BIT(OPT_JSON) | BIT(OPT_KEY), true },
	{ "load", verb_load, EVERY, true },
	{ "unload", verb_unload, EVERY | BIT(OPT_TIMEOUT) | BIT(OPT_NO_WAIT), true },
	{ "plugins", verb_plugins, EVERY, false },
	{ "doctor", verb_doctor, EVERY, false },
	{ "blackbox", verb_blackbox, BIT(OPT_JSON) | BIT(OPT_COUNT), true },
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]), ROOM_MAX = 31 + 11 };

static const struct option longs[] = {
	{ "room", required_argument, NULL, 'r' }, { "socket", required_argument, NULL, OPT_SOCKET },
	{ "json", no_argument, NULL, OPT_JSON }, { "expect", required_argument, NULL, OPT_EXPECT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT }, { "no-wait", no_argument, NULL, OPT_NO_WAIT },
	{ "to", required_argument, NULL, OPT_TO }, { "count", required_argument, NULL, OPT_COUNT },
	{ "interval", required_argument, NULL, OPT_INTERVAL }, { "guard", required_argument, NULL, OPT_GUARD },
	{ "canary", required_argument, NULL, OPT_CANARY }, { "shadow", no_argument, NULL, OPT_SHADOW },
	{ "confirm-within", required_argument, NULL, OPT_CONFIRM }, { "undo-late", no_argument, NULL, OPT_UNDO_LATE },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN }, { "why", required_argument, NULL, OPT_WHY },
	{ "for", required_argument, NULL, OPT_FOR }, { "sample", required_argument, NULL, OPT_SAMPLE },
	{ "since", required_argument, NULL, OPT_SINCE }, { "journal", required_argument, NULL, OPT_JOURNAL },
	{ "head", required_argument, NULL, OPT_HEAD }, { "output", required_argument, NULL, OPT_OUTPUT },
	{ "key", required_argument, NULL, OPT_KEY }, { "help", no_argument, NULL, 'h' },
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

/* Up to a day: a number and ms, s, m or h. */
static bool long_time(const char *text, int64_t *ms)
{
	static const struct { const char *name; int64_t ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	char *end;

	if (!whole(text, 1, 86400000, ms, &end))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].name) == 0) {
			*ms *= units[i].ms;
			return *ms <= 86400000;
		}
	return false;
}

/* What a trial is made of. -1 to go on, otherwise the exit code. */
static int read_trial_option(struct ctl *ctl, int option)
{
	char *end = "";

	switch (option) {
	case OPT_GUARD: ctl->guard = optarg; break;
	case OPT_SHADOW: ctl->shadow = true; break;
	case OPT_UNDO_LATE: ctl->undo_late = true; break;
	case OPT_DRY_RUN: ctl->dry_run = true; break;
	case OPT_WHY: ctl->why = optarg; break;
	case OPT_SINCE: ctl->since = optarg; break;
	case OPT_JOURNAL: ctl->journal = optarg; break;
	case OPT_HEAD: ctl->head = optarg; break;
	case OPT_OUTPUT: ctl->output = optarg; break;
	case OPT_KEY: ctl->key = optarg; break;
	case OPT_CANARY:
		if (strncmp(optarg, "1/", 2) || !whole(optarg + 2, 2, 1000000, &ctl->canary, &end) || *end)
			return usage(ctl, "--canary", optarg, "1/N, such as 1/100, N from 2 to 1000000");
		break;
	case OPT_CONFIRM:
		if (!long_time(optarg, &ctl->confirm_ms))
			return usage(ctl, "--confirm-within", optarg, "a time up to a day, such as 30s or 5m");
		break;
	case OPT_FOR:
		if (!long_time(optarg, &ctl->for_ms))
			return usage(ctl, "--for", optarg, "a time up to a day, such as 5s or 2m");
		break;
	case OPT_SAMPLE:
		if (!whole(optarg, 1, 1000000, &ctl->sample, &end) || *end)
			return usage(ctl, "--sample", optarg, "1 to 1000000");
		break;
	default: break;
	}
	return -1;
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
	case 'h': fputs(verbs_help, stdout); fputs(options_help, stdout); return DONE;
	case OPT_VERSION: puts("croomctl " CROOM_VERSION); return DONE;
	default: return read_trial_option(ctl, option);
	}
	return -1;
}

static bool resembles(const char *word, const char *name, unsigned *best)
{
	unsigned apart = strncmp(word, name, strlen(word)) ? croom_near_distance(word, strlen(word), name) : 1;

	if (apart > (strlen(name) < 4 ? 1U : 2U) || apart > *best)
		return false;
	*best = apart;
	return true;
}

static int unknown_verb(const struct ctl *ctl)
{
	const char *near = NULL;
	unsigned best = 16;

	for (size_t i = 0; i < VERBS; i++)
		if (resembles(ctl->verb, verbs[i].name, &best))
			near = verbs[i].name;
	return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", near ? "no verb '%s'; did you mean %s?" : "no verb '%s'; see croomctl --help",
			ctl->verb, near);
}

/* getopt says ':' for a missing value, '?' for what it does not know. */
static int bad_option(const struct ctl *ctl, int what, const char *word)
{
	/* Of several letters the word is perhaps not the last that was read. -r and -h are known: it was --room or --help. */
	bool letter = optopt && optopt < 256 && (what == ':' ? word[1] != '-' : !strchr("rh", optopt));
	char letters[] = { '-', (char)optopt, 0 };
	const char *near = NULL, *given = letter ? "" : word + 2;
	unsigned best = 16;

	word = letter ? letters : word;
	if (what == '?' && *given && optopt)
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%.*s takes no value; leave out '%s'", (int)strcspn(word, "="), word,
				word + strcspn(word, "="));
	if (what == ':')
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s needs a value; see croomctl --help", word);
	for (size_t i = 0; longs[i].name && *given; i++)
		if (resembles(given, longs[i].name, &best))
			near = longs[i].name;
	return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage",
			near ? "no option '%s'; did you mean --%s?" : "no option '%s'; see croomctl --help", word, near);
}

/* With a value, only once and not empty: of two the first would be forgotten, and nobody told. -1 to go on. */
static int check_value(const struct ctl *ctl, int option, bool *given)
{
	const struct option *one = longs;

	if (!optarg)
		return -1;
	while (one->val != option)
		one++;
	if (given[option])
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "--%s is given twice; give it once", one->name);
	given[option] = true;
	return *optarg ? -1 : ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "--%s needs a value, and '' is none; see croomctl --help",
				       one->name);
}

/* What excludes each other. -1 to go on. */
static int check_together(const struct ctl *ctl, unsigned given)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t length = ctl->room ? strlen(ctl->room) : 0;

	if (ctl->room && ctl->socket)
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "--room and --socket together; give one of them");
	/* What a room adds to its name when there is one already is a process id. */
	if (ctl->room && (length > ROOM_MAX || strspn(ctl->room, letters) != length || *ctl->room == '.' || *ctl->room == '-'))
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage",
				"'%s' is no room's name, which is letters, digits, '_', '-' or '.'; `croomctl ls` shows those there are",
				ctl->room);
	if ((given & BIT(OPT_NO_WAIT)) && (given & BIT(OPT_TIMEOUT)))
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "--no-wait and --timeout together; give one of them");
	if (ctl->journal && (ctl->room || ctl->socket))
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "--journal asks a file, and no room; leave out --%s",
				ctl->room ? "room" : "socket");
	return -1;
}

static int run_verb(struct ctl *ctl, unsigned given)
{
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].name, ctl->verb))
			continue;
		if (ctl->argc && !verbs[i].arguments)
			return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s takes no argument '%s'; see croomctl --help", ctl->verb,
					ctl->argv[0]);
		for (const struct option *option = longs; option->name; option++)
			if (option->val >= 256 && (given & ~verbs[i].options & BIT(option->val)))
				return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s takes no --%s; see croomctl --help", ctl->verb,
						option->name);
		return verbs[i].run(ctl);
	}
	return unknown_verb(ctl);
}

/* Whatever was to be printed must have been, or the exit code says that it was not. */
static int finish(int code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno != EPIPE)
		fprintf(stderr, "croomctl: cannot write: %s\n", errno ? strerror(errno) : "the output is incomplete");
	return code ? code : FAILED;
}

/* As typed, for the history; what is too long is cut, but not within a character. */
static void command_line(int argc, char **argv, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "croomctl");

	for (int i = 1; i < argc; i++) {
		size_t length = strlen(argv[i]);

		if (length > size - used - 2)
			length = size - used - 2;
		while (length && ((unsigned char)argv[i][length] & 0xc0) == 0x80)
			length--;
		used += (size_t)snprintf(text + used, size - used, " %.*s", (int)length, argv[i]);
		if (argv[i][length])
			return;
	}
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .expect = -1, .to = -1, .wait_ms = -1, .count = -1, .interval_ms = 1000, .for_ms = 5000, .sample = 1,
			   .patience_ms = ANSWER_MS };
	bool valued[OPT_VERSION + 1] = { false };
	unsigned given = 0;
	int option, rc = -1;

	command_line(argc, argv, ctl.command, sizeof(ctl.command));
	/* --json counts wherever it stands, so that also an earlier error is JSON. */
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		ctl.json |= strcmp(argv[i], "--json") == 0;
	opterr = 0;
	while (rc < 0 && (option = getopt_long(argc, argv, ":r:ho:k:", longs, NULL)) != -1) {
		option = option == 'o' ? OPT_OUTPUT : option == 'k' ? OPT_KEY : option;
		if (option == '?' || option == ':')
			return finish(bad_option(&ctl, option, argv[optind - 1]));
		rc = check_value(&ctl, option, valued);
		rc = rc < 0 ? read_option(&ctl, option) : rc;
		given |= option >= 256 ? BIT(option) : 0;
	}
	if (rc >= 0)
		return finish(rc);
	if (optind == argc)
		return finish(ctl_fail(&ctl, USAGE, "org.croom.ctl.Usage",
				       "say what to do: ls, list, swap, watch, history, rollback ...; see croomctl --help"));
	ctl.verb = argv[optind];
	ctl.argv = argv + optind + 1;
	ctl.argc = argc - optind - 1;
	rc = check_together(&ctl, given);
	return finish(rc < 0 ? run_verb(&ctl, given) : rc);
}
