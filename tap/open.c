/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening files to write to, with a word on each thing that is not one. */
#include "say.h"
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" :
		S_ISBLK(mode) ? "a block device" : "a device";
}

static const char *remedy(int error)
{
	switch (error) {
	case ENOENT: return "make its directory first, or choose another";
	case EACCES: case EPERM: case EROFS: return "choose one that this user can write to";
	case EISDIR: return "name a file in it";
	case ENAMETOOLONG: return "choose a shorter one";
	case ENOSPC: case EDQUOT: return "make room there";
	case EMFILE: return "allow more open files (ulimit -n)";
	default: return "choose another";
	}
}

int tap_cannot_write(const char *path, struct croom_error *err)
{
	/* Of some errors the name that was given is innocent. */
	bool given = errno != ENOMEM && errno != EMFILE && errno != ENFILE && errno != ENOSPC && errno != EDQUOT;

	return croom_error_set(err, -errno, given ? CROOM_ERROR_BAD_CONFIG : CROOM_ERROR_OTHER, NULL,
			       "cannot write to '%s': %s; %s", path, strerror(errno), remedy(errno));
}

/* Refuse an open file that is not one of ours to write to. */
static int refuse(int fd, const char *path, const char *why, struct croom_error *err)
{
	if (fd >= 0)
		close(fd);
	return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "cannot write to '%s': %s; choose another", path, why);
}

/*
 * open(2) on a FIFO waits for a reader, here with the room's mutex held; and a FIFO that is full would later stop the
 * writer thread, which all outputs share. Without waiting, a FIFO that nobody reads and a socket give ENXIO.
 */
int tap_open_append(const char *path, struct croom_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	struct stat about;
	int flags;

	if (fd < 0 && errno != ENXIO)
		return tap_cannot_write(path, err);
	if (fd < 0 || fstat(fd, &about) || !(S_ISREG(about.st_mode) || S_ISCHR(about.st_mode)))
		return refuse(fd, path, "it is neither a file nor a device like /dev/null; a pipe's reader could stop the tap", err);
	/* A terminal says that it takes something, and then waits for its reader to take all of it. */
	flags = isatty(fd) ? -1 : fcntl(fd, F_GETFL);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

int tap_open_terminal(int fd)
{
	char name[64];

	/* Anew, because whoever shares this one with us may want to wait. */
	return ttyname_r(fd, name, sizeof(name)) ? -1 : open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

void tap_end_line(int fd, const char *path)
{
	int reader = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat about, same;
	char last;

	if (reader >= 0 && fstat(fd, &about) == 0 && fstat(reader, &same) == 0 && S_ISREG(about.st_mode) &&
	    about.st_dev == same.st_dev && about.st_ino == same.st_ino && same.st_size > 0 &&
	    pread(reader, &last, 1, same.st_size - 1) == 1 && last != '\n' && write(fd, "\n", 1) < 0) {
		/* Then the disk is full, which the first line will say. */
	}
	if (reader >= 0)
		close(reader);
}

/* One that is there, and is to be the main output. 0 or -errno. */
static int check_main(const char *path, const struct stat *about, const struct stat *input, struct croom_error *err)
{
	if (input && S_ISREG(about->st_mode) && about->st_dev == input->st_dev && about->st_ino == input->st_ino)
		return refuse(-1, path, "it is the file that is read", err);
	return S_ISBLK(about->st_mode) ? refuse(-1, path, "it is a block device", err) : 0;
}

bool tap_input_file(const struct tap *tap, struct stat *input)
{
	return !tap->live && fstat(fileno(pcap_file(tap->pcap)), input) == 0;
}

int tap_check_output(const struct tap *tap)
{
	const char *path = tap->options.write_file;
	struct croom_error err = { 0 };
	struct stat about, input;
	int rc = 0;

	if (strcmp(path, "-") == 0)
		return 0;
	rc = tap_check_writable(path, &err);
	if (rc == 0 && stat(path, &about) == 0)
		rc = check_main(path, &about, tap_input_file(tap, &input) ? &input : NULL, &err);
	if (rc)
		tap_say("-w: %s", err.text);
	return rc;
}

/* Here a FIFO is welcome: `mkfifo p; croomtap -w p` waits for its reader, as tcpdump does. */
int tap_open_main(const char *path, const struct stat *input, struct croom_error *err)
{
	bool file = strcmp(path, "-") != 0;
	int fd = file ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : STDOUT_FILENO, rc;
	struct stat about;

	if (fd < 0 || fstat(fd, &about))
		return tap_cannot_write(file ? path : "standard output", err);
	rc = check_main(file ? path : "standard output", &about, input, err);
	if (rc && file)
		close(fd);
	return rc ? rc : fd;
}

int tap_empty_main(const char *path, int fd, struct croom_error *err)
{
	struct stat about;
	bool file = strcmp(path, "-") && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);

	return file && ftruncate(fd, 0) ? tap_cannot_write(path, err) : 0;
}

static bool look(const char *path, int standard, struct stat *about)
{
	return (strcmp(path, "-") ? stat(path, about) : fstat(standard, about)) == 0;
}

/* The same name in the same folder, be there such a file or not. */
static bool will_be_same(const char *one, const char *other)
{
	const char *path[2] = { one, other }, *base[2];
	struct stat folder[2];

	for (int i = 0; i < 2; i++) {
		const char *slash = strrchr(path[i], '/');
		char name[4096] = ".";

		base[i] = slash ? slash + 1 : path[i];
		if (base[i] - path[i] >= (ptrdiff_t)sizeof(name))
			return false;
		if (slash)
			memcpy(name, path[i], (size_t)(base[i] - path[i]));
		name[slash ? base[i] - path[i] : 1] = 0;
		if (stat(name, &folder[i]))
			return false;
	}
	return strcmp(base[0], base[1]) == 0 && folder[0].st_dev == folder[1].st_dev && folder[0].st_ino == folder[1].st_ino;
}

/* FILE.1, FILE.2, ...: what an output that is split goes on in. */
static bool is_part(const char *path, const char *output)
{
	char real[PATH_MAX], name[PATH_MAX];
	const char *dot;

	path = realpath(path, real) ? real : path;
	dot = strrchr(path, '.');
	if (!dot || !dot[1] || dot[1 + strspn(dot + 1, "0123456789")] || (size_t)(dot - path) >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
	return will_be_same(name, output);
}

int tap_check_own(const struct tap_env *env, const char *path, struct croom_error *err)
{
	const char *taken[] = { env->input, env->output };
	struct stat about, other;
	bool there = stat(path, &about) == 0;

	for (int i = 0; i < 2; i++) {
		bool same, known = taken[i] && look(taken[i], i ? STDOUT_FILENO : STDIN_FILENO, &other);

		if (there)
			same = known && S_ISREG(about.st_mode) && about.st_dev == other.st_dev && about.st_ino == other.st_ino;
		else
			same = taken[i] && !known && strcmp(taken[i], "-") && will_be_same(path, taken[i]);
		if (same)
			return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "cannot write to '%s': it is the file "
					       "that %s; choose another", path, i ? "the packets are written to" : "is read");
	}
	if (env->output && strcmp(env->output, "-") && is_part(path, env->output))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "cannot write to '%s': packets are written to files "
				       "of such names when the output is split; choose another", path);
	return 0;
}

/* Could a file of this name be written to, or made? Looks only. */
int tap_check_writable(const char *path, struct croom_error *err)
{
	const char *slash = strrchr(path, '/');
	char folder[4096] = ".";
	struct stat about;
	int there = stat(path, &about), failed;

	if (there && errno != ENOENT)
		return tap_cannot_write(path, err);
	if (there == 0 && S_ISDIR(about.st_mode)) {
		errno = EISDIR;
		return tap_cannot_write(path, err);
	}
	if (slash && slash - path < (ptrdiff_t)sizeof(folder))
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	failed = there == 0 ? faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) : faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS);
	if (failed)
		return tap_cannot_write(path, err);
	return 0;
}

/* What is renamed over a device or a FIFO would take its place, and nobody wants to lose /dev/null. */
int tap_check_replaceable(const char *path, struct croom_error *err)
{
	struct stat about;

	if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "'%s' is %s, and not a file that could be replaced every second; choose another", path, kind(about.st_mode));
	return 0;
}
