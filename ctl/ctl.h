/* SPDX-License-Identifier: BSD-2-Clause */
/* croomctl: an operator's hands on a room. Floor 4: talks to a room by its socket only. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { DONE = 0, FAILED = 1, USAGE = 2, REFUSED = 3, NOT_OBSERVED = 4, NOT_PERMITTED = 5, NO_ROOM = 6 };

struct ctl {
	const char *room, *socket;     /* as given; NULL: not */
	const char *verb;
	bool json;
	int64_t expect, to, wait_ms, count;   /* -1: not given */
	int64_t interval_ms;
	char command[256];             /* the command line, for the history */
	char found[64];                /* name of the room that was connected to */
	int argc;
	char **argv;                   /* what follows the verb */
};

/* connect.c */
struct room_socket {
	char path[108], name[64];
};
/* The sockets in the runtime directory that somebody serves; count, at most max. */
int ctl_rooms(struct room_socket *rooms, int max);
/* Connect to the room that is meant; a descriptor, or -1 with the exit code in *code and the reason told. */
int ctl_connect(struct ctl *ctl, int *code);
int ctl_connect_path(const char *path);
/* One call. Takes parameters. The reply's parameters, or NULL with the exit code in *code and the error told. */
json_t *ctl_call(struct ctl *ctl, const char *method, json_t *parameters, int *code);
bool ctl_send(int fd, json_t *message);
/* The next message, NULL at the end; buffered in *state, which begins as { 0 }. */
struct reader {
	char *data;
	size_t used, start;
};
json_t *ctl_receive(int fd, struct reader *reader);
/* Tell an error reply; the exit code. */
int ctl_error(const struct ctl *ctl, const json_t *reply);
/* Tell an error of our own, as a sentence or as JSON; returns the code. */
int ctl_fail(const struct ctl *ctl, int code, const char *name, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* show.c: each prints what it is given for people. */
void show_list(json_t *list);
void show_history(json_t *entries);
void show_swap(json_t *result);
void show_entry(const json_t *entry);
void show_frame(json_t *frame, const char *room);
void print_json(const json_t *value);
/* Text from a room: nothing in it may move the cursor. */
const char *clean(const char *text, char *buffer, size_t size);

/* verbs.c */
int verb_ls(struct ctl *ctl);
int verb_list(struct ctl *ctl);
int verb_swap(struct ctl *ctl);
int verb_watch(struct ctl *ctl);
int verb_history(struct ctl *ctl);
int verb_rollback(struct ctl *ctl);

#endif
