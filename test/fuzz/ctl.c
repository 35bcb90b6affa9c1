/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a room says to croomctl: reading replies and showing them (ctl/). Input: a byte for the verb and how it is called,
 * then all that the room says before it hangs up. Beside the sanitizers: the exit code is one of those documented, nothing
 * that a terminal obeys is printed but croomctl's own, and with --json it is JSON.
 */
#include "../../ctl/ctl.h"
#include "fuzz.h"
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { JSON = 8, TERMINAL = 16, LONGEST = 100 * 1024 };

static char folder[] = "/tmp/croom-fuzz-XXXXXX", path[64];
static const uint8_t *said;
static size_t length;
static int others[8], other_count;       /* ends of connections, open until the verb has ended */
static bool terminal, calling;

/* The room: everything is said when somebody comes. */
int __real_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	int pair[2];

	(void)to;
	(void)size;
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 && other_count < 8);
	MUST(send(pair[1], said, length, MSG_DONTWAIT) == (ssize_t)length);
	shutdown(pair[1], SHUT_WR);
	MUST(dup2(pair[0], fd) == fd);
	close(pair[0]);
	others[other_count++] = pair[1];
	return 0;
}

int __wrap_isatty(int fd);
int __wrap_isatty(int fd)
{
	return terminal && fd == STDOUT_FILENO;
}

/* Signals stay libFuzzer's, which sets them with the same function. */
int __real_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	return calling ? 0 : __real_sigaction(number, action, old);
}

int __real_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	return __real_sigprocmask(SIG_BLOCK, NULL, old);
}

/* Reading /etc/passwd is the C library's. */
struct passwd *__wrap_getpwuid(uid_t uid);
struct passwd *__wrap_getpwuid(uid_t uid)
{
	static char name[] = "root";
	static struct passwd root = { .pw_name = name };

	return uid ? NULL : &root;
}

static void clean_up(void)
{
	unlink(path);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int fd;

	(void)argc;
	(void)argv;
	MUST(mkdtemp(folder) && setenv("CROOM_RUNTIME_DIR", folder, 1) == 0 && setenv("TZ", "UTC", 1) == 0);
	atexit(clean_up);
	/* Its name is all that `ls` looks at. */
	snprintf(path, sizeof(path), "%s/fuzz.socket", folder);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	MUST(fd >= 0);
	close(fd);
	return 0;
}

/* croomctl's own sequences, which it writes to a terminal; bytes, 0 for none there. */
static size_t own(const char *text)
{
	static const char *const sequences[] = { "\033[H", "\033[K", "\033[J", "\033[?25l", "\033[?25h", "\r" };

	for (size_t i = 0; terminal && i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (strncmp(text, sequences[i], strlen(sequences[i])) == 0)
			return strlen(sequences[i]);
	return 0;
}

/* Text in UTF-8, without controls and without marks that change the direction of writing. */
static bool tame(const char *text, size_t size)
{
	json_t *valid = json_stringn(text, size);
	bool good = valid != NULL;

	json_decref(valid);
	for (size_t i = 0; i < size && good; i++) {
		const unsigned char *at = (const unsigned char *)text + i;
		size_t sequence = own(text + i);

		if (sequence)
			i += sequence - 1;
		else if ((*at < 32 && *at != '\n') || *at == 127 || (at[0] == 0xc2 && at[1] < 0xa0))
			good = false;
		else if (at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae)))
			good = false;
		else if (at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)
			good = false;
	}
	return good;
}

/* One value or several. */
static bool is_json(const char *text, size_t size)
{
	while (size && strspn(text, "\n ") < size) {
		json_error_t error;
		json_t *value = json_loadb(text, size, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

		if (!value)
			return false;
		json_decref(value);
		text += error.position;
		size -= (size_t)error.position;
	}
	return true;
}

static int call(struct ctl *ctl, unsigned verb)
{
	static char *changes[] = { "a=b", "c=d:e" };

	ctl->argc = 2;
	ctl->argv = changes;
	switch (verb) {
	case 0: return verb_list(ctl);
	case 1: return verb_swap(ctl);
	case 2: return verb_history(ctl);
	case 3: return verb_rollback(ctl);
	case 4: case 5: return verb_watch(ctl);
	default:
		ctl->socket = NULL;
		return verb == 6 ? verb_ls(ctl) : verb_list(ctl);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl ctl = { .expect = -1, .to = -1, .wait_ms = -1, .count = -1, .interval_ms = 1000, .patience_ms = ANSWER_MS,
			   .socket = "fuzz", .command = "croomctl" };
	FILE *out = stdout, *err = stderr;
	char *text[2] = { NULL, NULL };
	size_t used[2];
	int code;

	if (size < 1 || size > LONGEST)
		return 0;
	said = data + 1;
	length = size - 1;
	ctl.json = data[0] & JSON;
	terminal = data[0] & TERMINAL;
	stdout = open_memstream(&text[0], &used[0]);
	stderr = open_memstream(&text[1], &used[1]);
	calling = true;
	code = call(&ctl, data[0] & 7);
	calling = false;
	fclose(stdout);
	fclose(stderr);
	stdout = out;
	stderr = err;
	for (; other_count; other_count--)
		close(others[other_count - 1]);
	MUST(code >= DONE && code <= NO_ROOM);
	for (int i = 0; i < 2; i++)
		if (!tame(text[i], used[i]))
			fuzz_wrong("a terminal would obey", text[i], used[i]);
	if (ctl.json && (!is_json(text[0], used[0]) || used[1]))
		fuzz_wrong("not JSON", text[0], used[0]);
	if (!ctl.json && code != DONE && !used[1])
		fuzz_wrong("failed without a word", text[0], used[0]);
	free(text[0]);
	free(text[1]);
	return 0;
}
