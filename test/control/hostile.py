#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Clients that mean no good: hostile.py HOST SOURCE SANITIZER. While each is at work others are answered, memory stays
bounded and the lanes go on; when it has gone nothing of it is left."""
import json
import os
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, f"{sys.argv[2]}/test")
from varlink import PATIENCE, ROOM, SERVICE, Client, Error, Host, check, finish, until  # noqa: E402

program = os.path.abspath(sys.argv[1])
# Sanitizers keep what was freed for a while.
MEGABYTES = 100 if sys.argv[3:] == ["none"] else 700
LIST = json.dumps({"method": f"{ROOM}.List"}).encode() + b"\0"


def connect(host):
    one = socket.socket(socket.AF_UNIX)
    one.connect(host.paths[0])   # waits while the backlog is full, which it would not with a timeout
    one.settimeout(PATIENCE)
    return one


def push(one, data):
    """Send as much as it takes; False when it hung up."""
    try:
        one.sendall(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


def all_of(one):
    """What comes back until it hangs up."""
    got = b""
    try:
        while more := one.recv(1 << 20):
            got += more
    except ConnectionResetError:
        pass
    return [json.loads(message) for message in got.split(b"\0")[:-1]]


def is_refusal(messages):
    return len(messages) == 1 and messages[0].get("error") == f"{SERVICE}.InvalidParameter" and \
        messages[0]["parameters"]["message"]


def newcomer(host):
    """A client that has to connect first. It may be told that there are too many, and then tries again."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with host.client() as client:
                client.call("Swap", changes=[{"slot": "printer", "handler": "plain"}])
                return client.call("List")
        except (Error, EOFError, ConnectionError):
            time.sleep(0.02)
    return None


def processor_ticks(host):
    """Of the control thread, which is the one that began last."""
    task = max(int(name) for name in os.listdir(f"/proc/{host.process.pid}/task"))
    with open(f"/proc/{host.process.pid}/task/{task}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def withstand(host, old, name, act):
    """act(host) does its worst and returns the sockets it holds, if any. `old` has been connected for long."""
    records = old.call("List")["lanes"][0]["records"]
    descriptors, memory = host.descriptors(), host.status("VmRSS")
    held, worst, peak = [], 0.0, 0
    crashed = []

    def run():
        try:
            held.extend(act(host) or [])
        except Exception as error:  # pylint: disable=broad-except
            crashed.append(repr(error))

    thread = threading.Thread(target=run)
    thread.start()
    while True:
        running = thread.is_alive()
        start = time.monotonic()
        seen = old.call("List")
        worst = max(worst, time.monotonic() - start)
        peak = max(peak, host.status("VmRSS"))
        if not running:
            break
        time.sleep(0.005)
    thread.join()
    if crashed:
        check(f"{name}: is done", False, crashed)
    check(f"{name}: an old client is answered, in {worst * 1000:.0f} ms at worst", seen["room"] == "host")
    seen = newcomer(host)
    check(f"{name}: a new client is answered", seen)
    check(f"{name}: the lanes go on", until(lambda: old.call("List")["lanes"][0]["records"] > records))
    peak = max(peak, host.status("VmRSS"))
    check(f"{name}: memory stays bounded, {(peak - memory) // 1024} MB more", peak - memory < MEGABYTES * 1024)
    for one in held:
        one.close()
    check(f"{name}: no descriptor is left", until(lambda: host.descriptors() <= descriptors), host.descriptors())


def half_then_silence(host):
    held = []
    for _ in range(150):
        held.append(connect(host))
        push(held[-1], LIST[:20])
    return held


def half_after_whole(host):
    """They have spoken, so that each is a client; then they stop within a message."""
    held = []
    for _ in range(100):
        held.append(connect(host))
        push(held[-1], LIST + LIST[:20])
    return held


def half_then_close(host):
    for _ in range(300):
        one = connect(host)
        push(one, LIST[:20])
        one.close()


def too_long(host):
    one = connect(host)
    chunk = b'{"method":"' + b"x" * (1 << 20)
    sent = sum(push(one, chunk) for _ in range(100))
    check("100 MB in one message: told so, and cut off early", is_refusal(all_of(one)) and sent < 5, sent)
    return [one]


def no_end(host):
    held = [connect(host) for _ in range(30)]
    for one in held:
        push(one, b"a" * (10 << 20))
    check("10 MB without an end: told so", all(is_refusal(all_of(one)) for one in held))
    return held


def rubbish(host):
    table = {
        "deep nesting": b"[" * 100_000, "deep objects": b'{"a":' * 33 + b"1" + b"}" * 33, "deep after a close": b"]" * 99 + b"[" * 99,
        "deep in parameters": b'{"method":"a.B","parameters":{"x":' + b"[" * 5000 + b"]" * 5000 + b"}}",
        "not JSON": b"GET / HTTP/1.1", "an array": b"[]", "a string": b'"x"', "a number": b"5", "null": b"null", "true": b"true",
        "nothing": b"", "spaces": b"   ", "half an object": b'{"method":"org.croom.Room.List"', "two objects": b"{}{}",
        "invalid UTF-8": b'{"method":"\xff\xfe"}', "overlong UTF-8": b'{"method":"\xc0\x80"}', "bare bytes": bytes(range(1, 256)),
        "a NUL in a string": b'{"method":"a\\u0000b"}', "a NUL in a key": b'{"a\\u0000b":1}', "half a surrogate": b'{"method":"\\ud800"}',
        "a key twice": b'{"method":"org.croom.Room.List","method":"org.croom.Room.List"}',
        "a huge integer": b'{"method":"a.B","parameters":{"x":' + b"9" * 400 + b"}}", "a huge real": b'{"method":1e99999}',
        "an open string": b'{"method":"' + b"x" * 1000, "not a number": b'{"method":NaN}', "a comment": b"/* */ {}",
    }
    wrong = []
    for name, message in table.items():
        with connect(host) as one:
            push(one, message + b"\0")
            if not is_refusal(got := all_of(one)):
                wrong.append((name, got))
    check(f"{len(table)} kinds of rubbish are refused with a reason", not wrong, wrong)
    with connect(host) as one:
        push(one, b"\0" * 100_000)
        check("100,000 empty messages: refused once", is_refusal(all_of(one)))
    with host.client() as client:
        deep = {}
        for _ in range(29):
            deep = {"x": deep}
        message = client.refused("List", x=deep)
        check("what is just deep enough is taken", message.name == "InvalidParameter" and message.parameters["parameter"] == "x")


def never_speak(host):
    """10,000 at once, or as many at a time as this process may hold."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard > 12_000:
        hard = 12_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    held, done = [], 0
    while done < 10_000:
        if len(held) >= hard - 200:
            for one in held:
                one.close()
            held = []
        held.append(connect(host))
        done += 1
    return held


def come_and_go(host):
    for _ in range(3000):
        connect(host).close()


def watch_and_never_read(host):
    """The change with the long config makes a frame that no socket buffer takes."""
    held = [connect(host) for _ in range(40)]
    for one in held:
        push(one, json.dumps({"method": f"{ROOM}.Watch", "more": True, "parameters": {"interval_ms": 50}}).encode() + b"\0")
        one.recv(1, socket.MSG_PEEK)
    host.tell("storm", 20, 60000)
    time.sleep(1)
    return held


def ask_and_never_read(host):
    held = [connect(host) for _ in range(63)]
    asks = LIST * 200 + json.dumps({"method": f"{ROOM}.History"}).encode() + b"\0"
    for one in held:
        one.setblocking(False)
        try:
            while True:
                one.send(asks)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
    return held


def half_closed(host):
    """They say that they will send no more, and stay: that must not keep the control thread busy."""
    held = [connect(host) for _ in range(20)]
    for i, one in enumerate(held):
        watch = json.dumps({"method": f"{ROOM}.Watch", "more": True, "parameters": {"interval_ms": 60000}}).encode() + b"\0"
        push(one, (LIST[:9], LIST * 700, watch, LIST[:9])[i % 4])
        one.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    before = processor_ticks(host)
    time.sleep(1)
    used = processor_ticks(host) - before
    check("half-closed connections: the control thread sleeps", used < os.sysconf("SC_CLK_TCK") // 2, used)
    return held


def no_descriptors(host):
    """The host has none left: it says so, does not spin, and goes on when it has some again."""
    limits = resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, (host.descriptors() + 2, limits[1]))
    held, told = [], 0
    for _ in range(30):
        one = connect(host)
        push(one, LIST)
        held.append(one)
        told += json.loads(one.recv(100_000).split(b"\0")[0]).get("error") == f"{ROOM}.TooManyClients"
    resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, limits)
    check("no descriptor left: the client is told", told >= 25, told)
    return held


def too_many(host):
    """All of them have asked something and wait for the next question: then one more is told so."""
    held = [host.client() for _ in range(3)]
    for one in held:
        one.call("List")
    try:
        with host.client() as client:
            client.call("List")
        error = None
    except Error as got:
        error = got
    check("one client too many is told so", error and error.name == "TooManyClients" and error.parameters["message"], error)
    check("and the others stay", all(one.call("List") for one in held))
    held[0].close()
    check("and it gets in when one has gone", newcomer(host))
    for one in held[1:]:
        one.close()


def all_idle(host):
    """All have spoken once and then hold what they have, for good: the operator still gets in after a minute."""
    held = [host.client() for _ in range(3)]
    held[0].send("Watch", more=True, interval_ms=50)
    for one in held[1:]:
        one.call("List")
    held[0].answer("Watch")
    host.tell("later", 50)
    held[1].call("List")
    host.tell("later", 50)
    with host.client() as client:
        client.send("List")
        check("who was idle for a minute goes for a newcomer", "error" not in client.receive() and
              held[2].receive().get("error") == f"{ROOM}.TooManyClients")
        check("and neither who spoke since, nor who watches", held[1].call("List") and held[0].answer("Watch"))
    for one in held:
        one.close()


def main():
    acts = (half_then_silence, half_after_whole, half_then_close, too_long, no_end, rubbish, never_speak, come_and_go,
            watch_and_never_read, ask_and_never_read, half_closed, no_descriptors)
    for mode in ([], ["--dispatch"]):
        with Host(program, *mode) as host, host.client() as old:
            for act in acts if not mode else (half_after_whole, never_speak):
                withstand(host, old, act.__name__.replace("_", " ") + " ".join([""] + mode), act)
            old.close()
            check(" ".join(mode + ["end"]), host.end() == 0)
    with Host(program, "--clients", "3") as host:
        too_many(host)
    with Host(program, "--clients", "3") as host:
        all_idle(host)
    finish()


main()
