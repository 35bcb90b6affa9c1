/* SPDX-License-Identifier: BSD-2-Clause */
/* What a room says, for people: aligned columns, no colours, nothing that a hostile name could do to a terminal. */
#include "ctl.h"
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int write_some(const char *text, size_t length, void *out)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == 127)
			fputs("\\u007f", out);
		else
			fputc(text[i], out);
	return 0;
}

/* ASCII without controls, so that no string in it can do anything to a terminal. */
void print_json(const json_t *value, size_t flags)
{
	json_dump_callback(value, write_some, stdout, flags | JSON_ENSURE_ASCII);
	putchar('\n');
	fflush(stdout);
}

json_t *json_text(const char *text)
{
	json_t *string = json_string(text);
	char shown[1000];

	/* Not UTF-8: somebody's file name, or an argument. */
	for (char *at = string ? NULL : strncat(memset(shown, 0, sizeof(shown)), text, sizeof(shown) - 1); at && *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	return string ? string : json_string(shown);
}

/* Bytes of the character there; 0: it is none. */
static size_t character(const char *text)
{
	unsigned char first = (unsigned char)*text;
	size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < length; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* A character that a terminal might obey: controls, C1 controls, marks that turn the direction of writing. */
static bool unruly(const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *)text;

	if (length == 1)
		return at[0] < 32 || at[0] == 127;
	if (length == 2)
		return at[0] == 0xc2 && at[1] < 0xa0;
	if (length == 3 && at[0] == 0xe2 && at[1] == 0x80)
		return at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae);
	return length == 0 || (length == 3 && at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
}

const char *clean(const char *text, char *buffer, size_t size)
{
	size_t used = 0, cut = 0;

	while (text && *text) {
		size_t length = character(text);
		bool bad = unruly(text, length);
		size_t bytes = bad ? 1 : length;

		if (used + bytes >= size) {
			memcpy(buffer + cut, "...", 4);
			return buffer;
		}
		memcpy(buffer + used, bad ? "?" : text, bytes);
		used += bytes;
		if (used + 4 <= size)
			cut = used;
		text += length ? length : 1;
	}
	buffer[used] = 0;
	return buffer;
}

static const char *text_of(const json_t *object, const char *key, char *buffer, size_t size)
{
	return clean(json_string_value(json_object_get(object, key)), buffer, size);
}

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_time(FILE *out, long long ns, const char *format)
{
	time_t second = (time_t)(ns / 1000000000);
	struct tm local;
	char text[64] = "?";

	if (localtime_r(&second, &local))
		strftime(text, sizeof(text), format, &local);
	fputs(text, out);
}

static void print_classes(const json_t *slot)
{
	char name[64], help[256], syntax[128], both[200];
	size_t i;
	json_t *class;

	json_array_foreach(json_object_get(slot, "classes"), i, class) {
		text_of(class, "name", name, sizeof(name));
		text_of(class, "syntax", syntax, sizeof(syntax));
		/* An optional config is written [N]; then the colon is optional, too. */
		snprintf(both, sizeof(both), "%s%s%s%s", name, *syntax ? (*syntax == '[' ? "[:" : ":") : "",
			 *syntax == '[' ? syntax + 1 : syntax, "");
		printf("            %-24s %s\n", both, text_of(class, "help", help, sizeof(help)));
	}
}

/* What keeps the room from being changed, or will change it by itself. */
static void show_holds(const json_t *list)
{
	const json_t *waits = json_object_get(list, "unconfirmed"), *one;
	char slot[64], handler[256], why[256];
	size_t i;

	if (json_is_string(json_object_get(list, "frozen")))
		printf("FROZEN: %s\n", text_of(list, "frozen", why, sizeof(why)));
	if (json_is_object(waits))
		printf("UNCONFIRMED: revision %lld goes back in %.1f s unless `croomctl confirm --expect %lld` comes\n",
		       number_of(waits, "revision"), (double)number_of(waits, "left_ms") / 1e3, number_of(waits, "revision"));
	json_array_foreach(json_object_get(list, "quarantined"), i, one)
		printf("QUARANTINED: %s=%s: %s\n", text_of(one, "slot", slot, sizeof(slot)),
		       text_of(one, "handler", handler, sizeof(handler)), text_of(one, "why", why, sizeof(why)));
}

/* Loudly, when it is not kept. */
static void show_journal(FILE *out, const json_t *all)
{
	const json_t *journal = json_object_get(all, "journal");
	long long lost = number_of(journal, "lost"), since = number_of(journal, "lost_since_ns");
	char path[256], why[300];

	if (!json_is_object(journal))
		return;
	text_of(journal, "path", path, sizeof(path));
	if (json_is_true(json_object_get(journal, "kept"))) {
		fprintf(out, "journal %s, %lld rows", path, number_of(journal, "rows"));
		if (lost)
			fprintf(out, "; %lld MORE WERE LOST since the program began", lost);
		fputc('\n', out);
		return;
	}
	fprintf(out, "JOURNAL NOT KEPT: %s", text_of(journal, "why", why, sizeof(why)));
	if (since) {
		fprintf(out, "; %lld rows lost, the first of them at ", lost);
		print_time(out, since, "%F %T");
	}
	fputc('\n', out);
}

static void show_policy(const json_t *list)
{
	char path[256], role[64];

	if (json_is_string(json_object_get(list, "policy")))
		printf("policy %s; to it you are: %s\n", text_of(list, "policy", path, sizeof(path)),
		       text_of(list, "role", role, sizeof(role)));
}

void show_list(json_t *list)
{
	char a[256], b[256];
	size_t i;
	json_t *one;

	printf("room %s, revision %lld, pid %lld: %s\n", text_of(list, "room", a, sizeof(a)), number_of(list, "revision"),
	       number_of(list, "pid"), text_of(list, "program", b, sizeof(b)));
	show_holds(list);
	show_journal(stdout, list);
	show_policy(list);
	putchar('\n');
	json_array_foreach(json_object_get(list, "slots"), i, one) {
		printf("%-10s  %s", text_of(one, "name", a, sizeof(a)), text_of(one, "handler", b, sizeof(b)));
		printf("   since revision %lld at ", number_of(one, "since_revision"));
		print_time(stdout, number_of(one, "since_ns"), "%H:%M:%S");
		printf(", %lld calls", number_of(one, "calls"));
		if (json_is_string(json_object_get(one, "trial")))
			printf(", on trial (%s)", text_of(one, "trial", a, sizeof(a)));
		printf("%s%s\n", *text_of(one, "help", a, sizeof(a)) ? ": " : "", a);
		print_classes(one);
	}
	json_array_foreach(json_object_get(list, "lanes"), i, one) {
		printf("%slane %s: %lld records, ", i ? "" : "\n", text_of(one, "name", a, sizeof(a)), number_of(one, "records"));
		if (number_of(one, "late_ms"))
			printf("LATE: still runs revision %lld after %.1f s\n", number_of(one, "revision"),
			       (double)number_of(one, "late_ms") / 1e3);
		else
			printf("runs revision %lld%s\n", number_of(one, "revision"),
			       json_is_true(json_object_get(one, "parked")) ? ", asleep" : "");
	}
	json_array_foreach(json_object_get(list, "gauges"), i, one)
		printf("%s %.6g %s\n", text_of(one, "name", a, sizeof(a)), json_number_value(json_object_get(one, "value")),
		       text_of(one, "unit", b, sizeof(b)));
}

void show_entry(FILE *out, const json_t *entry)
{
	char from[200], to[200], slot[64], command[300];
	struct passwd *user = getpwuid((uid_t)number_of(entry, "uid"));
	size_t i;
	json_t *change;

	fprintf(out, "%6lld  ", number_of(entry, "revision"));
	print_time(out, number_of(entry, "time_ns"), "%F %T");
	fprintf(out, "  %s pid %lld  %s\n", user ? user->pw_name : "?", number_of(entry, "pid"),
		text_of(entry, "command", command, sizeof(command)));
	if (number_of(entry, "rollback_to"))
		fprintf(out, "        back to revision %lld\n", number_of(entry, "rollback_to"));
	if (*text_of(entry, "note", command, sizeof(command)))
		fprintf(out, "        %s: %s\n", text_of(entry, "cause", slot, sizeof(slot)), command);
	json_array_foreach(json_object_get(entry, "changes"), i, change)
		fprintf(out, "        %s: %s -> %s\n", text_of(change, "slot", slot, sizeof(slot)),
			text_of(change, "from", from, sizeof(from)), text_of(change, "to", to, sizeof(to)));
}

void show_history(json_t *history)
{
	json_t *entries = json_object_get(history, "entries"), *entry;
	size_t i;

	if (number_of(history, "missed"))
		printf("%lld older changes are not shown\n", number_of(history, "missed"));
	else if (json_array_size(entries) == 0)
		puts("no change yet");
	json_array_foreach(entries, i, entry)
		show_entry(stdout, entry);
}

void show_swap(json_t *result)
{
	char name[64];
	size_t i;
	json_t *lane;

	printf("revision %lld is in force", number_of(result, "revision"));
	json_array_foreach(json_object_get(result, "lanes"), i, lane) {
		printf("%s lane %s ", i ? ";" : ":", text_of(lane, "lane", name, sizeof(name)));
		if (!json_is_true(json_object_get(lane, "observed")))
			printf("has not moved yet");
		else if (number_of(lane, "first_record"))
			printf("%sfrom record %lld on", json_is_true(json_object_get(lane, "parked")) ? "sleeps and will run it " : "",
			       number_of(lane, "first_record"));
		else
			printf("runs it");
	}
	putchar('\n');
}

static void print_rates(FILE *out, const json_t *frame, const char *key, const char *what)
{
	char name[64];
	size_t i;
	json_t *one;

	json_array_foreach(json_object_get(frame, key), i, one)
		fprintf(out, "  %-10s %12.0f %s/s %16lld in all\n", text_of(one, "name", name, sizeof(name)),
			json_number_value(json_object_get(one, "per_second")), what, number_of(one, "total"));
}

void show_rates(FILE *out, json_t *frame, const char *room)
{
	char name[128], unit[64];
	size_t i;
	json_t *one;

	fprintf(out, "room %s, revision %lld\n", clean(room, name, sizeof(name)), number_of(frame, "revision"));
	if (json_is_false(json_object_get(json_object_get(frame, "journal"), "kept")))
		show_journal(out, frame);
	print_rates(out, frame, "lanes", "records");
	print_rates(out, frame, "slots", "calls");
	json_array_foreach(json_object_get(frame, "gauges"), i, one)
		fprintf(out, "  %-10s %12.6g %s\n", text_of(one, "name", name, sizeof(name)),
			json_number_value(json_object_get(one, "value")), text_of(one, "unit", unit, sizeof(unit)));
}
