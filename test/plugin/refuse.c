// SPDX-License-Identifier: BSD-2-Clause
/* What is no good plugin is refused with a sentence that says why, and nothing of it stays: no class, no memory, no descriptor. */
#include "plugins.h"
#include <sys/inotify.h>
#include <sys/wait.h>

static const struct {
	const char *name;
	int code;
	const char *words;
} bad[] = {
	{ "other", -ENOEXEC, "is a shared object and no plugin: it has no CROOM_PLUGIN()" },
	{ "hidden", -ENOEXEC, "does not export croom_plugin_descriptor" },
	{ "note-magic", -ENOEXEC, "its note has magic 00000007" },
	{ "magic", -EPROTO, "its descriptor has magic 00000007" },
	{ "major", -EPROTO, "was compiled for plugin ABI 2.1, and this program has 1.1" },
	{ "newer", -EPROTO, "was compiled for plugin ABI 1.2, and this program has 1.1" },
	{ "disagrees", -EPROTO, "its descriptor is of ABI 1.1, its note of 1.0" },
	{ "size", -EPROTO, "its descriptor has 8 bytes, this program's has 64" },
	{ "class-size", -EPROTO, "its classes have 8 bytes, this program's have 72" },
	{ "classless", -EINVAL, "has 0 classes: there must be 1 to 64" },
	{ "crowded", -EINVAL, "has 1000000 classes: there must be 1 to 64" },
	{ "empty-class", -EINVAL, "names no class for class 2" },
	{ "nameless", -EINVAL, "has no good name: 1 to 31 letters, digits, '_', '-' or '.', not 'n a m e'" },
	{ "record", -EPROTOTYPE, "class mine takes note of 32 bytes version 2, slot printer has note of 16 bytes version 1" },
	{ "marks", -ENOENT, "no slot 'prinetr'; did you mean printer?" },
	{ "undefined", -ELIBBAD, "cannot be linked into this program: undefined symbol: croom_no_such_function" },
	{ "twice", -EEXIST, "slot printer has a class 'mine' already" },
	{ "clash", -EEXIST, "slot printer has a class 'plain' already" },
	{ "cold", -EIO, "is not loaded: its warm-up says: the table is not there" },
	{ "execstack", -ENOEXEC, "link it with -z noexecstack" },
	{ "needs", -ENOEXEC, "by its path: link it by its name" },
	{ "runpath", -ENOEXEC, "link it without -rpath" },
	{ "auxiliary", -ENOEXEC, "link it without -F and -f" },
};

static bool is_refused(int rc, int code, const char *words)
{
	bool good = rc == code && strstr(err.text, words);

	if (!good)
		printf("# %d instead of %d, and: %s\n", rc, code, err.text);
	return good;
}

static void bad_plugins_are_refused(void)
{
	unsigned fds;

	begin();
	fds = entries("/proc/self/fd");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(is_refused(load(bad[i].name), bad[i].code, bad[i].words));
		CHECK(strstr(err.text, module(bad[i].name) + strlen(module(bad[i].name)) - 6));
		CHECK(strstr(heard, err.text + strlen(err.text) - 12));
		CHECK(classes_are(own_classes) && plugins_are(""));
		CHECK_EQ(entries("/proc/self/fd"), fds);
		CHECK_EQ(mappings("memfd:"), 0);
	}
	/* And one that is good still loads. */
	CHECK_EQ(load("good"), 0);
	end();
}

static void no_code_runs_of_what_is_refused_by_its_bytes(void)
{
	static const char *const names[] = { "marks", NULL };

	begin();
	unsetenv("CROOM_TEST_MARK");
	copy_file(module(names[0]), in_folder("cut.so"));
	CHECK_EQ(truncate(in_folder("cut.so"), 8192), 0);
	CHECK(is_refused(load_path(in_folder("cut.so")), -ENOEXEC, ""));
	CHECK(!getenv("CROOM_TEST_MARK"));
	CHECK(is_refused(croom_plugins_load(plugins, module(names[0]), NULL, NULL, &err), -EACCES,
			 "no policy allows plugins; start with --policy FILE"));
	CHECK_EQ(err.kind, CROOM_ERROR_NOT_TRUSTED);
	CHECK(!getenv("CROOM_TEST_MARK"));
	/* As it would be seen. */
	CHECK_EQ(load(names[0]), -ENOENT);
	CHECK(getenv("CROOM_TEST_MARK") != NULL);
	end();
}

static void files_that_are_none_are_refused(void)
{
	struct inotify_event event;
	int watch;

	begin();
	CHECK(is_refused(load_path("relative.so"), -EINVAL, "is no absolute path"));
	CHECK(is_refused(load_path(in_folder("nowhere.so")), -ENOENT, "cannot be opened: No such file"));
	CHECK(is_refused(load_path(folder), -EISDIR, "is not a regular file"));
	CHECK_EQ(mkfifo(in_folder("pipe"), 0600), 0);
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(inotify_add_watch(watch, in_folder("pipe"), IN_OPEN) >= 0);
	CHECK(is_refused(load_path(in_folder("pipe")), -EINVAL, "is not a regular file"));
	/* Nor was it opened: of a device that may do things. */
	CHECK(read(watch, &event, sizeof(event)) < 0 && errno == EAGAIN);
	close(watch);
	CHECK_EQ(symlink(module("good"), in_folder("link.so")), 0);
	CHECK(is_refused(load_path(in_folder("link.so")), -ELOOP, "is a symbolic link: name the file itself"));
	close(open(in_folder("empty"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	CHECK(is_refused(load_path(in_folder("empty")), -ENOEXEC, "is empty"));
	CHECK_EQ(truncate(in_folder("empty"), 100000), 0);
	CHECK(is_refused(load_path(in_folder("empty")), -ENOEXEC, "is no ELF file"));
	CHECK_EQ(truncate(in_folder("empty"), CROOM_PLUGIN_BYTES + 1), 0);
	CHECK(is_refused(load_path(in_folder("empty")), -EFBIG, "has more than 64 MiB"));
	CHECK(is_refused(load_path("/proc/self/exe"), -ELOOP, "is a symbolic link"));
	end();
}

static void programs_and_objects_are_refused(void)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	begin();
	self[length > 0 ? length : 0] = 0;
	CHECK(is_refused(load_path(self), -ENOEXEC, "is a program: compile it with `gcc -shared -fPIC`"));
	CHECK(is_refused(load_path(OBJECT), -ENOEXEC, "is an object file that was not linked"));
	end();
}

static void one_for_another_cpu_is_refused(void)
{
	if (!*FOREIGN) {
		SKIP("no compiler for another CPU is installed");
		return;
	}
	begin();
	CHECK(is_refused(load_path(FOREIGN), -ENOEXEC, "is for another kind of CPU (ELF machine "));
	end();
}

/* The dynamic linker would follow what it reads: none of these may crash, and none that lost bytes of a segment may load. */
static void cut_off_anywhere_it_is_refused(void)
{
	struct stat stat;
	off_t step;

	begin();
	CHECK_EQ(lstat(module("good"), &stat), 0);
	step = check_rounds(40) < 40 ? stat.st_size / 20 : stat.st_size / 200;
	for (off_t size = stat.st_size - 1; size > 0; size -= size > 5000 ? step : 97) {
		const char *path = in_folder("cut.so");
		int rc;

		copy_file(module("good"), path);
		CHECK_EQ(truncate(path, size), 0);
		rc = load_path(path);
		/* What is cut off at the end may be nothing but the section headers of debugging. */
		CHECK(rc == -ENOEXEC);
		if (rc == 0)
			CHECK_EQ(unload("good"), 0);
	}
	CHECK(classes_are(own_classes));
	end();
}

static int told;

static void tell(void *env, const struct croom_event *event)
{
	(void)env;
	if (write(told, event->text, strlen(event->text)) < 0)
		abort();
}

/* A constructor can do what it likes; but who listens, as the journal does, has heard of it before. */
static void one_that_ends_the_process_was_named_before(void)
{
	char said[4096] = "";
	int ends[2], status = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		abort();
	fflush(stdout);
	child = fork();
	if (child == 0) {
		begin();
		told = ends[1];
		croom_room_listen(room, tell, NULL);
		load("exits");
		_exit(1);
	}
	close(ends[1]);
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 77);
	CHECK(read(ends[0], said, sizeof(said) - 1) > 0);
	CHECK(strncmp(said, "loads /", 7) == 0 && strstr(said, "exits.so (sha256 "));
	close(ends[0]);
}

int main(void)
{
	RUN(bad_plugins_are_refused);
	RUN(no_code_runs_of_what_is_refused_by_its_bytes);
	RUN(files_that_are_none_are_refused);
	RUN(programs_and_objects_are_refused);
	RUN(one_for_another_cpu_is_refused);
	RUN(cut_off_anywhere_it_is_refused);
	RUN(one_that_ends_the_process_was_named_before);
	return check_result();
}
