/* SPDX-License-Identifier: BSD-2-Clause */
/* What a room says, for people: aligned columns, no colours, nothing that a hostile name could do to a terminal. */
#include "ctl.h"
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2));
	putchar('\n');
}

const char *clean(const char *text, char *buffer, size_t size)
{
	size_t used = 0;

	for (; text && *text && used + 1 < size; text++)
		buffer[used++] = (unsigned char)*text < 32 || *text == 127 ? '?' : *text;
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

static void print_time(long long ns, const char *format)
{
	time_t second = (time_t)(ns / 1000000000);
	struct tm local;
	char text[64] = "?";

	if (localtime_r(&second, &local))
		strftime(text, sizeof(text), format, &local);
	fputs(text, stdout);
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

void show_list(json_t *list)
{
	char a[256], b[256];
	size_t i;
	json_t *one;

	printf("room %s, revision %lld, pid %lld: %s\n\n", text_of(list, "room", a, sizeof(a)), number_of(list, "revision"),
	       number_of(list, "pid"), text_of(list, "program", b, sizeof(b)));
	json_array_foreach(json_object_get(list, "slots"), i, one) {
		printf("%-10s  %s", text_of(one, "name", a, sizeof(a)), text_of(one, "handler", b, sizeof(b)));
		printf("   since revision %lld at ", number_of(one, "since_revision"));
		print_time(number_of(one, "since_ns"), "%H:%M:%S");
		printf(", %lld calls\n", number_of(one, "calls"));
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

void show_entry(const json_t *entry)
{
	char from[200], to[200], slot[64], command[300];
	struct passwd *user = getpwuid((uid_t)number_of(entry, "uid"));
	size_t i;
	json_t *change;

	printf("%6lld  ", number_of(entry, "revision"));
	print_time(number_of(entry, "time_ns"), "%F %T");
	printf("  %s pid %lld  %s\n", user ? user->pw_name : "?", number_of(entry, "pid"),
	       text_of(entry, "command", command, sizeof(command)));
	if (number_of(entry, "rollback_to"))
		printf("        back to revision %lld\n", number_of(entry, "rollback_to"));
	json_array_foreach(json_object_get(entry, "changes"), i, change)
		printf("        %s: %s -> %s\n", text_of(change, "slot", slot, sizeof(slot)), text_of(change, "from", from, sizeof(from)),
		       text_of(change, "to", to, sizeof(to)));
}

void show_history(json_t *entries)
{
	size_t i;
	json_t *entry;

	if (json_array_size(entries) == 0)
		puts("no change yet");
	json_array_foreach(entries, i, entry)
		show_entry(entry);
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

static void print_rates(const json_t *frame, const char *key, const char *what)
{
	char name[64];
	size_t i;
	json_t *one;

	json_array_foreach(json_object_get(frame, key), i, one)
		printf("  %-10s %12.0f %s/s %16lld in all\n", text_of(one, "name", name, sizeof(name)),
		       json_number_value(json_object_get(one, "per_second")), what, number_of(one, "total"));
}

void show_frame(json_t *frame, const char *room)
{
	char name[64], unit[64];
	size_t i;
	json_t *one;

	printf("room %s, revision %lld\n", room, number_of(frame, "revision"));
	print_rates(frame, "lanes", "records");
	print_rates(frame, "slots", "calls");
	json_array_foreach(json_object_get(frame, "gauges"), i, one)
		printf("  %-10s %12.6g %s\n", text_of(one, "name", name, sizeof(name)),
		       json_number_value(json_object_get(one, "value")), text_of(one, "unit", unit, sizeof(unit)));
}
