#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Load, Unload and Plugins, by a client that knows only the interface file, and by croomctl: server.py CROOMCTL HOST SOURCE"""
import os
import pathlib
import shutil
import subprocess
import sys

source = sys.argv[3]
sys.path[:0] = [f"{source}/test", f"{source}/test/policy"]
import place  # noqa: E402
from varlink import PATIENCE, Client, Host, Interface, check, finish, skip, until  # noqa: E402

croomctl, program = (os.path.abspath(path) for path in sys.argv[1:3])
CODE = """
#include <croom/plugin.h>
typedef struct note { int value; } note;
CROOM_RECORD(note, 1);
static int mine_call(void *ctx, note *n) { (void)ctx; return n->value; }
CROOM_RUN(mine, mine_call, void, note);
static const struct croom_class mine = { .name = "mine", .help = "its value", CROOM_RUNS(mine) };
CROOM_PLUGIN(mine, "1.5", "a \\"plugin\\"", NULL, { "printer", &mine });
"""


def build(top):
    pathlib.Path(top, "mine.c").write_text(CODE)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", f"-I{source}/include", f"{top}/mine.c", "-o", f"{top}/mine.so"], check=True)
    subprocess.run([croomctl, "keygen"], cwd=top, check=True, capture_output=True)
    subprocess.run([croomctl, "sign", "-k", "croom.key", "mine.so"], cwd=top, check=True, capture_output=True)
    pathlib.Path(top, "policy").write_text(f"plugin signed-by {top}/croom.pub\n")
    os.chmod(f"{top}/policy", 0o644)


def names(client):
    return [plugin["name"] for plugin in client.call("Plugins")["plugins"]]


def comes_and_goes(host, top):
    with host.client() as client, host.client() as other:
        check("Plugins: none yet", client.call("Plugins") == {"plugins": []})
        error = client.refused("Load", path="mine.so")
        check("Load: a path that is not absolute", error.name == "Failed" and "begin it with /" in error.parameters["message"], error)
        error = client.refused("Load", path=7)
        check("Load: no path at all", error.name == "InvalidParameter" and error.parameters["parameter"] == "path", error)
        error = client.refused("Load", path=f"{top}/croom.pub")
        check("Load: not signed", error.name == "NotTrusted" and "signature" in error.parameters["message"], error)
        plugin = client.call("Load", path=f"{top}/mine.so")["plugin"]
        check("Load", (plugin["name"], plugin["version"], plugin["help"], plugin["path"], plugin["classes"], plugin["retired"]) ==
              ("mine", "1.5", 'a "plugin"', f"{top}/mine.so", [{"slot": "printer", "class": "mine"}], False), plugin)
        check("Plugins: it is there", names(other) == ["mine"])
        check("List: its class is there", "mine" in [one["name"] for one in other.call("List")["slots"][0]["classes"]])
        error = client.refused("Load", path=f"{top}/mine.so")
        check("Load: it is loaded already", error.name == "Failed" and "unload it first" in error.parameters["message"], error)
        client.call("Freeze", why="noon")
        for method, more in (("Load", {"path": f"{top}/mine.so"}), ("Unload", {"name": "mine"})):
            error = client.refused(method, **more)
            check(f"{method}: not while the room is frozen", error.name == "Frozen" and "is frozen: noon; thaw it first" in
                  error.parameters["message"] and names(client) == ["mine"], error)
        client.call("Thaw")
        client.swap("printer=mine")
        error = client.refused("Unload", name="mine")
        check("Unload: it sits in a slot", error.name == "Failed" and "mine sits in slot printer" in error.parameters["message"], error)
        error = client.refused("Unload", name="mein")
        check("Unload: no such plugin", "did you mean mine?" in error.parameters["message"], error)
        waits(host, client, other)
        check("Plugins: it is gone", names(client) == [])
        check("List: its class is gone", "mine" not in [one["name"] for one in client.call("List")["slots"][0]["classes"]])


def waits(host, client, other):
    """A lane that does not move holds it up, and nothing else."""
    host.tell("stall feed")
    client.swap("printer=off", wait_ms=0)
    error = client.refused("Unload", name="mine", wait_ms=300)
    check("Unload: in time no lane has moved", error.name == "Busy" and error.parameters["lane"] == "feed" and
          "lane feed may still run mine" in error.parameters["message"], error)
    error = client.refused("Unload", name="mine", wait_ms=0)
    check("Unload: not even asked to wait", error.name == "Busy", error)
    with host.client() as gone:
        gone.send("Unload", name="mine", wait_ms=60000)
        check("somebody waits, and others are served", names(other) == ["mine"])
    client.send("Unload", name="mine", wait_ms=60000)
    check("two wait, and others are served", other.call("List")["revision"] > 0 and names(other) == ["mine"])
    host.tell("go feed")
    check("Unload: when the lane has moved", client.answer("Unload") == {"retired": False, "why": ""})


def by_hand(host, top):
    def ctl(*words):
        run = subprocess.run([croomctl, *words], cwd=top, capture_output=True, text=True, timeout=PATIENCE, check=False,
                             env=dict(os.environ, CROOM_RUNTIME_DIR=os.path.dirname(host.paths[0])))
        return run.returncode, run.stdout + run.stderr

    for words, code, says in ((["load"], 2, "load takes one FILE.so"), (["load", "a", "b"], 2, "load takes one"), (["unload"], 2, "unload takes one NAME"),
                              (["load", "none.so"], 3, f"{top}/none.so cannot be opened: No such file"),
                              (["load", "mine.so"], 0, "loaded mine 1.5: printer=mine"), (["plugins"], 0, 'mine             1.5 printer=mine\n'),
                              (["plugins"], 0, f"    {top}/mine.so\n    sha256 "), (["plugins", "x"], 2, "plugins takes no argument 'x'"),
                              (["load", "--timeout", "1s", "mine.so"], 2, "load takes no --timeout"),
                              (["unload", "mein"], 3, "did you mean mine?"), (["unload", "--timeout", "60s", "mine"], 0, "unloaded\n"),
                              (["plugins"], 0, "no plugin is loaded\n")):
        came = ctl(*words)
        check(" ".join(["croomctl", *words]), came[0] == code and says in came[1], came)


def none_are_taken(top):
    with Host(program, directory=f"{top}/other") as host, host.client() as client:
        for method, more in (("Plugins", {}), ("Load", {"path": "/x.so"}), ("Unload", {"name": "x"})):
            error = client.refused(method, **more)
            check(f"{method}: the program takes none", error.name == "Failed" and "takes no plugins" in error.parameters["message"], error)


def main():
    top = place.make()
    if not top:
        skip("plugins through the server", "there is no folder that nobody else may write to, for the keys")
        finish()
    Client.interfaces = {"org.croom.Room": Interface(pathlib.Path(source, "control/org.croom.Room.varlink").read_text(encoding="ascii"))}
    try:
        build(top)
        with Host(program, "--policy", f"{top}/policy", "--plugins", "--journal", f"{top}/state", directory=f"{top}/run") as host:
            comes_and_goes(host, top)
            by_hand(host, top)
            with host.client() as client:
                told = [row["text"] for row in client.call("Journal")["rows"] if row["kind"] == "note"]
            check("the journal has it all", all(until(lambda: any(words in text for text in told)) for words in (
                "loads ", "loaded plugin mine 1.5 from ", "refused to load ", "refused to unload plugin mine: ",
                "did not unload plugin mine: who asked has gone", "unloaded plugin mine (sha256 ")),
                  told)
        none_are_taken(top)
    finally:
        shutil.rmtree(top)
    check("every reply is as the interface says", not Client.misfits and Client.replies > 20, Client.misfits)
    finish()


main()
