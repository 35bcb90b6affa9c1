/* SPDX-License-Identifier: BSD-2-Clause */
/* The demo's acts, and the account at their end. */
#include "demo.h"
#include "../tap.h"
#include <croom/control.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STARTS = 5, SETTLE_MS = 200, TAP_ARGS = 24 };

static const char help[] =
	"usage: croomtap demo [--seconds N] [--keep]\n"
	"\n"
	"Starts real servers and clients in a private network (no root needed), captures their packets and rewires the\n"
	"capture while it runs; at the end it holds croomtap's account against the kernel's own counter.\n"
	"  --seconds N   length of the last act, in which every slot is swapped all the time (default 6)\n"
	"  --keep        then go on until Ctrl-C, for your own commands: croomctl swap printer=json\n"
	"Exit code 0 when nothing was lost and all adds up, 1 when not, 2 for a wrong command line.\n";

/* One change and what is to be seen. */
struct act {
	const char *says, *change;   /* change NULL: roll back */
	int lines, wait_ms;
};

static const struct act acts[] = {
	{ "text is what tcpdump -nq prints.", "printer=text", 3, 2000 },
	{ "Another format, in the middle of the stream: each packet is printed by one of\n"
	  "the two, none by both.",
	  "printer=json", 2, 2000 },
	{ "Another filter. tcpdump has to be restarted for that; here libpcap compiles it\n"
	  "beside the stream.",
	  "printer=text filter='bpf:udp port 53'", 3, 4000 },
	{ "A filter that does not compile is refused, and nothing has changed.", "filter='bpf:tcp prot 80'", 1, 2000 },
	{ "Back to the state before: a rollback is a revision like any other.", NULL, 2, 2000 },
	{ "A strategy: the three largest talkers of each second instead of packets.",
	  "filter=all printer=text strategy=top:3", 3, 4000 },
	{ "Four slots at one packet's boundary: one transaction, or nothing of it.",
	  "strategy=sample:100 printer=csv diag=drops audit=file:/dev/null", 3, 2000 },
};

struct demo {
	char folder[64], socket[300], room[64];
	const char *program;         /* as typed: where it is, croomctl is, too */
	int beside;                  /* bytes of that before its name */
	pid_t tap;
	uint64_t before;             /* the kernel's counter when the tap began */
	uint64_t swaps;
	int seconds;
	bool keep, terminal;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (!interrupted)
		nanosleep(&pause, NULL);
}

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *at)
{
	(void)is;
	(void)kind;
	(void)at;
	return remove(path);
}

static int read_options(struct demo *demo, int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	demo->program = argv[0];
	demo->beside = slash ? (int)(slash + 1 - argv[0]) : 0;
	for (int i = 2; i < argc; i++) {
		char *end = NULL;

		if (strcmp(argv[i], "--keep") == 0) {
			demo->keep = true;
		} else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
			long seconds = strtol(argv[++i], &end, 10);

			if (*end || seconds < 1 || seconds > 86400) {
				fprintf(stderr, "croomtap demo: --seconds takes 1 to 86400, not '%s'\n", argv[i]);
				return 2;
			}
			demo->seconds = (int)seconds;
		} else if (strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			return 0;
		} else {
			fprintf(stderr, "croomtap demo: what is '%s'? see croomtap demo --help\n", argv[i]);
			return 2;
		}
	}
	return -1;
}

/* The control socket has to be where the user's croomctl looks, so ask before this process changes its user. */
static int prepare(struct demo *demo)
{
	char directory[200];

	if (croom_control_directory(directory, sizeof(directory)))
		return -1;
	setenv("CROOM_RUNTIME_DIR", directory, 1);
	snprintf(demo->room, sizeof(demo->room), "demo-%d", (int)getpid());
	snprintf(demo->socket, sizeof(demo->socket), "%s/%s.socket", directory, demo->room);
	snprintf(demo->folder, sizeof(demo->folder), "/tmp/croomtap-demo-XXXXXX");
	if (!mkdtemp(demo->folder)) {
		fprintf(stderr, "croomtap demo: cannot make a folder in /tmp: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

static void run_tap(const struct demo *demo, int out, int err)
{
	const char *argv[TAP_ARGS] = { "croomtap", "-i", DEMO_INTERFACE, "-B", "65536", "--ring", "128", "--printer", "text",
				       "-w", "-", "--no-split", "--room", demo->room, NULL };

	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execv("/proc/self/exe", (char **)(uintptr_t)argv);
	_exit(127);
}

/* Start a tap and wait for its control socket. */
static int start_tap(struct demo *demo)
{
	char path[128];
	int64_t until = now_ms() + 20000;
	int out[2], err;

	snprintf(path, sizeof(path), "%s/said", demo->folder);
	err = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (err < 0 || pipe2(out, O_CLOEXEC))
		return -1;
	demo->tap = load_fork();
	if (demo->tap == 0)
		run_tap(demo, out[1], err);
	close(out[1]);
	close(err);
	if (screen_start(out[0]))
		return -1;
	while (now_ms() < until && !interrupted) {
		if (room_connect(demo->socket) == 0)
			return 0;
		if (waitpid(demo->tap, NULL, WNOHANG) == demo->tap)
			break;
		sleep_ms(20);
	}
	return -1;
}

static int end_tap(struct demo *demo)
{
	int status = 0;

	room_disconnect();
	if (demo->tap <= 0)
		return -1;
	kill(demo->tap, SIGINT);
	waitpid(demo->tap, &status, 0);
	screen_end();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A tap that began while nothing moved, so that the kernel's counter and its own start at the same packet. */
static int start_quiet(struct demo *demo)
{
	for (int i = 0; i < STARTS && !interrupted; i++) {
		net_settle();
		demo->before = net_packets();
		if (start_tap(demo))
			return -1;
		if (net_packets() == demo->before)
			return 0;
		end_tap(demo);
	}
	return -1;
}

static void print_said(const struct demo *demo)
{
	char path[128], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/said", demo->folder);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		printf("  croomtap: %s", line);
	if (file)
		fclose(file);
}

static int play(struct demo *demo, const struct act *act)
{
	struct demo_reply reply;

	printf("\n%s\n  $ croomctl %s%s\n", act->says, act->change ? "swap " : "rollback", act->change ? act->change : "");
	if ((act->change ? room_swap(act->change, &reply) : room_rollback(&reply)))
		return -1;
	if (reply.refused) {
		printf("    refused: %s\n", reply.message);
	} else {
		demo->swaps++;
		printf("    revision %" PRIu64 ", in force from packet %" PRIu64 "\n", reply.revision, reply.first_record);
	}
	/* What is on its way out was printed before. */
	sleep_ms(SETTLE_MS);
	screen_show(act->lines, act->wait_ms);
	sleep_ms(SETTLE_MS);
	return 0;
}

static void draw(const struct demo *demo, const char *what, int64_t since, bool last)
{
	double seconds = (double)(now_ms() - since) / 1000;
	uint64_t packets = net_packets() - demo->before;

	printf("%s    %5.1f s: %8" PRIu64 " packets, %6" PRIu64 " swaps; now %-28.28s%s", demo->terminal ? "\r" : "", seconds,
	       packets, demo->swaps, what, demo->terminal && !last ? "" : "\n");
	fflush(stdout);
}

/* Every slot, all the time. */
static int storm(struct demo *demo)
{
	static const char *const change[] = {
		"printer=json", "filter=bpf:tcp", "strategy=sample:10 audit=off", "metrics=statsd:127.0.0.1:8125", "printer=text",
		"diag=drops filter=all", "strategy=flows:1", "audit=file:/dev/null printer=csv", "strategy=each diag=off",
		"filter='bpf:udp or icmp or icmp6'", "metrics=off printer=text", "filter=all strategy=top:5",
		"strategy=each", "diag=malformed", "printer=json diag=off",
	};
	int64_t since = now_ms(), drawn = 0;
	uint64_t first = demo->swaps;
	struct demo_reply reply;

	printf("\nNow every slot, for %d seconds, as fast as the tap says that each is in force:\n", demo->seconds);
	for (unsigned i = 0; now_ms() - since < demo->seconds * 1000 && !interrupted; i++) {
		const char *one = change[i % (sizeof(change) / sizeof(change[0]))];

		if (room_swap(one, &reply))
			return -1;
		if (reply.refused) {
			fprintf(stderr, "croomtap demo: %s: %s\n", one, reply.message);
			return -1;
		}
		demo->swaps++;
		if (now_ms() - drawn >= (demo->terminal ? 100 : 1000)) {
			drawn = now_ms();
			draw(demo, one, since, false);
		}
	}
	draw(demo, "over", since, true);
	printf("    %.0f swaps a second\n", (double)(demo->swaps - first) * 1000 / (double)(now_ms() - since));
	return 0;
}

/* As they can be typed: with the folder of this program, unless the shell finds it. */
static void show_commands(const struct demo *demo, const char *as, const char *const *command)
{
	for (; *command; command++)
		printf("  $ %s%.*s%s\n", as, demo->beside, demo->program, *command);
}

static void your_turn(struct demo *demo)
{
	struct demo_reply reply;

	room_swap("filter=all strategy=sample:1000 printer=text audit=off metrics=off diag=off", &reply);
	room_disconnect();
	printf("\nYour turn, in a second terminal; Ctrl-C here ends it:\n");
	show_commands(demo, "", (const char *const[]){ "croomctl swap printer=json", "croomctl swap strategy=top:3",
						       "croomctl watch", NULL });
	printf("\n");
	while (!interrupted && waitpid(demo->tap, NULL, WNOHANG) == 0) {
		screen_show(3, 1000);
		sleep_ms(1000);
	}
}

static void figure(const char *name, uint64_t figure)
{
	printf("  %-58s %12" PRIu64 "\n", name, figure);
}

/* The account's line in what the tap said: the last one, "N received ... = ...". */
static const char *account_line(const char *said)
{
	const char *found = "", *next;

	for (const char *line = said; line; line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : NULL;
		if (*line >= '0' && *line <= '9' && strstr(line, " received") && (!next || strstr(line, " received") < next))
			found = line;
	}
	return found;
}

/* A figure of that line: the number before its name. */
static uint64_t line_figure(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	while (at && at > line && (at[-1] == ' ' || (at[-1] >= '0' && at[-1] <= '9')))
		at--;
	return at ? strtoull(at, NULL, 10) : 0;
}

static int account(struct demo *demo, int tap_rc, uint64_t kernel, bool still)
{
	char path[128], said[4096] = "";
	uint64_t received, lost, printed, shown = screen_packets(), left_out;
	const char *line, *lost_at;
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/said", demo->folder);
	file = fopen(path, "re");
	if (file) {
		/* The account comes last; diagnostics may have filled the file before it. */
		if (fseek(file, -(long)(sizeof(said) - 1), SEEK_END))
			rewind(file);
		said[fread(said, 1, sizeof(said) - 1, file)] = 0;
		fclose(file);
	}
	line = account_line(said);
	received = line_figure(line, "received");
	printed = line_figure(line, "printed");
	lost_at = strstr(line, "LOST ");
	lost = lost_at ? strtoull(lost_at + 5, NULL, 10) : UINT64_MAX;
	left_out = line_figure(line, "filtered") + line_figure(line, "sampled out") + line_figure(line, "summarised");
	good = tap_rc == 0 && lost == 0 && received == kernel && shown == printed && still;
	printf("\nThe account\n");
	figure("packets over the interface, by the kernel's own counter", kernel);
	figure("packets that croomtap received", received);
	figure("  of these left out by filters and strategies, as told", left_out);
	figure("  of these printed, by croomtap's count", printed);
	figure("packets in the lines that came out, counted here", shown);
	figure("swaps while it ran", demo->swaps);
	figure("LOST", lost);
	if (!still)
		printf("The network did not come to rest, so the kernel's counter cannot be compared.\n");
	if (!good)
		printf("This does not add up. What croomtap said:\n%s", said);
	return good ? 0 : 1;
}

static int perform(struct demo *demo)
{
	int rc, clients;
	uint64_t kernel;
	bool still;

	if (net_open())
		return 1;
	if (start_quiet(demo)) {
		printf(interrupted ? "croomtap demo: interrupted before there was anything to show\n" :
				     "croomtap demo: the tap did not start\n");
		if (!interrupted)
			print_said(demo);
		return 1;
	}
	printf("A private network with real servers and clients:\n");
	clients = load_start(demo->folder);
	printf("croomtap taps the cable between them. In a second terminal,\n`%.*scroomctl watch` shows it live.\n", demo->beside,
	       demo->program);
	if (!clients) {
		printf("croomtap demo: nothing to capture; install at least ping\n");
		return 1;
	}
	sleep_ms(1000);
	rc = 0;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]) && rc == 0 && !interrupted; i++)
		rc = play(demo, &acts[i]);
	if (rc == 0 && !interrupted)
		rc = storm(demo);
	if (rc == 0 && !interrupted && demo->keep)
		your_turn(demo);
	load_stop();
	/* Before the cable is pulled: what is sent into a cable that is just going may be counted by the kernel alone. */
	net_settle();
	net_cut();
	still = net_settle();
	kernel = net_packets() - demo->before;
	if (rc)
		printf("croomtap demo: the control socket is gone\n");
	rc |= account(demo, end_tap(demo), kernel, still && net_packets() - demo->before == kernel);
	return rc;
}

int tap_demo(int argc, char **argv)
{
	struct demo demo = { .seconds = 6, .terminal = isatty(STDOUT_FILENO) };
	struct sigaction act = { .sa_handler = on_signal };
	int rc = read_options(&demo, argc, argv);

	if (rc >= 0)
		return rc;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (prepare(&demo))
		return 1;
	rc = perform(&demo);
	load_stop();
	nftw(demo.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (rc == 0) {
		printf("\nNext, on your own traffic:\n");
		show_commands(&demo, geteuid() ? "sudo " : "",
			      (const char *const[]){ "croomtap -i eth0       any interface: croomtap -D",
						     "croomctl list          in a second terminal: what sits where",
						     "croomctl swap printer=json", NULL });
		printf("Or, without sudo, this network until Ctrl-C:\n");
		show_commands(&demo, "", (const char *const[]){ "croomtap demo --keep", NULL });
	}
	return rc;
}
