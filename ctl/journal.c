/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal's verbs: of a room that runs, by its socket; of a file, by reading it. */
#include "ctl.h"
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int misuse(const struct ctl *ctl, const char *what, const char *word)
{
	return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s%s; see croomctl --help", what, word);
}

static const char *text_of(const json_t *object, const char *key, char *buffer, size_t size)
{
	return clean(json_string_value(json_object_get(object, key)), buffer, size);
}

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static const char *time_text(long long ns, bool millis, char *text, size_t size)
{
	time_t second = (time_t)(ns / 1000000000);
	struct tm local;
	size_t used;

	if (!localtime_r(&second, &local) || !(used = strftime(text, size, "%F %T", &local)))
		snprintf(text, size, "?");
	else if (millis)
		snprintf(text + used, size - used, ".%03lld", ns / 1000000 % 1000);
	return text;
}

static void print_who(const json_t *row)
{
	const struct passwd *user = getpwuid((uid_t)number_of(row, "uid"));

	printf("%s pid %lld", user ? user->pw_name : "?", number_of(row, "pid"));
}

static void show_row(const json_t *row)
{
	char when[40], kind[32], command[300], text[600], slot[64], from[200], to[200];
	const char *word = text_of(row, "kind", kind, sizeof(kind));
	bool lanes = strcmp(word, "observed") == 0, inner = strcmp(word, "lost") == 0 || strcmp(word, "cut") == 0;
	size_t i;
	json_t *change;

	printf("%s  %-11s revision %lld  ", time_text(number_of(row, "time_ns"), false, when, sizeof(when)), word, number_of(row, "revision"));
	print_who(row);
	printf("%s%s\n", *text_of(row, "command", command, sizeof(command)) ? "  " : "", command);
	if (*text_of(row, "text", text, sizeof(text)))
		printf("        %s\n", text);
	/* For who reads the file alone; its text says it in words. */
	if (inner)
		return;
	json_array_foreach(json_object_get(row, "changes"), i, change) {
		text_of(change, "slot", slot, sizeof(slot));
		text_of(change, "from", from, sizeof(from));
		text_of(change, "to", to, sizeof(to));
		if (lanes)
			printf("        lane %s from record %s on%s%s\n", slot, *from ? from : "?", *to ? ", " : "", to);
		else if (*from)
			printf("        %s: %s -> %s\n", slot, from, to);
		else
			printf("        %s=%s\n", slot, to);
	}
}

static void show_rows(const json_t *all)
{
	const json_t *rows = json_object_get(all, "rows"), *row;
	size_t i;

	if (number_of(all, "missed"))
		printf("%lld older rows are not shown\n", number_of(all, "missed"));
	else if (json_array_size(rows) == 0)
		puts("nothing in that time");
	json_array_foreach(rows, i, row)
		show_row(row);
}

static int print_rows(const struct ctl *ctl, json_t *all, int code)
{
	if (all && ctl->json)
		print_json(all, JSON_INDENT(2));
	else if (all)
		show_rows(all);
	json_decref(all);
	return code;
}

/* --since, or everything; the exit code. */
static int since(const struct ctl *ctl, int64_t *ns)
{
	*ns = INT64_MIN;
	if (!ctl->since || when_read(ctl->since, false, ns))
		return DONE;
	return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "--since takes a time, such as 1h, 14:31 or '2026-11-25 14:31:07', not '%s'", ctl->since);
}

int journal_history(struct ctl *ctl)
{
	json_t *all, *parameters;
	int64_t since_ns;
	int code = since(ctl, &since_ns);

	if (code)
		return code;
	if (ctl->journal) {
		all = file_rows(ctl, ctl->journal, since_ns, &code);
		return print_rows(ctl, all, code);
	}
	parameters = json_pack("{s:I}", "since_ns", (json_int_t)since_ns);
	if (ctl->count >= 0)
		json_object_set_new(parameters, "count", json_integer(ctl->count));
	all = ctl_call(ctl, "org.croom.Room.Journal", parameters, &code);
	return print_rows(ctl, all, code);
}

static void show_span(const json_t *moment)
{
	char since[40], until[40] = "", command[300], text[600], span[32];
	const char *what = text_of(moment, "span", span, sizeof(span));
	bool known = json_is_integer(json_object_get(moment, "revision"));

	time_text(number_of(moment, "since_ns"), true, since, sizeof(since));
	if (number_of(moment, "until_ns"))
		time_text(number_of(moment, "until_ns"), true, until, sizeof(until));
	text_of(moment, "text", text, sizeof(text));
	if (strcmp(what, "stopped") == 0) {
		printf("the program was not running: it ended at %s%s%s\n", since, *until ? ", and was started again at " : "", until);
	} else if (!known) {
		puts(*text ? "not known:" : "not known");
	} else {
		printf("revision %lld %s in force, since %s%s%s, by ", number_of(moment, "revision"),
		       strcmp(what, "unsure") ? *until ? "was" : "is" : "may have been", since, *until ? " until " : "", until);
		print_who(moment);
		printf("%s%s\n", *text_of(moment, "command", command, sizeof(command)) ? ": " : "", command);
	}
	if (*text)
		printf("        %s\n", text);
}

static void show_at(const struct ctl *ctl, const json_t *at)
{
	const json_t *moments = json_object_get(at, "moments"), *moment, *slot;
	char when[40], name[64], handler[256], room[128];
	size_t i, k;

	printf("%s%s at %s:\n", ctl->journal ? "" : "room ", clean(ctl->journal ? ctl->journal : ctl->found, room, sizeof(room)),
	       time_text(number_of(at, "time_ns"), false, when, sizeof(when)));
	if (json_array_size(moments) > 1)
		puts("the clock was set back, and this moment came more than once:");
	if (json_array_size(moments) == 0)
		puts("not known: the clock was set back");
	json_array_foreach(moments, i, moment) {
		show_span(moment);
		json_array_foreach(json_object_get(moment, "slots"), k, slot)
			printf("  %-10s %s%s\n", text_of(slot, "slot", name, sizeof(name)), text_of(slot, "handler", handler, sizeof(handler)),
			       json_is_true(json_object_get(slot, "waits")) ? "   (not confirmed then, or on trial)" : "");
	}
}

int verb_at(struct ctl *ctl)
{
	int64_t ns;
	json_t *at;
	int code;

	if (ctl->argc != 1)
		return misuse(ctl, "at takes one time, such as 14:31:07, '2026-11-25 14:31:07' or 5m (ago)", "");
	if (!when_read(ctl->argv[0], true, &ns))
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "'%s' is no time, such as 14:31:07, '2026-11-25 14:31:07' or 5m (ago)",
				ctl->argv[0]);
	if (ctl->journal)
		at = file_at(ctl, ctl->journal, ns, &code);
	else
		at = ctl_call(ctl, "org.croom.Room.At", json_pack("{s:I}", "time_ns", (json_int_t)ns), &code);
	if (at && ctl->json)
		print_json(at, JSON_INDENT(2));
	else if (at)
		show_at(ctl, at);
	json_decref(at);
	return code;
}

/* The file that is meant: the argument behind the word, or that of the room that runs. NULL: none, and that was told. */
static char *path_of(struct ctl *ctl, int *code)
{
	const char *path = NULL;
	json_t *list;
	char *copy;

	*code = DONE;
	if (ctl->argc == 2)
		return strdup(ctl->argv[1]);
	list = ctl_call(ctl, "org.croom.Room.List", json_object(), code);
	if (!list)
		return NULL;
	path = json_string_value(json_object_get(json_object_get(list, "journal"), "path"));
	copy = path ? strdup(path) : NULL;
	if (!path)
		*code = ctl_fail(ctl, REFUSED, "org.croom.Room.NoJournal",
				 "room %s keeps no journal (croomtap does with --state DIRECTORY); or say which file", ctl->found);
	json_decref(list);
	return copy;
}

static void show_verdict(const json_t *verdict)
{
	const json_t *findings = json_object_get(verdict, "findings"), *finding;
	char path[512], text[600], head[128];
	size_t i;

	printf("%s: %lld rows, %lld to %lld", text_of(verdict, "path", path, sizeof(path)), number_of(verdict, "rows"),
	       number_of(verdict, "first"), number_of(verdict, "last"));
	if (number_of(verdict, "cut"))
		printf("; rows 1 to %lld were cut away, and the chain says so", number_of(verdict, "cut"));
	if (number_of(verdict, "clock_back"))
		printf("; the clock was set back %lld time%s", number_of(verdict, "clock_back"), number_of(verdict, "clock_back") == 1 ? "" : "s");
	putchar('\n');
	json_array_foreach(findings, i, finding)
		printf("ALTERED: %s\n", clean(json_string_value(finding), text, sizeof(text)));
	if (number_of(verdict, "found") > (long long)json_array_size(findings))
		printf("ALTERED: %lld more findings\n", number_of(verdict, "found") - (long long)json_array_size(findings));
	if (number_of(verdict, "found") == 0)
		printf("nothing was altered or removed before its head, %s\n"
		       "(rows removed from the end show against a head noted elsewhere: `croomctl journal verify --head %.20s...`)\n",
		       text_of(verdict, "head", head, sizeof(head)), head);
}

int verb_journal(struct ctl *ctl)
{
	const char *what = ctl->argc ? ctl->argv[0] : "";
	bool verify = strcmp(what, "verify") == 0, head = strcmp(what, "head") == 0, show = strcmp(what, "show") == 0;
	int64_t since_ns;
	json_t *result;
	char text[128], *path;
	int code;

	if ((!verify && !head && !show) || ctl->argc > 2)
		return misuse(ctl, "journal takes verify, show or head, and perhaps a FILE", "");
	if (ctl->head && !verify)
		return misuse(ctl, "--head is for journal verify", "");
	if ((ctl->since || ctl->count >= 0) && !show)
		return misuse(ctl, "--since and --count are for journal show", "");
	if (ctl->head && !head_good(ctl->head))
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "--head takes ROW:HASH, as `croomctl journal head` prints it, not '%s'",
				ctl->head);
	if (ctl->argc == 2 && (ctl->room || ctl->socket))
		return misuse(ctl, "of a FILE no room is asked; leave out --", ctl->room ? "room" : "socket");
	code = since(ctl, &since_ns);
	if (code)
		return code;
	path = path_of(ctl, &code);
	if (!path)
		return code;
	if (show) {
		result = file_rows(ctl, path, since_ns, &code);
		free(path);
		return print_rows(ctl, result, code);
	}
	result = verify ? file_verify(ctl, path, &code) : file_head(ctl, path, &code);
	if (result && ctl->json)
		print_json(result, JSON_INDENT(2));
	else if (result && verify)
		show_verdict(result);
	else if (result)
		puts(text_of(result, "head", text, sizeof(text)));
	json_decref(result);
	free(path);
	return code;
}
