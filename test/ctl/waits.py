#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rooms that do not answer as they should, and an operator who has waited enough: waits.py CROOMCTL SOURCE

Each verb against a server that accepts and is silent, that says its answer a byte at a time and never ends, that speaks another
protocol, that closes in the middle of an answer or right away, that reads nothing. Each ends by itself and says so. And each is
interrupted while it waits."""
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, f"{sys.argv[2]}/test")
from varlink import PATIENCE, check, finish, folder  # noqa: E402

croomctl = os.path.abspath(sys.argv[1])
VERBS = (("list",), ("swap", "a=b"), ("swap", "a=" + "x" * 60_000), ("rollback",), ("history",), ("history", "--since", "1h"), ("at", "now"), ("confirm",),
         ("promote", "a"), ("trial", "a"), ("profile", "a", "--for", "100ms"), ("freeze", "--why", "x"), ("thaw",), ("pardon", "a=b"), ("doctor",),
         ("journal", "verify"), ("plugins",), ("unload", "a"), ("watch",), ("watch", "--interval", "50ms"))
HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Server:
    """A socket behind which `how` is done with each client."""

    def __init__(self, path, how):
        self.how, self.over, self.served = how, threading.Event(), 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.served += 1
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        try:
            with client:
                self.how(self, client)
        except OSError:
            pass

    def end(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def hear(client):
    """What it says, up to its end."""
    data = b""
    while not data.endswith(b"\0") and (more := client.recv(65536)):
        data += more


def silent(server, client):
    hear(client)
    server.over.wait()


def deaf(server, _):
    server.over.wait()


def trickle(server, client):
    hear(client)
    client.sendall(b'{"parameters":{"room":"')
    while not server.over.wait(0.2):
        client.sendall(b"x")


def foreign(_, client):
    hear(client)
    client.sendall(HTTP)


def foreign_first(_, client):
    """Speaks before it is asked, as ssh and SMTP do."""
    client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    hear(client)


def half(_, client):
    hear(client)
    client.sendall(b'{"parameters":{"room":"r","revision":')


def gone(_, client):
    client.recv(1)


def at_once(_, client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def start(directory, *args, stdout=subprocess.PIPE):
    return subprocess.Popen([croomctl, *args], env=dict(os.environ, CROOM_RUNTIME_DIR=directory), stdout=stdout, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL)


def ends_by_itself(how, codes):
    """All verbs at once, for each waits for seconds."""
    directory = folder()
    server = Server(f"{directory}/fake.socket", how)
    running = [(args, start(directory, *args)) for args in VERBS]
    wrong = []
    for args, process in running:
        try:
            out, err = process.communicate(timeout=PATIENCE)
            if process.returncode not in codes or out or err.count(b"\n") != 1 or not err.startswith(b"croomctl: "):
                wrong.append((args[0], process.returncode, out, err))
        except subprocess.TimeoutExpired:
            process.kill()
            wrong.append((args[0], "it goes on", *process.communicate()))
    server.end()
    check(f"a server that is {how.__name__}: each of {len(VERBS)} verbs ends and says so in a line", not wrong and server.served >= len(VERBS),
          f"{server.served} {wrong[:3]}")
    shutil.rmtree(directory)


def ls_of_all():
    directory = folder()
    kinds = (silent, deaf, trickle, foreign, half, gone)
    servers = [Server(f"{directory}/{how.__name__}.socket", how) for how in kinds]
    process = start(directory, "ls", "--json")
    out, err = process.communicate(timeout=PATIENCE)
    check("ls of rooms that do not answer: lists them", process.returncode == 0 and not err and {room["name"] for room in json.loads(out)} ==
          {how.__name__ for how in kinds}, (process.returncode, out, err))
    for server in servers:
        server.end()
    shutil.rmtree(directory)


def interrupted():
    """While it waits for an answer: at once, without a word, by the signal or, where it takes it to tidy up, with 0."""
    for name, number in (("Ctrl-C", signal.SIGINT), ("SIGTERM", signal.SIGTERM)):
        directory, wrong = folder(), []
        server = Server(f"{directory}/fake.socket", silent)
        running = [(args, start(directory, *args)) for args in VERBS]
        until = time.monotonic() + PATIENCE
        while server.served < len(VERBS) and time.monotonic() < until:
            time.sleep(0.01)
        for args, process in running:
            process.send_signal(number)
        for args, process in running:
            out, err = process.communicate(timeout=PATIENCE)
            # watch may have connected, and not have its handler yet; terminal() knows that it has one.
            if process.returncode not in ((0, -number) if args[0] == "watch" else (-number,)) or out or err:
                wrong.append((args, process.returncode, out, err))
        server.end()
        check(f"{name} in each verb while it waits: it ends, and says nothing more", not wrong, wrong[:3])
        shutil.rmtree(directory)


def terminal():
    """The cursor is there again, whatever ends a watch."""
    frame = {"parameters": {"revision": 2, "missed": 0, "changes": [], "slots": [], "lanes": [], "gauges": []}}

    def one_frame(server, client):
        hear(client)
        client.sendall(json.dumps(frame).encode() + b"\0")
        server.over.wait()
    for name, number in (("Ctrl-C", signal.SIGINT), ("SIGTERM", signal.SIGTERM), ("SIGHUP", signal.SIGHUP), ("the room's end", None)):
        directory = folder()
        server = Server(f"{directory}/fake.socket", one_frame)
        master, slave = pty.openpty()
        process = start(directory, "watch", stdout=slave)
        os.close(slave)
        said, until, asked = b"", time.monotonic() + PATIENCE, False
        while time.monotonic() < until and select.select([master], [], [], until - time.monotonic())[0]:
            try:
                said += os.read(master, 65536)
            except OSError:
                break
            if b"Ctrl-C ends" in said and not asked:
                asked = True
                if number:
                    process.send_signal(number)
                else:
                    server.end()
        code, err = process.wait(PATIENCE), process.stderr.read()
        check(f"watch on a terminal, {name}: the cursor is shown again", asked and said.rstrip().endswith(b"\x1b[?25h") and b"\x1b[?25l" in said and
              code == (0 if number else 6) and (not err) == bool(number), (code, said[-200:], err))
        os.close(master)
        server.end() if number else None
        shutil.rmtree(directory)


def main():
    for how in (silent, deaf, trickle):
        ends_by_itself(how, (1,))
    for how in (foreign, foreign_first, half, gone, at_once):
        ends_by_itself(how, (1, 6))
    ls_of_all()
    interrupted()
    terminal()
    finish()


main()
