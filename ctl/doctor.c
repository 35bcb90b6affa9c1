/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor: which lane does not come on, in which handler, and where exactly its thread is. The program is asked twice with a pause;
 * then the stack of each lane that hangs is taken with ptrace(2), which stops that one thread for some milliseconds. libdw
 * unwinds and names.
 */
#include "ctl.h"
#include <dirent.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 300, FRAMES_MAX = 32 };

struct stack {
	Dwfl *dwfl;
	unsigned frames;
	json_t *list;
};

/* Which file of memory lies there; 0: none is known. */
static unsigned long mapped_inode(pid_t pid, Dwarf_Addr base)
{
	unsigned long start, inode, found = 0;
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (maps && !found && getline(&line, &size, maps) > 0)
		if (sscanf(line, "%lx-%*x %*s %*x %*s %lu", &start, &inode) == 2 && start == base)
			found = inode;
	free(line);
	if (maps)
		fclose(maps);
	return found;
}

/* A plugin is run from memory: it has no name to be opened by, but the program keeps it open. -1: it does not. */
static int open_memory(pid_t pid, Dwarf_Addr base)
{
	unsigned long inode = mapped_inode(pid, base);
	const struct dirent *entry;
	char path[64], link[16];
	int found = -1;
	struct stat is;
	DIR *files;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	files = inode ? opendir(path) : NULL;
	while (files && found < 0 && (entry = readdir(files))) {
		ssize_t length = readlinkat(dirfd(files), entry->d_name, link, sizeof(link));

		if (length >= 7 && memcmp(link, "/memfd:", 7) == 0 && fstatat(dirfd(files), entry->d_name, &is, 0) == 0 && is.st_ino == inode)
			found = openat(dirfd(files), entry->d_name, O_RDONLY | O_CLOEXEC);
	}
	if (files)
		closedir(files);
	return found;
}

static pid_t looked_at;

static int find_elf(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, char **file_name, Elf **elf)
{
	int fd = strncmp(name, "/memfd:", 7) ? -1 : open_memory(looked_at, base);

	if (fd < 0)
		return dwfl_linux_proc_find_elf(module, user, name, base, file_name, elf);
	*file_name = strdup(name);
	return fd;
}

/* Where the address is: "function+0x12 (file)". */
static int add_frame(Dwfl_Frame *frame, void *env)
{
	const char *module_name = NULL, *name = NULL;
	struct stack *stack = env;
	Dwfl_Module *module;
	bool activation;
	GElf_Off offset = 0;
	GElf_Sym symbol;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, &activation))
		return DWARF_CB_ABORT;
	/* A return address may be behind the function's end. */
	module = dwfl_addrmodule(stack->dwfl, pc - !activation);
	if (module) {
		module_name = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
		name = dwfl_module_addrinfo(module, pc - !activation, &offset, &symbol, NULL, NULL, NULL);
	}
	json_array_append_new(stack->list, json_pack("{s:I, s:o, s:I, s:o}", "address", (json_int_t)pc, "function",
						     name ? json_text(name) : json_null(), "offset", (json_int_t)offset, "file",
						     module_name ? json_text(module_name) : json_null()));
	return ++stack->frames < FRAMES_MAX ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* The thread's stack, innermost first, or a sentence saying why there is none. */
static json_t *take_stack(pid_t pid, pid_t thread)
{
	static const Dwfl_Callbacks callbacks = { .find_elf = find_elf, .find_debuginfo = dwfl_standard_find_debuginfo };
	struct stack stack = { .dwfl = dwfl_begin(&callbacks), .list = json_array() };
	const char *why = NULL;
	json_t *text;
	int rc;

	looked_at = pid;
	if (!stack.dwfl)
		why = "libdw cannot begin";
	else if (dwfl_linux_proc_report(stack.dwfl, pid) || dwfl_report_end(stack.dwfl, NULL, NULL))
		why = "its memory map cannot be read: ask as root or as the user who runs it";
	else if ((rc = dwfl_linux_proc_attach(stack.dwfl, pid, false)) != 0)
		why = rc > 0 ? strerror(rc) : dwfl_errmsg(-1);
	else if (dwfl_getthread_frames(stack.dwfl, thread, add_frame, &stack) == -1 && stack.frames == 0)
		why = errno == EPERM || errno == EACCES ? "not permitted to look at it: ask as root" : dwfl_errmsg(-1);
	if (stack.dwfl)
		dwfl_end(stack.dwfl);
	if (!why && stack.frames)
		return stack.list;
	json_decref(stack.list);
	text = json_text(why ? why : "it has no frames");
	return text;
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static json_t *lane_named(const json_t *list, const char *name)
{
	json_t *lane;
	size_t i;

	json_array_foreach(json_object_get(list, "lanes"), i, lane)
		if (strcmp(text(lane, "name"), name) == 0)
			return lane;
	return NULL;
}

/*
 * "asleep", "idle" (awake, nothing came, in no handler), "busy", or "stuck": in one handler without a record done between the
 * two looks.
 */
static const char *state_of(const json_t *before, const json_t *after)
{
	if (json_is_true(json_object_get(after, "parked")))
		return "asleep";
	if (!before || number(before, "records") != number(after, "records"))
		return "busy";
	if (json_is_string(json_object_get(after, "slot")) && strcmp(text(before, "slot"), text(after, "slot")) == 0)
		return "stuck";
	return number(after, "late_ms") ? "late" : "idle";
}

static void print_stack(const json_t *stack)
{
	char name[200], file[200];
	json_t *frame;
	size_t i;

	if (json_is_string(stack)) {
		printf("    its stack: %s\n", clean(json_string_value(stack), name, sizeof(name)));
		return;
	}
	json_array_foreach(stack, i, frame)
		printf("    #%-2zu 0x%012llx %s+0x%llx (%s)\n", i, number(frame, "address"),
		       *text(frame, "function") ? clean(text(frame, "function"), name, sizeof(name)) : "?", number(frame, "offset"),
		       clean(text(frame, "file"), file, sizeof(file)));
}

static void print_lane(const json_t *lane, long long current)
{
	char name[64], slot[64], handler[256];
	const char *state = text(lane, "state");

	printf("lane %s: %s", clean(text(lane, "name"), name, sizeof(name)), strcmp(state, "stuck") ? state : "STUCK");
	if (json_is_string(json_object_get(lane, "slot")))
		printf(" in slot %s (%s)", clean(text(lane, "slot"), slot, sizeof(slot)),
		       clean(text(lane, "handler"), handler, sizeof(handler)));
	printf(", %lld records", number(lane, "records"));
	if (number(lane, "late_ms"))
		printf("; still runs revision %lld of %lld, for %.1f s now", number(lane, "revision"), current,
		       (double)number(lane, "late_ms") / 1e3);
	putchar('\n');
	if (json_object_get(lane, "stack"))
		print_stack(json_object_get(lane, "stack"));
}

/* Every lane with its state, and the stack where that is of use. */
static json_t *examine(const json_t *before, const json_t *after)
{
	json_t *lanes = json_array(), *lane;
	size_t i;

	json_array_foreach(json_object_get(after, "lanes"), i, lane) {
		const char *state = state_of(lane_named(before, text(lane, "name")), lane);
		json_t *one = json_copy(lane);

		json_object_set_new(one, "state", json_string(state));
		if (strcmp(state, "stuck") == 0 || strcmp(state, "late") == 0)
			json_object_set_new(one, "stack", number(lane, "thread") ?
					    take_stack((pid_t)number(after, "pid"), (pid_t)number(lane, "thread")) :
					    json_string("the program has not told which thread runs it"));
		json_array_append_new(lanes, one);
	}
	return lanes;
}

int verb_doctor(struct ctl *ctl)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	json_t *before, *after, *lanes, *lane;
	bool ill = false;
	int code;
	size_t i;

	before = ctl_call(ctl, "org.croom.Room.List", json_object(), &code);
	if (!before)
		return code;
	nanosleep(&pause, NULL);
	after = ctl_call(ctl, "org.croom.Room.List", json_object(), &code);
	lanes = after ? examine(before, after) : NULL;
	if (after && ctl->json) {
		json_t *all = json_pack("{s:O, s:O, s:O, s:O}", "room", json_object_get(after, "room"), "pid",
					json_object_get(after, "pid"), "revision", json_object_get(after, "revision"), "lanes", lanes);

		print_json(all, JSON_INDENT(2));
		json_decref(all);
	} else if (after) {
		json_array_foreach(lanes, i, lane) {
			ill |= json_object_get(lane, "stack") != NULL;
			print_lane(lane, number(after, "revision"));
		}
		if (!ill)
			puts("nothing hangs");
	}
	json_decref(lanes);
	json_decref(before);
	json_decref(after);
	return code;
}
