// SPDX-License-Identifier: BSD-2-Clause
/* What a plugin that is as it should be can do: come, serve, be built anew, go. */
#include "plugins.h"
#include <sys/mman.h>
#include <sys/resource.h>

static void comes_serves_and_goes(void)
{
	begin();
	CHECK(plugins_are(""));
	CHECK_EQ(load("good"), 0);
	CHECK(strcmp(loaded_name, "good") == 0);
	CHECK(plugins_are("good 1.0 printer=mine filter=counted"));
	CHECK(classes_are("off number plain mine all number counted "));
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(swap("filter", "counted"), 0);
	CHECK_EQ(call_printer(), 1);
	CHECK_EQ(call_filter(), 1000001);
	CHECK_EQ(host_word, 1);
	CHECK_EQ(unload("good"), -EBUSY);
	CHECK(strstr(err.text, "mine sits in slot printer: swap it out first"));
	CHECK_EQ(swap("printer", "off"), 0);
	CHECK_EQ(unload("good"), -EBUSY);
	CHECK(strstr(err.text, "counted sits in slot filter"));
	CHECK_EQ(swap("filter", "all"), 0);
	CHECK_EQ(unload("good"), -EAGAIN);
	CHECK(strstr(err.text, "lane feed may still run"));
	CHECK(plugins_are("good 1.0 printer=mine filter=counted"));
	CHECK_EQ(call_printer(), 0);
	CHECK(mappings("memfd:good.so") > 0);
	CHECK_EQ(unload("good"), 0);
	CHECK(!how.retired);
	CHECK_EQ(host_word, 0);
	CHECK_EQ(mappings("memfd:good.so"), 0);
	CHECK(plugins_are("") && classes_are(own_classes));
	CHECK_EQ(unload("good"), -ENOENT);
	end();
}

static void the_file_may_be_built_anew_cut_off_or_removed(void)
{
	const char *path;

	begin();
	path = in_folder("p.so");
	copy_file(module("good"), path);
	CHECK_EQ(load_path(path), 0);
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(call_printer(), 1);
	/* In place: the same inode, other bytes; then none. */
	copy_file(module("good-2"), path);
	CHECK_EQ(call_printer(), 1);
	CHECK_EQ(truncate(path, 0), 0);
	CHECK_EQ(call_printer(), 1);
	CHECK_EQ(call_filter(), 0);
	CHECK_EQ(swap("printer", "off"), 0);
	call_printer();
	CHECK_EQ(unload("good"), 0);
	copy_file(module("good-2"), path);
	CHECK_EQ(load_path(path), 0);
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(call_printer(), 2);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(swap("filter", "counted"), 0);
	CHECK_EQ(call_filter(), 1000002);
	end();
}

static void an_older_minor_abi_still_loads(void)
{
	begin();
	CHECK_EQ(load("old"), 0);
	CHECK_EQ(swap("printer", "old"), 0);
	CHECK_EQ(call_printer(), 15);
	/* It has no check() and no traits: neither is made of what lies behind. */
	CHECK_EQ(rig_swap(room, "filter", "all", &(struct croom_swap_options){ .dry_run = true }, NULL, &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "old", &(struct croom_swap_options){ .dry_run = true }, NULL, &err), 0);
	end();
}

static void a_way_back_to_what_was_unloaded_is_refused(void)
{
	begin();
	CHECK_EQ(load("good"), 0);
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(swap("printer", "off"), 0);
	call_printer();
	CHECK_EQ(unload("good"), 0);
	CHECK_EQ(croom_room_rollback(room, 2, &published, NULL, &err), -ENOENT);
	CHECK(strstr(err.text, "slot printer had mine then, and that class has gone: load the plugin that had it"));
	CHECK_EQ(call_printer(), 0);
	/* What has come since and is called the same is another, and it will do. */
	CHECK_EQ(load("good-2"), 0);
	CHECK_EQ(croom_room_rollback(room, 2, &published, NULL, &err), 0);
	CHECK_EQ(call_printer(), 2);
	end();
}

static void names_are_one_of_a_kind(void)
{
	begin();
	CHECK_EQ(load("good"), 0);
	CHECK_EQ(load("good-2"), -EEXIST);
	CHECK(strstr(err.text, "is a plugin 'good', and one of that name is loaded: unload it first"));
	CHECK(plugins_are("good 1.0 printer=mine filter=counted"));
	CHECK_EQ(unload("god"), -ENOENT);
	CHECK(strstr(err.text, "no plugin 'god'; did you mean good?") && strcmp(err.near, "good") == 0);
	CHECK_EQ(unload("something"), -ENOENT);
	CHECK(strstr(err.text, "there is: good"));
	CHECK_EQ(load("old"), 0);
	CHECK(plugins_are("good 1.0 printer=mine filter=counted, old 0.9 printer=old"));
	CHECK_EQ(unload("good"), 0);
	CHECK(plugins_are("old 0.9 printer=old"));
	end();
}

static void what_happens_is_told(void)
{
	const struct croom_origin origin = { 12, 34, "croomctl load" };
	struct croom_plugin_load as = { .origin = &origin, .trusted = true };
	char words[400];

	begin();
	CHECK_EQ(croom_plugins_load(plugins, module("good"), &as, NULL, &err), 0);
	snprintf(words, sizeof(words), "croomctl load: loads %.200s (sha256 ", module("good"));
	CHECK(strstr(heard, words) && strlen(strstr(heard, "sha256 ")) > 70);
	CHECK(strstr(heard, "croomctl load: loaded plugin good 1.0 from "));
	CHECK(strstr(heard, "): printer=mine filter=counted\n"));
	heard[0] = 0;
	CHECK_EQ(croom_plugins_load(plugins, module("cold"), &as, NULL, &err), -EIO);
	CHECK(strstr(heard, "croomctl load: refused to load ") && strstr(heard, "its warm-up says: the table is not there\n"));
	heard[0] = 0;
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(croom_plugins_unload(plugins, "good", &origin, false, NULL, &err), -EBUSY);
	CHECK(strstr(heard, "refused to unload plugin good: mine sits in slot printer"));
	CHECK_EQ(swap("printer", "off"), 0);
	heard[0] = 0;
	CHECK_EQ(croom_plugins_unload(plugins, "good", &origin, true, NULL, &err), -EAGAIN);
	CHECK(heard[0] == 0);
	CHECK_EQ(croom_plugins_unload(plugins, "good", &origin, false, NULL, &err), -EAGAIN);
	CHECK(strstr(heard, "refused to unload plugin good: lane feed"));
	call_printer();
	heard[0] = 0;
	CHECK_EQ(croom_plugins_unload(plugins, "good", &origin, true, NULL, &err), 0);
	CHECK(strstr(heard, "unloaded plugin good (sha256 "));
	end();
}

static int see_hash(void *env, const struct croom_plugin_view *plugin)
{
	strcpy(env, plugin->sha256);
	CHECK(plugin->mapped >= 3 * 4096 && plugin->major == 1 && plugin->minor == CROOM_PLUGIN_MINOR);
	CHECK(plugin->locked ? plugin->why[0] == 0 : strstr(plugin->why, "RLIMIT_MEMLOCK") != NULL);
	return 0;
}

static void the_listing_has_the_hash_of_what_runs(void)
{
	char command[5000], hash[65] = "", other[65] = "";
	FILE *pipe;

	begin();
	CHECK_EQ(load("good"), 0);
	CHECK_EQ(croom_plugins_each(plugins, see_hash, hash), 0);
	snprintf(command, sizeof(command), "sha256sum '%s'", module("good"));
	pipe = popen(command, "re");
	CHECK(pipe && fscanf(pipe, "%64s", other) == 1);
	if (pipe)
		pclose(pipe);
	CHECK(strlen(hash) == 64 && strcmp(hash, other) == 0);
	end();
}

static int see_lock(void *env, const struct croom_plugin_view *plugin)
{
	*(int *)env = plugin->locked ? 1 : strstr(plugin->why, "RLIMIT_MEMLOCK") ? 2 : 3;
	return 0;
}

/* Root may lock what it likes, and the sanitizers make of mlock() nothing. */
static void pages_that_cannot_be_locked_are_told(void)
{
	struct rlimit was, none;
	int seen = 0;

	getrlimit(RLIMIT_MEMLOCK, &was);
	none = was;
	none.rlim_cur = 0;
	begin();
	setrlimit(RLIMIT_MEMLOCK, &none);
	CHECK_EQ(load("good"), 0);
	setrlimit(RLIMIT_MEMLOCK, &was);
	CHECK_EQ(croom_plugins_each(plugins, see_lock, &seen), 0);
	CHECK(seen == 1 || seen == 2);
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(call_printer(), 1);
	end();
}

static void nothing_stays_behind_when_all_is_closed(void)
{
	unsigned fds = entries("/proc/self/fd");

	begin();
	CHECK_EQ(load("good"), 0);
	CHECK_EQ(load("old"), 0);
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(swap("filter", "counted"), 0);
	CHECK_EQ(host_word, 1);
	end();
	CHECK_EQ(host_word, 0);
	CHECK_EQ(mappings("memfd:"), 0);
	CHECK_EQ(entries("/proc/self/fd"), fds);
}

int main(void)
{
	RUN(comes_serves_and_goes);
	RUN(the_file_may_be_built_anew_cut_off_or_removed);
	RUN(an_older_minor_abi_still_loads);
	RUN(a_way_back_to_what_was_unloaded_is_refused);
	RUN(names_are_one_of_a_kind);
	RUN(what_happens_is_told);
	RUN(the_listing_has_the_hash_of_what_runs);
	RUN(pages_that_cannot_be_locked_are_told);
	RUN(nothing_stays_behind_when_all_is_closed);
	return check_result();
}
