/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists in one text column: lines of fields with tabs between them. In a field a backslash, a tab and a new line are
 * written as \\, \t and \n, so a list holds any text, one way of writing each, and can be read as it is.
 */
#include "journal-impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool text_room(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 256;
	char *data;

	if (text->failed)
		return false;
	while (room < text->used + more + 1)
		room *= 2;
	if (room == text->room)
		return true;
	data = realloc(text->data, room);
	text->failed = !data;
	if (data) {
		text->data = data;
		text->room = room;
	}
	return data != NULL;
}

void text_empty(struct text *text)
{
	text->used = 0;
	text->failed = false;
	if (text_room(text, 0))
		text->data[0] = 0;
}

void text_field(struct text *text, const char *field, char end)
{
	if (!text_room(text, 2 * strlen(field) + 1))
		return;
	for (; *field; field++) {
		char escaped = *field == '\\' ? '\\' : *field == '\t' ? 't' : *field == '\n' ? 'n' : 0;

		if (escaped)
			text->data[text->used++] = '\\';
		text->data[text->used++] = escaped ? escaped : *field;
	}
	text->data[text->used++] = end;
	text->data[text->used] = 0;
}

const char *text_of(const struct text *text)
{
	return text->failed ? "" : text->data;
}

/* Take one field off *from, in place; what ended it: a tab, a new line, or 0 when this is no list. */
static char take(char **from, const char **field)
{
	char *out = *from, *in = *from;

	*field = out;
	for (; *in && *in != '\t' && *in != '\n'; in++) {
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		in++;
		if (*in != '\\' && *in != 't' && *in != 'n')
			return 0;
		*out++ = *in == 't' ? '\t' : *in == 'n' ? '\n' : '\\';
	}
	if (*in) {
		char end = *in;

		*out = 0;
		*from = in + 1;
		return end;
	}
	return 0;
}

int list_read(struct list *list, const char *text)
{
	char *at;

	free(list->copy);
	list->lines = 0;
	list->copy = at = strdup(text);
	if (!at)
		return -ENOMEM;
	while (*at) {
		unsigned field = 0;
		char end;

		if (list->lines == CROOM_SLOTS_MAX)
			return -EBADMSG;
		for (unsigned i = 0; i < FIELDS; i++)
			list->field[list->lines][i] = "";
		do {
			if (field == FIELDS)
				return -EBADMSG;
			end = take(&at, &list->field[list->lines][field++]);
		} while (end == '\t');
		if (!end)
			return -EBADMSG;
		list->lines++;
	}
	return 0;
}

void list_free(struct list *list)
{
	free(list->copy);
	list->copy = NULL;
	list->lines = 0;
}

int list_find(const struct list *list, const char *first)
{
	for (unsigned i = 0; i < list->lines; i++)
		if (strcmp(list->field[i][0], first) == 0)
			return (int)i;
	return -1;
}
