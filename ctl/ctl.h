/* SPDX-License-Identifier: BSD-2-Clause */
/* croomctl: an operator's hands on a room. Floor 4: talks to a room by its socket only. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PROBE_MS = 2000, ANSWER_MS = 5000, WAIT_DEFAULT_MS = 5000 };
enum { DONE = 0, FAILED = 1, USAGE = 2, REFUSED = 3, NOT_OBSERVED = 4, NOT_PERMITTED = 5, NO_ROOM = 6, DAMAGED = 7 };
enum { FINDINGS_MAX = 20 };

struct ctl {
	const char *room, *socket;     /* as given; NULL: not */
	const char *verb;
	bool json;
	int64_t expect, to, wait_ms, count;   /* -1: not given */
	int64_t interval_ms;
	const char *guard, *why;       /* NULL: not given */
	int64_t canary, confirm_ms;    /* 0: not given */
	int64_t for_ms, sample;
	bool shadow, undo_late, dry_run;
	const char *since, *journal, *head;   /* NULL: not given */
	const char *output, *key;      /* NULL: not given */
	int64_t patience_ms;           /* with a room that does not answer */
	char command[256];             /* the command line, for the history */
	char found[108];               /* name of the room that was connected to */
	int argc;
	char **argv;                   /* what follows the verb */
};

/* connect.c */
struct room_socket {
	char path[108], name[64];
};
/* The sockets in the runtime directory that somebody serves; count, at most max; -1 with the exit code and
   the reason told. */
int ctl_rooms(const struct ctl *ctl, struct room_socket *rooms, int max, int *code);
/* Where rooms may be that are not looked for; "" or an end of a sentence. */
const char *ctl_elsewhere(void);
/* Connect to the room that is meant; a descriptor, or -1 with the exit code in *code and the reason told. */
int ctl_connect(struct ctl *ctl, int *code);
/* -1 with errno, which is EAGAIN where nobody accepts. The patience holds for sending and receiving, too. */
int ctl_connect_path(const char *path, int64_t patience_ms);
/* One call. Takes parameters. The reply's parameters, or NULL with the exit code in *code and the error told. */
json_t *ctl_call(struct ctl *ctl, const char *method, json_t *parameters, int *code);
int64_t ctl_now_ms(void);          /* of a clock that nobody sets */
bool ctl_send(int fd, json_t *message);
struct reader {
	int64_t until_ms;              /* ctl_now_ms(); 0: as long as the descriptor waits, anew for each byte */
	char *data;
	size_t used, start;
	const char *why;               /* there is no message */
	bool again;                    /* there may be one later */
};
/* The next message, an object, or NULL and *reader says why; *reader begins as { 0 }, or with until_ms. */
json_t *ctl_receive(int fd, struct reader *reader);
/* Tell an error reply; the exit code. */
int ctl_error(const struct ctl *ctl, const json_t *reply);
/* Tell an error of our own, as a sentence or as JSON; returns the code. */
int ctl_fail(const struct ctl *ctl, int code, const char *name, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* show.c: each prints what it is given for people. */
void show_list(json_t *list);
void show_history(json_t *history);
void show_swap(json_t *result);
void show_entry(FILE *out, const json_t *entry);
void show_rates(FILE *out, json_t *frame, const char *room);
void print_json(const json_t *value, size_t flags);
/* Text from a room, cut to size: nothing in it may move the cursor. */
const char *clean(const char *text, char *buffer, size_t size);
/* Any text as JSON. */
json_t *json_text(const char *text);

/* verbs.c */
int verb_ls(struct ctl *ctl);
int verb_list(struct ctl *ctl);
int verb_swap(struct ctl *ctl);
int verb_history(struct ctl *ctl);
int verb_rollback(struct ctl *ctl);

/* A request for a change, with what all of them have. */
json_t *change_request(const struct ctl *ctl);
/* Call a method that answers with a revision, and show that. */
int change_call(struct ctl *ctl, const char *method, json_t *parameters);
/* SLOT=HANDLER, as {slot, handler}; NULL: it is none, and that was told. */
json_t *slot_and_handler(const struct ctl *ctl, const char *text);

/* trial.c */
int verb_confirm(struct ctl *ctl);
int verb_promote(struct ctl *ctl);
int verb_trial(struct ctl *ctl);
int verb_profile(struct ctl *ctl);
int verb_freeze(struct ctl *ctl);
int verb_thaw(struct ctl *ctl);
int verb_pardon(struct ctl *ctl);
/* Add what --guard, --canary and the like ask for; the exit code, DONE to go on. */
int trial_request(const struct ctl *ctl, json_t *parameters);

/* plugin.c */
int verb_load(struct ctl *ctl);
int verb_unload(struct ctl *ctl);
int verb_plugins(struct ctl *ctl);

/* doctor.c, blackbox.c */
int verb_doctor(struct ctl *ctl);
int verb_blackbox(struct ctl *ctl);

/* when.c: a moment as people write it. end_of_second: one without a fraction means the end of that second. */
bool when_read(const char *text, bool end_of_second, int64_t *ns);

/* journal-file.c: from a file, the replies of Journal and At; NULL: it cannot be read, and that was told. */
json_t *file_rows(const struct ctl *ctl, const char *path, int64_t since_ns, int *code);
json_t *file_at(const struct ctl *ctl, const char *path, int64_t time_ns, int *code);
/* Is it ROW:HASH, as --head takes it? file_verify() is asked for no other. */
bool head_good(const char *text);
/* {path, head}; {path, rows, first, last, cut, clock_back, found, findings, head}. */
json_t *file_head(const struct ctl *ctl, const char *path, int *code);
json_t *file_verify(const struct ctl *ctl, const char *path, int *code);

/* journal.c */
int verb_at(struct ctl *ctl);
int verb_journal(struct ctl *ctl);
/* history, with what only the journal knows. */
int journal_history(struct ctl *ctl);

/* keys.c */
int verb_keygen(struct ctl *ctl);
int verb_sign(struct ctl *ctl);
int verb_verify(struct ctl *ctl);

/* watch.c */
int verb_watch(struct ctl *ctl);

#endif
