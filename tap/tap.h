/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * croomtap inside: its threads and what each of them owns.
 *
 *	source   tap/capture.c   libpcap -> `ring`. Writes ring's producer side, `received`, `source_error`, `source_over`.
 *	lane     tap/lane.c      ring -> slots -> sinks. Writes ring's consumer side, `tally`, the strings; observes the
 *	                         room. The only thread that runs handlers. No system call while the ring holds records; when
 *	                         it stays empty the lane wakes the writer, parks and sleeps (futexes), unless --spin.
 *	writer   tap/writer.c    sinks -> write(2). Writes the consumer side of each sink's ring and its descriptor. The main
 *	                         output has one of its own: a reader that holds it up holds up no other output.
 *	control  libcroom-control's thread: opens and closes handlers. Main: status line, the end. Signals have one, too.
 *
 * Ends: tap/signals.c or the source (end of file) sets `stop`; the source drains what the kernel has, sets
 * source_over and goes; the lane empties the ring, flushes, sets lane_over and goes; then the room closes its
 * handlers, the writer empties the sinks, and main adds up. If the lane stops at any instruction the ring fills and
 * refusals are counted; if the writer stops, the lane waits at the main sink and the same happens before it.
 */
#ifndef TAP_TAP_H
#define TAP_TAP_H

#include "record.h"
#include "sink.h"
#include <croom/inspect.h>
#include <croom/journal.h>
#include <croom/lane.h>
#include <croom/policy.h>
#include <croom/plugin.h>
#include <croom/ring.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

enum { TAP_SLOTS = 6, TAP_TICK_NS = 100 * 1000 * 1000, TAP_SNAPLEN = 262144 };

struct tap_options {
	const char *interface, *read_file, *write_file, *room, *blackbox;
	const char *state;                 /* directory of the journal; NULL: none is kept */
	const char *policy;                /* file; NULL: there is none */
	const char *default_printer;       /* where neither the command line nor an earlier run says which */
	char *expression;                  /* the filter, NULL: none was given */
	const char *handler[TAP_SLOTS];    /* by slot; NULL: not given */
	int snaplen, buffer_kib;
	uint64_t count;                    /* -c; 0: no end */
	double pace;                       /* packets a second; 0: as fast as it goes; -1: as recorded */
	bool no_promiscuous, immediate, nano, spin, lane_seccomp, no_control, no_status;
	int restore;                       /* -1: as where it is not said, which is to restore */
	int split;                         /* -1: as the printers have it */
	size_t ring_bytes;
};

/* A packet on the ring; its bytes follow. */
struct tap_captured {
	int64_t sec;
	uint64_t nsec;
	uint32_t caplen, len;
};

enum { TAP_LATENCY_BUCKETS = 64 * 4 };

/* The lane's sums: written by the lane alone, with relaxed stores, read by main, control and gauges. */
struct tap_tally {
	uint64_t received, bytes;
	uint64_t verdict[TAP_VERDICTS];
	uint64_t after_count;              /* left when -c was reached */
	uint64_t unshown;                  /* of the summarised: in rows that no printer took */
	uint64_t latency[TAP_LATENCY_BUCKETS];
};

struct tap_kernel {
	bool known;                        /* a live capture whose counters add up */
	uint64_t received, dropped;        /* by the kernel's own count; received includes dropped */
	uint64_t interface_dropped;        /* by the network card: never counted as received */
	uint32_t seen_received, seen_dropped, seen_interface;   /* what libpcap said at the last read */
};

struct tap {
	struct tap_options options;
	struct tap_env env;
	pcap_t *pcap;
	bool live;
	struct croom_ring *ring;
	struct croom_room *room;
	struct croom_journal *journal;     /* NULL: none is kept */
	struct croom_policy *policy;       /* NULL: there is none, and nobody may load plugins */
	struct croom_plugins *plugins;
	char command_line[256];            /* a longer one is cut */
	struct croom_lane *lane;
	struct tap_writer *writer;
	struct tap_sink *out;
	char *own_box;                     /* the black box's file, when it is of this process only; or NULL */
	pthread_t source_thread, lane_thread;
	struct tap_kernel kernel;          /* the source's until source_over */
	char source_error[300];            /* the source's until source_over */
	uint32_t door __attribute__((aligned(64)));   /* the lane's: see tap/door.h */
	int stop, source_over, lane_over;
	int hurried;                       /* by signals.c: the second signal that asked to end; 0: there was none */
	uint32_t main_door;
	uint64_t received __attribute__((aligned(64))); /* by the source */
	uint64_t kernel_dropped;           /* by the source, a few times a second */
	uint64_t first_revision;           /* what the command line asked for */
	struct tap_tally tally __attribute__((aligned(64)));
};

/* In a loop that waits for another thread: be easy on the core's other half. */
static inline void pause_cpu(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* options.c. Returns -1 to go on, otherwise the exit code. */
int tap_options_read(struct tap_options *options, int argc, char **argv);

/* source.c: open what -i or -r names. 0, or -1 with a message printed. */
int tap_source_open(struct tap *tap);
bool tap_linktype_known(int linktype);
int tap_list_interfaces(void);

/* capture.c, lane.c: the threads. */
void *tap_capture_run(void *tap);
void *tap_lane_run(void *tap);

/* kernel.c: count from here; add what has come since the last read. Source thread. */
void tap_kernel_zero(struct tap_kernel *kernel, const struct pcap_stat *zero);
void tap_kernel_add(struct tap_kernel *kernel, const struct pcap_stat *now);

/* seccomp.c: from here on any system call of this thread ends the process. 0 or -errno. */
int tap_forbid_system_calls(void);

/*
 * Ends a system call of the thread that it is sent to; it does nothing else. Nobody else sends this one.
 */
#define TAP_KICK (SIGRTMIN + 1)

/*
 * signals.c. quiet: before any thread; hear: start the thread that takes them, everybody else has them blocked from
 * here on; take_kicks: the calling thread's reads are ended by a kick from now on.
 */
void tap_signals_quiet(void);
int tap_signals_hear(struct tap *tap);
void tap_signals_take_kicks(void);
void tap_signals_kick(pthread_t thread);

/* slots.c: the room with all classes, and the handlers that the command line asks for. 0, or the exit code and a message. */
int tap_room_open(struct tap *tap);

/* box.c. 0, or the exit code and a message. After the classes and gauges, before the lane. */
int tap_box_open(struct tap *tap);
void tap_box_close(struct tap *tap);

/*
 * journal.c. open: with --state, after the classes; what is in the way is told, and the tap goes on. restore: what the command line
 * asks for, what an earlier run left, and otherwise the defaults; as croom_room_swap(). close: when the lane has ended.
 */
void tap_journal_open(struct tap *tap);
int tap_journal_restore(struct tap *tap, const struct croom_change *asked, unsigned count, const struct croom_change *otherwise,
			unsigned more, const struct croom_origin *origin, struct croom_error *err);
void tap_journal_close(struct tap *tap);

/* open.c. A descriptor, or -errno with *err saying what is in the way. input: what -r reads, NULL where that is no file. */
int tap_open_main(const char *path, const struct stat *input, struct croom_error *err);
/* What it is on is a file: what was in it goes. After everything that can fail, and before the lane. 0 or -errno. */
int tap_empty_main(const char *path, int fd, struct croom_error *err);
/* Whether -r reads a file (or a pipe), and which. */
bool tap_input_file(const struct tap *tap, struct stat *input);
/* Could -w be opened? Looks only. 0, or -errno and a message. */
int tap_check_output(const struct tap *tap);
int tap_open_append(const char *path, struct croom_error *err);
/* If this is a terminal: another descriptor of it, whose writes do not wait. -1: it is none, or cannot be opened. */
int tap_open_terminal(int fd);
/* A process that was killed may have left half a line at the end of what is appended to: end it. Nobody else writes there. */
void tap_end_line(int fd, const char *path);

/* writer.c */
int tap_writer_start(struct tap_writer **writer);
void tap_writer_stop(struct tap_writer *writer);
/* The main sink's error, 0 for none; *text says it. */
int tap_writer_error(struct tap_writer *writer, char *text, size_t size);
/* Whether a handler's own output failed. It was told when it did; the tap goes on without. */
bool tap_writer_other_failed(struct tap_writer *writer);
/* Whether something was left unwritten because nobody read it. */
bool tap_writer_gave_up(struct tap_writer *writer);
uint64_t tap_writer_bytes(struct tap_writer *writer);
/* From now on the main sink waits for no reader; once more, should the writer have been about to wait. Signals thread. */
void tap_writer_hurry(struct tap_writer *writer);
/* Whether that error is a reader that went away (`| head`). */
bool tap_writer_hung_up(struct tap_writer *writer);
/* Bytes that a failed sink did not write. */
uint64_t tap_writer_unwritten(struct tap_writer *writer);
/* Packets of the main sink in chunks that were not, or not wholly, written. */
uint64_t tap_writer_unwritten_packets(struct tap_writer *writer);

/* The main sink, on a descriptor of tap_open_main(): path "-" is stdout. split: see tap_sink_split(). */
int tap_sink_open_main(struct tap_sink **sink, struct tap_writer *writer, const char *path, int fd, bool split);
/* Something was handed over, and nothing will be for a while. Lane thread. */
void tap_writer_wake(struct tap_writer *writer);
/* Lane thread: waiting for room in a sink may sleep (the default), or has to spin. */
void tap_writer_spin(struct tap_writer *writer);

/* account.c: print the sum on stderr, when all is written; the exit code. swaps: there is no room to ask any more. */
int tap_account(struct tap *tap, uint64_t swaps);
uint64_t tap_lost(const struct tap *tap);
uint64_t tap_swaps(const struct tap *tap);   /* while it ran; rollbacks are some, too */

/* status.c: one line on the terminal, drawn anew; end it with tap_status_end(). */
void tap_status_draw(struct tap *tap);
void tap_status_end(void);
uint64_t tap_latency_quantile(const struct tap *tap, double quantile);
unsigned tap_latency_bucket(uint64_t ns);

/* demo/demo.c; the whole command line. */
int tap_demo(int argc, char **argv);

#endif
