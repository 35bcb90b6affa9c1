#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may have the name, and who may come in: sockets.py HOST SOURCE SANITIZER"""
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, f"{sys.argv[2]}/test")
from varlink import PATIENCE, Client, Host, check, finish, folder, skip, until  # noqa: E402

program = os.path.abspath(sys.argv[1])


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def refused(*args, **environment):
    """What a host says that must not begin."""
    run = subprocess.run([program, *args], env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, timeout=PATIENCE, check=False)
    return run.stdout if run.returncode == 1 and run.stdout.startswith("failed control") else f"NOT REFUSED: {run}"


def modes(top):
    """The host's umask is 0."""
    with Host(program, directory=f"{top}/made") as host:
        check("the socket's mode is 0600", mode(host.paths[0]) == 0o600, oct(mode(host.paths[0])))
        check("the directory's is 0700", mode(f"{top}/made") == 0o700, oct(mode(f"{top}/made")))
        check("the lock's is 0600", mode(host.paths[0] + ".lock") == 0o600)
        check("it is NAME.socket", host.paths[0] == f"{top}/made/host.socket", host.paths)
        host.end()
        check("the end leaves nothing behind", os.listdir(f"{top}/made") == [], os.listdir(f"{top}/made"))


def directories(top):
    loose = f"{top}/loose"
    os.mkdir(loose)
    for bits in (0o770, 0o707, 0o777):
        os.chmod(loose, bits)
        said = refused(CROOM_RUNTIME_DIR=loose)
        check(f"a directory of mode {bits:o} is refused", "belongs to this user" in said and os.listdir(loose) == [], said)
    os.chmod(loose, 0o755)
    with Host(program, directory=loose) as host:
        check("one that others may only look into is not", host.paths)
    os.symlink(loose, f"{top}/link")
    said = refused(CROOM_RUNTIME_DIR=f"{top}/link")
    check("a link to a directory is refused", "must be a directory" in said, said)
    pathlib.Path(top, "file").touch()
    check("a file is refused", "must be a directory" in refused(CROOM_RUNTIME_DIR=f"{top}/file"))
    if os.getuid() == 0:
        os.mkdir(f"{top}/foreign", 0o700)
        os.chown(f"{top}/foreign", 65534, 65534)
        said = refused(CROOM_RUNTIME_DIR=f"{top}/foreign")
        check("somebody else's directory is refused", "belongs to this user" in said, said)
    else:
        skip("somebody else's directory is refused", "only root can make one")
    said = refused(CROOM_RUNTIME_DIR=f"{top}/no/such")
    check("a directory that cannot be made", "No such file" in said, said)


def paths(top):
    environment = {"CROOM_RUNTIME_DIR": "", "XDG_RUNTIME_DIR": top}
    run = subprocess.run([program], env=dict(os.environ, **environment), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=PATIENCE, check=False)
    check("XDG_RUNTIME_DIR/croom", run.stdout == f"ready {top}/croom/host.socket\n", run)
    if os.getuid() == 0:
        os.mkdir(f"{top}/users", 0o700)
        os.chown(f"{top}/users", 65534, 65534)
        run = subprocess.run(["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run && exec "$0"', program],
                             env=dict(os.environ, CROOM_RUNTIME_DIR="", XDG_RUNTIME_DIR=f"{top}/users"),
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if "unshare:" in run.stderr or "mount:" in run.stderr:
            skip("root leaves a user's XDG_RUNTIME_DIR alone", "no mount namespace here")
        else:
            check("root leaves a user's XDG_RUNTIME_DIR alone", run.stdout == "ready /run/croom/host.socket\n" and
                  os.listdir(f"{top}/users") == [], run)
    else:
        skip("root leaves a user's XDG_RUNTIME_DIR alone", "only root can try")
    check("a directory's name that is too long", "too long" in refused(CROOM_RUNTIME_DIR=f"{top}/{'x' * 120}"))
    long = f"{top}/{'x' * (99 - len(top))}"
    said = refused(CROOM_RUNTIME_DIR=long)
    check("a path that is too long says the limit", "too long for a socket; the limit is 107" in said, said)
    path = f"{top}/" + "y" * (107 - len(top) - 1)
    with Host(program, "--path", path) as host, host.client() as client:
        check("a path of the longest length", client.call("List") and host.paths == [path])


def in_the_way(top):
    """What is not a socket of a dead process is neither followed nor removed."""
    precious = pathlib.Path(top, "precious")
    precious.write_text("mine")
    for name, make in (("a file", lambda path: shutil.copy(precious, path)), ("a link", lambda path: os.symlink(precious, path)),
                       ("a directory", os.mkdir)):
        path = f"{top}/{name.split()[1]}.socket"
        make(path)
        said = refused("--path", path)
        check(f"{name} under the socket's name stays", "is not a socket" in said and os.path.lexists(path) and
              precious.read_text() == "mine", said)
        check(f"{name} under the socket's name: no lock is left", not os.path.lexists(path + ".lock"))
    os.symlink(precious, f"{top}/other.socket.lock")
    said = refused("--path", f"{top}/other.socket")
    check("a link under the lock's name is not followed", "cannot open" in said and precious.read_text() == "mine", said)


def dead_and_live(top):
    first = Host(program, directory=f"{top}/made")
    first.kill()
    check("a killed process leaves its socket", os.path.exists(first.paths[0]))
    with Host(program, directory=f"{top}/made") as host, host.client() as client:
        check("and the next one replaces it", client.call("List")["pid"] == host.process.pid)
        before = os.stat(host.paths[0]).st_ino
        said = refused(CROOM_RUNTIME_DIR=f"{top}/made")
        check("a live one is not replaced", "a live process already serves" in said, said)
        check("and still answers, old clients and new", client.call("List") and Client(host.paths[0]).call("List") and
              os.stat(host.paths[0]).st_ino == before)
        os.unlink(host.paths[0] + ".lock")
        said = refused(CROOM_RUNTIME_DIR=f"{top}/made")
        check("nor when a cleaner has removed its lock", "a live process already serves" in said and
              Client(host.paths[0]).call("List") and os.stat(host.paths[0]).st_ino == before, said)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(f"{top}/made/host.socket")
    stale.close()
    with Host(program, directory=f"{top}/made") as host, host.client() as client:
        check("a stale socket without a lock is replaced", client.call("List")["pid"] == host.process.pid)


def cleaned_away(top):
    """A cleaner of /tmp has removed both names, and another process has them now: the first one's end is not its end."""
    first = Host(program, directory=f"{top}/made")
    for path in (first.paths[0], first.paths[0] + ".lock"):
        os.unlink(path)
    with Host(program, directory=f"{top}/made") as second:
        first.end()
        check("the end of one whose files are gone removes no other's", sorted(os.listdir(f"{top}/made")) ==
              ["host.socket", "host.socket.lock"] and Client(second.paths[0]).call("List")["pid"] == second.process.pid,
              os.listdir(f"{top}/made"))
        second.end()
        check("and the other's own end does", os.listdir(f"{top}/made") == [], os.listdir(f"{top}/made"))


def all_at_once(top, count, name):
    """Begin many at the same moment: one gets the name, and it is the one that answers."""
    go = pathlib.Path(top, "go")
    hosts = [subprocess.Popen(["sh", "-c", 'until [ -e "$1" ]; do sleep 0.02; done; exec "$0"', program, go],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env=dict(os.environ, CROOM_RUNTIME_DIR=f"{top}/made")) for _ in range(count)]
    go.touch()
    said = [host.stdout.readline() for host in hosts]
    won = [i for i, line in enumerate(said) if line.startswith("ready")]
    lost = sum("a live process already serves" in line or "keeps changing hands" in line for line in said)
    with Client(f"{top}/made/host.socket") as client:
        check(f"{name}: of {count} one has the name and answers", len(won) == 1 and lost == count - 1 and
              client.call("List")["pid"] == hosts[won[0]].pid, said)
    for host in hosts:
        host.communicate()
    go.unlink()


def other_users(top):
    """Beyond the mode of the socket: who comes in over it anyway is asked who he is."""
    name = "another user"
    if os.getuid() != 0:
        skip(f"{name} is turned away", "only root can become another user")
        return
    open_folder = f"{top}/open"
    os.mkdir(open_folder)
    for path in (top, open_folder):
        os.chmod(path, 0o755)
    path = f"{open_folder}/host.socket"
    program_copy = shutil.copy(program, f"{open_folder}/host")
    asks = ("import sys; sys.path.insert(0, sys.argv[1]); import os, varlink\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "try: print(varlink.Client(sys.argv[2]).call('List')['room'])\n"
            "except (varlink.Error, OSError) as error: print(repr(error), getattr(error, 'name', ''))")

    def stranger():
        return subprocess.run([sys.executable, "-c", asks, f"{sys.argv[2]}/test", path], capture_output=True, text=True,
                              timeout=PATIENCE, check=False).stdout

    with Host(program, "--path", path) as host, host.client() as client:
        said = stranger()
        check(f"{name}: the socket's mode keeps him out", "PermissionError" in said, said)
        os.chmod(path, 0o666)
        said = stranger()
        check(f"{name}: who comes in anyway is told that he may not", said.endswith("NotPermitted\n"), said)
        check(f"{name}: and root is answered", client.call("List"))
    os.chmod(open_folder, 0o777)
    host = subprocess.Popen([program_copy, "--path", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            user=65534, group=65534, extra_groups=[])
    if until(lambda: host.stdout.readline().startswith("ready")):
        check(f"{name}: root may control his program", Client(path).call("List")["pid"] == host.pid)
        said = stranger()
        check(f"{name}: and so may he", said == "host\n", said)
    host.communicate()


def main():
    for part in (modes, directories, paths, in_the_way, dead_and_live, cleaned_away,
                 other_users):
        top = tempfile.mkdtemp(prefix="croom-test-")
        part(top)
        shutil.rmtree(top)
    top = folder()
    for i in range(3):
        all_at_once(top, 24 if sys.argv[3] == "none" else 6, f"start {i + 1}")
        if i == 1:
            # And with a stale one in the way.
            Host(program, directory=f"{top}/made").kill()
    shutil.rmtree(top)
    finish()


main()
