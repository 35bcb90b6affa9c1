#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plugins on a live capture in a network namespace of its own: plugin.py CROOMTAP CROOMCTL SENDER SOURCE BUILD

The examples are compiled with the lines of their first comments, signed, loaded, swapped in, built anew, cut off on disk and
unloaded while numbered packets come; at the end each packet is on one line, and the account adds up."""
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.append(f"{os.path.abspath(sys.argv[4])}/test/policy")
import place  # noqa: E402
from rig import PATIENCE, UNSHARE, Tap, check, finish, no_namespace, skip, veth  # noqa: E402

PROGRAM, CROOMCTL, SENDER, SOURCE, BUILD = (os.path.abspath(path) for path in sys.argv[1:6])
RATE = 20_000
EXAMPLES = pathlib.Path(SOURCE, "example/plugin")


def compiler_line(name):
    """As its first comment has it."""
    return re.search(r"^(?: \*|//)\tg(?:cc|\+\+) .*$", (EXAMPLES / name).read_text(), re.M)[0].split("\t", 1)[1]


def build(folder, name, old="", new=""):
    """Into folder, perhaps with something else in its source."""
    pathlib.Path(folder, name).write_text((EXAMPLES / name).read_text().replace(old, new, 1) if old else (EXAMPLES / name).read_text())
    run = subprocess.run(["sh", "-c", compiler_line(name)], cwd=folder, capture_output=True, text=True, check=False,
                         env=dict(os.environ, PKG_CONFIG_PATH=f"{BUILD}/meson-uninstalled"))
    check(f"the line in {name} compiles it", run.returncode == 0 and not run.stderr, run.stderr)


class Room:
    """croomctl, as an operator types it."""

    def __init__(self, tap, folder):
        self.tap, self.folder = tap, folder

    def ctl(self, *words):
        run = subprocess.run([CROOMCTL, *words], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE, check=False,
                             env=dict(os.environ, CROOM_RUNTIME_DIR=f"{self.tap.folder}/croom", TZ="UTC"))
        return run.returncode, run.stdout + run.stderr

    def does(self, *words, says=""):
        code, said = self.ctl(*words)
        check(" ".join(words), code == 0 and says in said, (code, said))

    def refuses(self, *words, says="", code=3):
        came, said = self.ctl(*words)
        check(" ".join(words) + ": refused", came == code and says in said, (came, said))


def wait_for(good):
    until = time.monotonic() + PATIENCE
    while not good() and time.monotonic() < until:
        time.sleep(0.01)
    return good()


def printed(folder, pattern):
    """How many lines of the output are like that."""
    return len(re.findall(pattern, pathlib.Path(folder, "out").read_bytes(), re.M))


def grows(folder, pattern):
    before = printed(folder, pattern)
    return wait_for(lambda: printed(folder, pattern) > before + 1000)


def sign(folder, name):
    run = subprocess.run([CROOMCTL, "sign", "-k", "croom.key", name], cwd=folder, capture_output=True, text=True, check=False)
    check(f"sign {name}", run.returncode == 0, run.stderr)


def without_policy(folder):
    with Tap(PROGRAM, "-i", "near", "-w", "/dev/null", folder=folder) as tap:
        room = Room(tap, folder)
        tap.room()
        room.refuses("load", "mine.so", says="no policy allows plugins; start with --policy FILE")
        room.does("plugins", says="no plugin is loaded")


def change_it(room, folder):
    room.refuses("swap", "printer=mine", says="no class 'mine'")
    room.refuses("load", "mine.so", says="by the signature rule")
    sign(folder, "mine.so")
    room.does("load", "mine.so", says="loaded mine 1.0: printer=mine")
    room.does("swap", "printer=mine")
    check("it prints", grows(folder, rb"^#\d+ \d+ bytes$"))
    room.refuses("unload", "mine", says="mine sits in slot printer: swap it out first")
    room.refuses("unload", "mien", says="no plugin 'mien'; did you mean mine?")
    # The one that runs is another file's copy by now, and then nobody's.
    build(folder, "mine.c", '"#"', '"@"')
    check("a file that is built anew changes nothing by itself", grows(folder, rb"^#") and not printed(folder, rb"^@"))
    os.truncate(f"{folder}/mine.so", 100)
    check("nor one that is cut off", grows(folder, rb"^#"))
    room.does("swap", "printer=text")
    room.does("unload", "mine", says="unloaded")
    room.refuses("load", "mine.so", says="by the signature rule")
    build(folder, "mine.c", '"#"', '"@"')
    room.refuses("load", "mine.so", says="by the signature rule")      # the signature is the old one's
    sign(folder, "mine.so")
    room.does("load", "mine.so")
    room.refuses("load", "mine.so", says="one of that name is loaded: unload it first")
    room.does("swap", "printer=mine")
    check("built anew at the same path it is the new code", grows(folder, rb"^@\d+ \d+ bytes$"))


def filter_it(room, folder):
    sign(folder, "longer.so")
    room.does("load", "longer.so", says="loaded longer 1.0: filter=longer")
    room.refuses("swap", "filter=longer:x", says="longer takes a number of bytes, not 'x'")
    room.does("swap", "filter=longer:10", "--shadow")
    room.does("trial", "filter")
    room.does("swap", "filter=all")
    room.does("swap", "filter=longer:10", "printer=text")
    code, said = room.ctl("plugins", "--json")
    plugins = {one["name"]: one for one in json.loads(said)["plugins"]} if code == 0 else {}
    check("plugins --json", sorted(plugins) == ["longer", "mine"] and len(plugins["mine"]["sha256"]) == 64 and
          plugins["longer"]["classes"] == [{"slot": "filter", "class": "longer"}] and plugins["mine"]["path"] == f"{folder}/mine.so",
          said)
    room.does("unload", "mine", says="unloaded")
    room.does("swap", "filter=all")
    room.does("unload", "longer", says="unloaded")
    room.does("plugins", says="no plugin is loaded")


def journal(folder):
    run = subprocess.run([CROOMCTL, "journal", "show", glob.glob(f"{folder}/state/*.journal")[0]], capture_output=True, text=True, check=False)
    for words in (r"refused to load \S+mine\.so \(sha256 [0-9a-f]{64}\)", r"loaded plugin mine 1\.0 from \S+mine\.so \(sha256 [0-9a-f]{64}\)",
                  r"refused to unload plugin mine: mine sits in slot printer", r"unloaded plugin longer \(sha256 "):
        check(f"the journal has: {words}", re.search(words, run.stdout), run.stdout[-2000:])
    check("with who and how", "croomctl load mine.so" in run.stdout, run.stdout[-2000:])


def live(folder):
    for name in "mine.c", "longer.cpp":
        build(folder, name)
    without_policy(folder)
    run = subprocess.run([CROOMCTL, "keygen"], cwd=folder, capture_output=True, text=True, check=False)
    check("keygen", run.returncode == 0, run.stderr)
    pathlib.Path(folder, "policy").write_text(f"plugin signed-by {folder}/croom.pub\n")
    os.chmod(f"{folder}/policy", 0o644)
    with Tap(PROGRAM, "-i", "near", "-B", "65536", "--ring", "128", "-w", f"{folder}/out", "--printer", "text", "--policy",
             f"{folder}/policy", "--state", f"{folder}/state", folder=folder) as tap:
        room = Room(tap, folder)
        tap.room()
        sender = subprocess.Popen([SENDER, "far", str(RATE), "10000000"], stdout=subprocess.DEVNULL)
        try:
            change_it(room, folder)
            filter_it(room, folder)
        finally:
            sender.kill()
            sender.wait()
        tap.interrupt()
        code, account = tap.end(), tap.account()
    check("ends with 0 and adds up", code == 0 and account.get("adds up"), tap.err[-600:])
    lines = printed(folder, rb"^.+$")
    check("every packet is on one line, or counted", account and lines == account["printed"] > 0, (lines, account))
    numbers = [int(number) for number in re.findall(rb"^[#@](\d+) ", pathlib.Path(folder, "out").read_bytes(), re.M)]
    check("and in order", numbers == sorted(set(numbers)) and len(numbers) > 2000, len(numbers))
    journal(folder)


HANGS = """
#include <croom/plugin.h>
#include <croomtap/record.h>
#include <unistd.h>
__attribute__((noinline)) static void waits_for_ever(void) { while (access("%s/go", F_OK)) ; }
static int hang_print(void *ctx, tap_item *item) { (void)ctx; (void)item; waits_for_ever(); return 0; }
CROOM_RUN(hang, hang_print, void, tap_item);
static const struct croom_class hang = { .name = "hang", .help = "", CROOM_RUNS(hang) };
CROOM_PLUGIN(hang, "1.0", "", NULL, { "printer", &hang });
"""


def hangs(folder):
    """One that does not return: where it is, what goes on without it, and what the black box says of it."""
    pathlib.Path(folder, "hang.c").write_text(HANGS % folder)
    run = subprocess.run(["gcc", "-shared", "-fPIC", "-O2", f"-I{SOURCE}/include", "hang.c", "-o", "hang.so"], cwd=folder, check=False)
    check("hang.c compiles", run.returncode == 0)
    sign(folder, "hang.so")
    box = f"/dev/shm/croom-hangs-{os.getpid()}"
    with Tap(PROGRAM, "-i", "near", "-w", "/dev/null", "--printer", "text", "--policy", f"{folder}/policy", "--blackbox",
             box, folder=folder) as tap:
        room = Room(tap, folder)
        tap.room()
        sender = subprocess.Popen([SENDER, "far", "1000", "10000000"], stdout=subprocess.DEVNULL)
        try:
            room.does("load", "hang.so")
            room.does("swap", "printer=hang", "--no-wait")
            check("doctor: STUCK", wait_for(lambda: "STUCK in slot printer (hang)" in room.ctl("doctor")[1]), room.ctl("doctor"))
            code, said = room.ctl("doctor")
            if "its stack: " in said:
                skip("doctor: where in the plugin", re.search("its stack: (.*)", said)[1])
            else:
                check("doctor: where in the plugin, by name", "waits_for_ever" in said, said)
            room.refuses("swap", "printer=text", "--timeout", "100ms", says="in slot printer (hang)", code=4)
            room.refuses("unload", "hang", "--timeout", "100ms", says="lane tap may still run hang")
            said = room.ctl("blackbox", box)[1]
            check("blackbox: it is not in the handler that came since", "in slot printer (what sat there before revision 4)" in said, said)
            room.refuses("swap", "printer=json", "--timeout", "300ms", "--undo-late", says="it was undone as revision 6", code=4)
            check("swap --undo-late: what was there before", tap.room().handlers()["printer"] == "text", tap.room().handlers())
            pathlib.Path(folder, "go").touch()
            room.does("unload", "hang", "--timeout", "60s", says="unloaded")
        finally:
            sender.kill()
            sender.wait()
        tap.interrupt()
        tap.end()
    for path in glob.glob(f"{box}*"):
        os.unlink(path)


def restored(folder):
    """The last state had a handler of a plugin that nobody has loaded yet."""
    with Tap(PROGRAM, "-i", "near", "-w", f"{folder}/out", "--policy", f"{folder}/policy", "--state", f"{folder}/state", "--printer",
             "text", folder=folder) as tap:
        room = Room(tap, folder)
        tap.room()
        sign(folder, "mine.so")
        room.does("load", "mine.so")
        room.does("swap", "printer=mine")
        tap.interrupt()
        tap.end()
    with Tap(PROGRAM, "-i", "near", "-w", f"{folder}/out", "--policy", f"{folder}/policy", "--state", f"{folder}/state",
             folder=folder) as tap:
        handlers = tap.room().handlers()
        tap.interrupt()
        code = tap.end()
    check("a handler of a plugin that is not loaded is not restored, and it is said", code == 0 and
          b"NOT restored: printer=mine: no class 'mine' for slot printer" in tap.err, tap.err[-600:])
    check("and the default runs", handlers["printer"] == "pcap", handlers)


def inside():
    veth()
    folder = place.make()
    if not folder:
        skip("plugins on a live capture", "there is no folder that nobody else may write to, for the keys")
        return
    try:
        live(folder)
        hangs(folder)
        restored(folder)
    finally:
        shutil.rmtree(folder)


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if "--inside" in sys.argv:
        inside()
        finish()
    reason = no_namespace("gcc", "g++", "pkg-config")
    if reason:
        skip("plugins on a live capture", reason)
        finish()
    sys.exit(subprocess.run([*UNSHARE, sys.executable, __file__, *sys.argv[1:6], "--inside"], check=False).returncode)


main()
