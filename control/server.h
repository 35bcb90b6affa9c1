/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server behind <croom/control.h>. One thread at a time (the host's or its own) runs all of it; nothing here is
 * shared with data threads but through the room.
 *
 * Memory is bounded: at most clients_max clients, each with at most IN_MAX bytes of request and one reply, in which
 * operators' texts take at most SHOWN_MAX bytes. Nothing is begun for a client that has not read its reply, whose swap
 * is being waited for, or that watches.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <croom/control.h>
#include <croom/inspect.h>
#include <croom/journal.h>
#include <croom/policy.h>
#include <croom/trial.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

enum { IN_MAX = 256 * 1024, SHOWN_MAX = 512 * 1024, DEPTH_MAX = 32, CLIENTS_DEFAULT = 64, CLIENTS_LIMIT = 4096,
       WAIT_MS_DEFAULT = 5000, WAIT_MS_MAX = 60000, WHY_MAX = 100, WRITER_MAX = 2 * CROOM_NAME_MAX + 2 };

struct rates {                     /* totals at the last frame of a watch */
	int64_t time_ns;
	uint64_t slot[CROOM_SLOTS_MAX];
	uint64_t slot_since[CROOM_SLOTS_MAX];
	/* By name: the room moves lanes when one is removed. */
	struct lane_total {
		char name[CROOM_NAME_MAX + 1];
		uint64_t records;
	} lane[CROOM_LANES_MAX];
	unsigned lanes;
};

struct client {
	struct client *next;
	int fd;
	uid_t uid;
	pid_t pid;
	enum croom_role role;
	bool spoke;                /* has sent a whole message */
	bool more;                 /* whole messages are left in `in` for the next turn */
	bool ended;                /* it will send no more */
	bool closing;              /* after what is in `out`; nothing more is done for it */
	int64_t since_ns;          /* of the connection, or of its last whole message */
	uint32_t interest;         /* what epoll waits for */
	char *in, *out;
	size_t in_used, in_room, out_used, out_sent;
	int64_t stuck_ns;          /* since when it does not read; 0: it does */
	/* a swap that waits for lanes */
	uint64_t wait_revision;    /* 0: none */
	struct unloading *unloading;   /* a plugin whose unloading waits for lanes; NULL: none */
	int64_t wait_until_ns;
	bool oneway, wants_more;   /* of the message that is being answered */
	/* a watch */
	int64_t watch_ns, watch_next_ns;   /* interval; 0: none */
	uint64_t watch_revision;
	struct rates *rates;
};

struct made {                      /* a file that is ours for as long as its name leads to it */
	dev_t dev;
	ino_t ino;
};

/* So many per time: as if each took its place in a row, which is full at full_ns. */
struct bucket {
	int64_t full_ns;
};

struct refusals {
	struct bucket told;        /* with a row of the journal each */
	uint64_t count;            /* since then, of which no row tells */
	uid_t uid;                 /* of the last one of those */
	pid_t pid;
};

struct croom_control {
	struct croom_room *room;
	struct croom_journal *journal;   /* NULL: there is none */
	const struct croom_policy *policy;   /* NULL: root and the own user may do everything, others nothing */
	struct bucket changes;
	int64_t viewers_again_ns;  /* no viewer has a file read for him before that */
	struct refusals refusals;
	struct croom_plugins *plugins;   /* NULL: it takes none */
	char *path, *lock_path, *program;
	int listener, lock, epoll, timer;
	int spare;                 /* a descriptor to take a client with when there is none left; -1: gone, too */
	int64_t rest_until_ns;     /* no client is taken before that; 0: any is */
	struct made socket_made, lock_made;
	unsigned clients_max, count;
	struct client *clients;
	pthread_t thread;
	bool threaded;
	int stop, wake;            /* eventfds: end the thread, look at the room */
};

/* socket.c */
int socket_open(struct croom_control *control, const char *path, struct croom_error *err);
void socket_close(struct croom_control *control);

/* client.c */
void client_accept(struct croom_control *control);
void client_listen_again(struct croom_control *control);
/* Do what can be done for it now; false: it has gone. */
bool client_ready(struct croom_control *control, struct client *client, uint32_t events);
/* When it has to be looked at although nothing arrives. INT64_MAX: never. */
int64_t client_next_ns(const struct client *client, int64_t now);
void client_free(struct croom_control *control, struct client *client);
/* Queue a message; takes the reference. Flushes what the socket takes. NULL, no memory for it: hangs up instead. */
void client_send(struct client *client, json_t *message);
int64_t now_ns(void);

/* permit.c: whose the peer is; CROOM_NOBODY: he has no business here. */
enum croom_role permit_role(const struct croom_control *control, int fd, const struct ucred *peer);
/* One more change: 0, or for how long there may be none. */
int64_t permit_change_ns(struct croom_control *control);
/* Does one of these changes name a file to be written? The first that does, as SLOT=CLASS. */
bool permit_writer(struct croom_control *control, const struct croom_change *change, unsigned count, char handler[WRITER_MAX]);
/* The name of a process's program. */
void permit_program(pid_t pid, char *text, size_t size);
/* Have it in the journal that something was refused. */
void permit_refused(struct croom_control *control, const struct croom_origin *origin, const char *text);
/* Tell of the refusals that have no row, if it is time; when it will be (INT64_MAX: there are none); now, in any case. */
void permit_tell(struct croom_control *control, int64_t now);
int64_t permit_next_ns(const struct croom_control *control);
void permit_end(struct croom_control *control);

/*
 * message.c. Read one: text is overwritten, and a NUL stands at its end. NULL: why says what is wrong with it, or is empty
 * when there was no memory. Write one, its NUL included; NULL: no memory.
 */
json_t *message_read(char *text, size_t length, char why[WHY_MAX]);
char *message_write(const json_t *message, size_t *length);
bool utf8_good(const char *text);

#define ROOM_INTERFACE "org.croom.Room"
#define SERVICE_INTERFACE "org.varlink.service"

/* methods.c: do what one message asks for. */
void method_call(struct croom_control *control, struct client *client, json_t *message);
/* Answer a swap or an unloading that waits, if its lanes have moved or its time is over. */
void method_poll(struct croom_control *control, struct client *client, int64_t now);
/* Parameters are taken over; NULL, no memory for them: hangs up, for a part of an answer would be taken for all of it. */
void reply(struct client *client, json_t *parameters, bool continues);
void reply_error(struct client *client, const char *name, json_t *parameters);
void reply_croom_error(struct client *client, const struct croom_error *err);

/* What the requests for a change have in common. */
struct request {
	struct croom_swap_options options;
	struct croom_origin origin;
	struct croom_trial trial;
	char command[256];
	int64_t wait_ms, to;
};
/* False: it was wrong, and that was answered. */
bool read_request(struct client *client, json_t *parameters, struct request *request);
bool read_number(struct client *client, const json_t *parameters, const char *name, int64_t low, int64_t high, int64_t *value);
/* A string that has to be there; NULL: it is not, and that was answered. */
const char *read_string(struct client *client, const json_t *parameters, const char *name);
/* Nothing may be given that is not known: a misspelt `expect` must not be taken for none. */
bool only(struct client *client, json_t *parameters, const char *const *known);
void invalid(struct client *client, const char *parameter, const char *why);
/* Answer a change, now or when its lanes have moved. */
void published(struct croom_control *control, struct client *client, int rc, const struct croom_error *err,
	       const struct croom_swap_result *result, int64_t wait_ms);

/* service.c */
void do_get_info(struct croom_control *control, struct client *client, json_t *parameters);
void do_get_description(struct croom_control *control, struct client *client, json_t *parameters);

/* methods-trial.c */
bool read_trial(struct client *client, const json_t *parameters, struct request *request);
void do_confirm(struct croom_control *control, struct client *client, json_t *parameters);
void do_freeze(struct croom_control *control, struct client *client, json_t *parameters);
void do_thaw(struct croom_control *control, struct client *client, json_t *parameters);
void do_promote(struct croom_control *control, struct client *client, json_t *parameters);
void do_profile(struct croom_control *control, struct client *client, json_t *parameters);
void do_trial(struct croom_control *control, struct client *client, json_t *parameters);
void do_pardon(struct croom_control *control, struct client *client, json_t *parameters);

/* methods-plugin.c */
void do_load(struct croom_control *control, struct client *client, json_t *parameters);
void do_unload(struct croom_control *control, struct client *client, json_t *parameters);
void do_plugins(struct croom_control *control, struct client *client, json_t *parameters);
/* Answer an unloading that waits, if its lanes have moved or its time is over. */
void unload_poll(struct croom_control *control, struct client *client, int64_t now);
/* Nobody waits for it any more: nothing was unloaded, and the journal hears of the attempt. */
void unload_gone(struct croom_control *control, struct client *client);

/* methods-journal.c */
void do_journal(struct croom_control *control, struct client *client, json_t *parameters);
void do_at(struct croom_control *control, struct client *client, json_t *parameters);

/* show.c: a room as JSON. Whole, or NULL when there is no memory for all of it. */
json_t *show_list(struct croom_control *control, const struct client *client);
/* The newest changes after a revision, at most count, and how many more there were. *last: the newest revision seen. */
json_t *show_history(struct croom_control *control, uint64_t after, size_t count, uint64_t *last);
json_t *show_result(const struct croom_swap_result *result);
json_t *show_gauges(struct croom_control *control);
/* The journal's state; null where there is none. */
json_t *show_journal(struct croom_control *control);
const char *role_name(enum croom_role role);
/* A string that may hold anything, as valid UTF-8. */
json_t *show_string(const char *text);
/*
 * A handler as it was asked for. One that would take more than `limit` bytes of a reply is cut, and says by how
 * much. What it takes is added to *used.
 */
json_t *show_handler(const char *text, size_t limit, size_t *used);

/* watch.c */
void watch_begin(struct croom_control *control, struct client *client, int64_t interval_ms);
void watch_tick(struct croom_control *control, struct client *client, int64_t now);

/* The interface file, embedded when it is built. */
extern const char croom_control_interface[];

#endif
