#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every method and every error of the control protocol, by a client that knows only the interface file:
methods.py HOST SOURCE"""
import os
import pathlib
import subprocess
import sys
import threading

source = sys.argv[2]
sys.path.insert(0, f"{source}/test")
from varlink import (PATIENCE, ROOM, SERVICE, Client, Error, Host, Interface, check, finish, until)  # noqa: E402

program = os.path.abspath(sys.argv[1])


def introspection(host):
    with host.client() as client:
        info = client.call(f"{SERVICE}.GetInfo")
        check("GetInfo names both interfaces", info["interfaces"] == [SERVICE, ROOM], info)
        texts = {name: client.call(f"{SERVICE}.GetInterfaceDescription", interface=name)["description"]
                 for name in (SERVICE, ROOM)}
        file = pathlib.Path(source, "control/org.croom.Room.varlink").read_text(encoding="ascii")
        check("the interface returned is the file", texts[ROOM] == file)
        interfaces = {name: Interface(text) for name, text in texts.items()}
        check("the interface file is well-formed", all(name == one.name for name, one in interfaces.items()))
        Client.interfaces = interfaces
        client.call(f"{SERVICE}.GetInfo")
        error = client.refused(f"{SERVICE}.GetInterfaceDescription", interface="org.example.No")
        check("an unknown interface's description", error.name == "InterfaceNotFound" and
              error.parameters == {"interface": "org.example.No"}, error)
        error = client.refused(f"{SERVICE}.GetInterfaceDescription", interface=7)
        check("a description of no name", error.name == "InvalidParameter", error)


def listing(host):
    with host.client() as client:
        seen = client.call("List")
        slots = {slot["name"]: slot for slot in seen["slots"]}
        check("List: room, program, pid, revision", seen["room"] == "host" and seen["program"] == "host \u00e4" and
              seen["pid"] == host.process.pid and seen["revision"] == 1, seen)
        check("List: the slots with what sits in them", [slot["name"] for slot in seen["slots"]] ==
              ["printer", "filter", "s2"] and slots["printer"]["handler"] == "off" and
              slots["filter"]["handler"] == "all", slots)
        check("List: the classes with help and syntax", slots["printer"]["classes"] == [
            {"name": "off", "help": "nothing is called here", "syntax": None},
            {"name": "number", "help": "adds N", "syntax": "N"},
            {"name": "text", "help": "any config will do", "syntax": "[TEXT]"},
            {"name": "hang", "help": "may not come back", "syntax": None},
            {"name": "plain", "help": "the value", "syntax": None}], slots["printer"]["classes"])
        lanes = {lane["name"]: lane for lane in seen["lanes"]}
        check("List: the lanes", list(lanes) == ["feed", "spare", "asleep"] and lanes["asleep"]["parked"] and
              not lanes["feed"]["parked"], lanes)
        check("List: the gauges", seen["gauges"] == [{"name": "fill", "unit": "%", "value": 0.5}], seen["gauges"])
        more = client.call("List")
        check("List: records and calls go on", until(lambda: client.call("List")["lanes"][0]["records"] >
              more["lanes"][0]["records"]) and client.call("List")["slots"][0]["calls"] > 0, more)


def swapping(host):
    with host.client() as client:
        result = client.swap("printer=number:5")
        starts = {lane["lane"]: lane for lane in result["lanes"]}
        check("Swap: every lane has moved, and says from which record", result["revision"] == 2 and
              all(lane["observed"] and lane["revision"] == 2 for lane in starts.values()) and
              starts["feed"]["first_record"] > 1 and starts["asleep"]["first_record"] == 1, result)
        result = client.swap("printer=text:a=b:c", "filter=number:-3")
        check("Swap: several at once are one revision", result["revision"] == 3 and client.handlers() ==
              {"printer": "text:a=b:c", "filter": "number:-3", "s2": "off"}, result)
        check("Swap: counts calls anew", client.call("List")["slots"][0]["since_revision"] == 3)
        result = client.swap("s2=plain", wait_ms=0)
        check("Swap: wait_ms 0 returns at once", result["revision"] == 4, result)
        result = client.swap("s2=off", expect=4, command="by hand")
        check("Swap: honours expect", result["revision"] == 5, result)


def refusals(host):
    """(name, changes, more parameters, error, what its parameters must have)"""
    table = [
        ("an unknown slot, with the nearest", ["prnter=plain"], {}, "UnknownSlot", {"slot": "prnter", "nearest": "printer"}),
        ("an unknown slot with nothing near", ["zzzzzz=plain"], {}, "UnknownSlot", {"slot": "zzzzzz", "nearest": ""}),
        ("an unknown class, with the nearest", ["printer=nmuber:1"], {}, "UnknownClass",
         {"class": "nmuber", "nearest": "number"}),
        ("a bad config, and where", ["printer=number:12x4"], {}, "BadConfig",
         {"handler": "printer=number", "offset": 2, "message": "printer=number: takes a number, not '12x4'"}),
        ("a bad config without a place", ["printer=number"], {}, "BadConfig", {"offset": None}),
        ("a config that is not taken", ["printer=plain:1"], {}, "BadConfig", {"handler": "printer=plain"}),
        ("a good and a bad one", ["filter=number:9", "printer=number:x"], {}, "BadConfig", {"offset": 0}),
        ("a slot named twice", ["printer=plain", "printer=off"], {}, "Failed", {}),
        ("a config that is too long", ["printer=text:" + "x" * 70000], {}, "BadConfig", {}),
        ("another revision than expected, and which is current", ["printer=plain"], {"expect": 1}, "WrongRevision",
         {"revision": None}),
    ]
    with host.client() as client:
        before, past = client.call("List"), client.call("History")
        for name, changes, more, error, wanted in table:
            got = client.refused("Swap", changes=[dict(zip(("slot", "handler"), c.split("=", 1))) for c in changes], **more)
            if "revision" in wanted:
                wanted = {"revision": before["revision"]}
            check(f"Swap refuses {name}", got.name == error and got.interface == ROOM and got.parameters["message"] and
                  wanted.items() <= got.parameters.items(), got)
        after = client.call("List")
        check("refused swaps change nothing", past == client.call("History") and all(
            before[key] == after[key] if key == "revision" else
            [(s["handler"], s["since_revision"]) for s in before[key]] == [(s["handler"], s["since_revision"]) for s in after[key]]
            for key in ("revision", "slots")), after)


def wrong_types(host):
    one = [{"slot": "printer", "handler": "plain"}]
    table = [
        ("Swap", {}, "changes"), ("Swap", {"changes": []}, "changes"), ("Swap", {"changes": "printer"}, "changes"),
        ("Swap", {"changes": [1]}, "changes"), ("Swap", {"changes": [{"slot": "printer"}]}, "changes"),
        ("Swap", {"changes": [{"slot": 1, "handler": "plain"}]}, "changes"), ("Swap", {"changes": one * 257}, "changes"),
        ("Swap", {"changes": [dict(one[0], expect=1)]}, "expect"),
        ("Swap", {"changes": one, "expect": "1"}, "expect"), ("Swap", {"changes": one, "expect": 0}, "expect"),
        ("Swap", {"changes": one, "expect": -1}, "expect"), ("Swap", {"changes": one, "expect": 1.5}, "expect"),
        ("Swap", {"changes": one, "wait_ms": 60001}, "wait_ms"), ("Swap", {"changes": one, "wait_ms": True}, "wait_ms"),
        ("Swap", {"changes": one, "command": 5}, "command"), ("Swap", {"changes": one, "exspect": 1}, "exspect"),
        ("Rollback", {"to": "1"}, "to"), ("Rollback", {"to": 0}, "to"), ("Rollback", {"changes": one}, "changes"),
        ("History", {"after": -1}, "after"), ("History", {"count": 0}, "count"), ("History", {"count": 1001}, "count"),
        ("Watch", {"interval_ms": 49}, "interval_ms"), ("Watch", {"interval_ms": []}, "interval_ms"),
        ("List", {"room": "host"}, "room"), ("List", {"\u00e4\n": 1}, "\u00e4\n"),
    ]
    with host.client() as client:
        before = client.call("List")["revision"]
        wrong = []
        for method, parameters, name in table:
            error = client.refused(method, **parameters)
            if (error.name, error.interface, error.parameters["parameter"]) != ("InvalidParameter", SERVICE, name):
                wrong.append((method, str(parameters)[:80], str(error)))
        check(f"{len(table)} wrong parameters are refused by name", not wrong, wrong)
        wrong = []
        for raw, name in ((b'{"method":"org.croom.Room.List","parameters":[]}', "parameters"), (b'{"method":5}', "method"),
                          (b"{}", "method"), (b'{"method":"List"}', "method"), (b'{"method":""}', "method")):
            client.raw(raw + b"\0")
            message = client.receive("List")
            if message.get("error") != f"{SERVICE}.InvalidParameter" or message["parameters"]["parameter"] != name:
                wrong.append((raw, message))
        check("and so are messages of the wrong form", not wrong, wrong)
        for method, error, wanted in ((f"{ROOM}.Lits", "MethodNotFound", {"method": f"{ROOM}.Lits"}),
                                      (f"{SERVICE}.No", "MethodNotFound", {"method": f"{SERVICE}.No"}),
                                      ("org.croom.No.List", "InterfaceNotFound", {"interface": "org.croom.No"}),
                                      ("org.croom.Room.Sub.List", "InterfaceNotFound", {"interface": "org.croom.Room.Sub"})):
            got = client.refused(method)
            check(f"{method}: {error}", got.name == error and got.interface == SERVICE and got.parameters == wanted, got)
        client.raw(b'{"method":"org.croom.Room.Rollback","parameters":null,"more":false}\0')
        check("null parameters are none", client.receive("Rollback")["parameters"]["revision"] == before + 1)


def late_lane(host):
    with host.client() as client, host.client() as other:
        host.tell("stall", "feed")
        now = client.call("List")["revision"]
        error = client.refused("Swap", changes=[{"slot": "printer", "handler": "number:77"}], wait_ms=200)
        check("NotObserved names the lane and the revision", error.name == "NotObserved" and
              error.parameters["lane"] == "feed" and error.parameters["revision"] == now + 1, error)
        check("and the change is in force", client.handlers()["printer"] == "number:77")
        late = {lane["name"]: lane for lane in client.call("List")["lanes"]}
        check("List shows who is late", late["feed"]["late_ms"] > 100 and late["feed"]["revision"] == now and
              until(lambda: client.call("List")["lanes"][1]["late_ms"] == 0), late)
        lanes = {lane["lane"]: lane for lane in client.swap("printer=number:78", wait_ms=0)["lanes"]}
        check("published only: the late lane has not observed", not lanes["feed"]["observed"] and
              lanes["feed"]["revision"] is None and lanes["feed"]["first_record"] is None, lanes)
        client.send("Swap", changes=[{"slot": "printer", "handler": "number:79"}], wait_ms=60000)
        client.send("List")
        check("a swap that waits keeps nobody else", other.call("List")["revision"] == now + 3)
        host.tell("go", "feed")
        got = client.answer("Swap")
        check("it is answered when the lane moves", got["revision"] == now + 3 and
              all(lane["observed"] for lane in got["lanes"]), got)
        check("and what was asked after it comes after it", client.answer("List")["revision"] == now + 3)
        host.tell("stall", "feed")
        count, error = 0, None
        while not error and count < 200:
            try:
                client.swap("printer=number:1", wait_ms=0)
                count += 1
            except Error as got:
                error = got
        check("Busy names the lane that holds up too many", error and error.name == "Busy" and
              error.parameters["lane"] == "feed" and count == 64, (count, error))
        host.tell("go", "feed")
        until(lambda: (seen := client.call("List")) and all(lane["parked"] or lane["revision"] == seen["revision"] for lane in seen["lanes"]))
        check("and it goes on when the lane does", client.swap("printer=plain")["revision"])


def rolling_back(host):
    with host.client() as client:
        client.swap("printer=number:1", "filter=number:1")
        base = client.swap("printer=number:2")["revision"]
        client.swap("filter=number:2")
        check("Rollback: to the state before", client.call("Rollback")["revision"] == base + 2 and
              client.handlers() == {"printer": "number:2", "filter": "number:1", "s2": "off"}, client.handlers())
        client.call("Rollback", to=base - 1)
        check("Rollback: to a revision", client.handlers() == {"printer": "number:1", "filter": "number:1", "s2": "off"})
        entry = client.call("History", count=1)["entries"][0]
        check("Rollback: the history says so", entry["rollback_to"] == base - 1 and entry["changes"] ==
              [{"slot": "printer", "from": "number:2", "to": "number:1"}], entry)
        client.call("Rollback", to=base - 1)
        check("Rollback: that changes nothing is a revision, too", client.call("History", count=1)["entries"][0]["changes"] == [])
        for name, more in (("an unknown revision", {"to": 10**15}), ("the current one", {"to": base + 4})):
            check(f"Rollback refuses {name}", client.refused("Rollback", **more).name == "NoHistory")
        error = client.refused("Rollback", expect=base)
        check("Rollback honours expect", error.name == "WrongRevision" and error.parameters["revision"] == base + 4, error)


def history(host):
    with host.client() as client:
        seen = client.call("History")
        revisions = [entry["revision"] for entry in seen["entries"]]
        last = revisions[-1]
        check("History: all of it, in order", seen["missed"] == 0 and revisions == list(range(2, last + 1)), revisions)
        got = client.call("History", after=last - 3)
        check("History: after", [entry["revision"] for entry in got["entries"]] == [last - 2, last - 1, last] and
              got["missed"] == 0, got)
        got = client.call("History", count=2)
        check("History: count, and how many it leaves out", [entry["revision"] for entry in got["entries"]] ==
              [last - 1, last] and got["missed"] == last - 3, got)
        check("History: nothing newer", client.call("History", after=last + 5) == {"missed": 0, "entries": []})
        told = [entry for entry in seen["entries"] if entry["command"] == "by hand"]
        check("History: who it was", len(told) == 1 and told[0]["uid"] == os.getuid() and told[0]["pid"] == os.getpid(), told)
        with open("/proc/self/comm", encoding="ascii") as file:
            name = file.read().strip()
        check("History: without a command it is the program", seen["entries"][0]["command"] == name, seen["entries"][0])
        client.swap("s2=plain", command="\u00e4" * 200)
        check("History: a long command is cut at a character",
              client.call("History", count=1)["entries"][0]["command"] == "\u00e4" * 127)
        client.call("Rollback")
        child = subprocess.run([sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1]); import os, varlink\n"
                                "varlink.Client(sys.argv[2]).swap('s2=off', command='child'); print(os.getpid())",
                                f"{source}/test", host.paths[0]], capture_output=True, text=True, timeout=PATIENCE, check=True)
        entry = client.call("History", count=1)["entries"][0]
        check("History: the peer's pid, not what it says", entry["pid"] == int(child.stdout), entry)


def watching(host):
    with host.client() as watcher, host.client() as client:
        watcher.send("Watch")
        message = watcher.receive("Watch")
        check("Watch without more", message["error"] == f"{SERVICE}.ExpectedMore", message)
        now = client.call("List")["revision"]
        watcher.send("Watch", more=True, interval_ms=50)
        first = watcher.receive("Watch")
        check("Watch: the first frame comes at once", first["continues"] and first["parameters"]["revision"] == now and
              first["parameters"]["changes"] == [] and first["parameters"]["missed"] == 0, first)
        frames = [watcher.answer("Watch") for _ in range(3)]
        check("Watch: rates of lanes and slots", until(lambda: any(
            lane["per_second"] > 0 for lane in watcher.answer("Watch")["lanes"])) and
            [lane["name"] for lane in frames[0]["lanes"]] == ["feed", "spare", "asleep"] and
            [slot["name"] for slot in frames[0]["slots"]] == ["printer", "filter", "s2"], frames[-1])
        client.swap("printer=number:1", "filter=number:2", command="seen")
        entry = until(lambda: watcher.answer("Watch")["changes"])[0]
        check("Watch: a change, as the history has it", entry == client.call("History", count=1)["entries"][0], entry)
    stream_is_whole(host)


def stream_is_whole(host):
    """While another program swaps as fast as it can, frames go on where the one before ended, and say what they miss."""
    with host.client() as watcher, host.client() as client:
        watcher.send("Watch", more=True, interval_ms=50)
        last = watcher.answer("Watch")["revision"]
        storm = threading.Thread(target=host.tell, args=("storm", 600, 10))
        storm.start()
        wrong, frames = [], 0
        while storm.is_alive() or last < client.call("List")["revision"]:
            frame = watcher.answer("Watch")
            shown = [entry["revision"] for entry in frame["changes"]]
            frames += 1
            if shown != list(range(last + frame["missed"] + 1, frame["revision"] + 1)):
                wrong.append((last, frame["missed"], shown, frame["revision"]))
            last = frame["revision"]
        storm.join()
        check(f"Watch: no change twice or unsaid in {frames} frames", not wrong, wrong[:3])


def storm_between_frames(host):
    """More changes than a frame holds; how many of them a busy machine does in a second is not sure."""
    with host.client() as watcher:
        watcher.send("Watch", more=True, interval_ms=1000)
        first, missed, shown, most, count = watcher.answer("Watch")["revision"], 0, 0, 0, 250
        while missed == 0 and count < 5000:
            host.tell("storm", count, 10)
            missed = shown = 0
            while missed + shown < count:
                frame = watcher.answer("Watch")
                missed, shown = missed + frame["missed"], shown + len(frame["changes"])
                most = max(most, len(frame["changes"]))
            first, count = first + count, count * 2
        check("Watch: says how many changes a frame has no room for", missed > 0 and most == 100 and
              frame["revision"] == first, (missed, shown, most, first))


def one_snapshot(host):
    """Every swap puts something into a slot: so the newest slot is as new as the list, if both are of one moment."""
    with host.client() as client:
        storm = threading.Thread(target=host.tell, args=("storm", 1500, 10))
        storm.start()
        lists, wrong = 0, []
        while storm.is_alive():
            seen = client.call("List")
            lists += 1
            if max(slot["since_revision"] for slot in seen["slots"]) != seen["revision"]:
                wrong.append((seen["revision"], seen["slots"]))
        storm.join()
        check("List: revision and slots are of one moment", lists and not wrong, (lists, wrong[:1]))


def pipelined(host):
    with host.client() as client:
        for i in range(500):
            client.send("Swap", changes=[{"slot": "s2", "handler": f"text:{i}"}], wait_ms=60000, command="pipelined")
            client.send("History", count=1)
        wrong = []
        for i in range(500):
            client.answer("Swap")
            entry = client.answer("History")["entries"][0]
            if entry["changes"][0]["to"] != f"text:{i}":
                wrong.append((i, entry))
        check("1,000 calls at once are answered in order", not wrong, wrong[:2])
        # No more than may wait for a lane that has no processor just now.
        one = [{"slot": "s2", "handler": "number:1"}]
        for _ in range(50):
            client.send("Swap", oneway=True, changes=one)
        client.send("Swap", oneway=True, changes="wrong")
        client.send("Watch", oneway=True, more=True)
        client.raw(b'{"method":"org.croom.Room.List","oneway":true,"parameters":5}\0')
        client.send("List")
        check("oneway: nothing comes back", client.answer("List")["slots"][2]["handler"] == "number:1")
        client.send("Swap", oneway=True, changes=[{"slot": "s2", "handler": "number:2"}])
        client.raw(b"not JSON\0")
        check("the call after a oneway one gets its error", "error" in client.receive("List"))
    with host.client() as client, host.client() as other:
        other.swap("s2=plain")
        for i in range(50):
            client.send("Swap", oneway=True, changes=[{"slot": "s2", "handler": f"number:{i}"}])
        client.close()
        check("oneway: what was sent before hanging up is done", until(lambda: other.handlers()["s2"] == "number:49"),
              other.handlers())
        client = host.client()
        client.send("History")
        client.send("Swap", changes=[{"slot": "s2", "handler": "number:300"}])
        client.socket.shutdown(1)
        check("a client that has said all it will say is answered", client.answer("History")["entries"] and
              client.answer("Swap")["revision"] and client.socket.recv(1) == b"")
        client.close()


def by_itself(host, name):
    """The same from the host's own event loop."""
    with host.client() as client:
        check(f"{name}: swap, list, rollback", client.swap("printer=number:1")["revision"] == 2 and
              client.handlers()["printer"] == "number:1" and client.call("Rollback")["revision"] == 3)
        host.tell("stall", "feed")
        error = client.refused("Swap", changes=[{"slot": "printer", "handler": "plain"}], wait_ms=50)
        host.tell("go", "feed")
        check(f"{name}: not observed in time", error.name == "NotObserved" and error.parameters["lane"] == "feed", error)
        client.send("Watch", more=True, interval_ms=50)
        check(f"{name}: watch", [client.answer("Watch")["revision"] for _ in range(4)] == [4] * 4)


def two_rooms():
    """Each with a thread of its own in one process; the thread sanitizer looks on."""
    with Host(program, "--rooms", "2", ready=2) as host:
        wrong = []

        def swap(room):
            with host.client(room) as client:
                for i in range(300):
                    result = client.swap(f"printer=number:{i}", wait_ms=60000 if i % 2 else 0)
                    if result["revision"] != i + 2 or len(result["lanes"]) != 3:
                        wrong.append((room, i, result))

        threads = [threading.Thread(target=swap, args=(room,)) for room in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with host.client(1) as client:
            check("two rooms in one process do not meet", not wrong and client.call("List")["room"] == "second", wrong[:2])
        check("two rooms: end", host.end() == 0)


def long_configs():
    """Replies stay bounded and valid when configs are as long as they may be."""
    with Host(program, "--slots", "64") as host, host.client() as client:
        host.tell("storm", 100, 65000)
        client.send("History")
        raw = client.receive("History")
        got = raw["parameters"]
        check("History of 100 configs of 65 KB: the newest that fit", got["missed"] > 80 and
              got["missed"] + len(got["entries"]) == 100 and got["entries"][-1]["revision"] == 101 and
              got["entries"][-1]["changes"][0]["to"] == "text:" + "x" * 65000, (got["missed"], len(got["entries"])))
        for i in range(64):
            slot = ("printer", "filter")[i] if i < 2 else f"s{i}"
            client.swap(f"{slot}=text:{'ä' * 32000}")
        seen = client.call("List")
        handlers = [slot["handler"] for slot in seen["slots"]]
        size = sum(len(handler.encode()) for handler in handlers)
        check("List of 64 configs of 64 KB: cut to fit, and it says so", size < 600_000 and all(
            handler.startswith("text:ä") and handler.endswith(" bytes]") and "?" not in handler and
            int(handler.split("...[+")[1].split()[0]) + len(handler.split("...[+")[0].encode()) == 64005
            for handler in handlers), (size, handlers[0][-30:]))
        client.swap("printer=text:" + "\x01" * 30000)
        check("and of one that JSON makes six times as long", len(client.call("List")["slots"][0]["handler"]) < 30000)
        back = client.call("Rollback", to=101)
        entry = client.call("History", after=back["revision"] - 1)["entries"][0]
        check("History of one change of 64 configs is bounded, too", len(entry["changes"]) == 64 and
              sum(len(change["from"].encode()) for change in entry["changes"]) < 600_000)
        with host.client() as watcher:
            watcher.send("Watch", more=True, interval_ms=500)
            watcher.answer("Watch")
            host.tell("storm", 30, 65000)
            missed = shown = 0
            while missed + shown < 30:
                frame = watcher.answer("Watch")
                missed, shown = missed + frame["missed"], shown + len(frame["changes"])
            check("a watch of 65 KB configs", shown > 0 and missed + shown == 30, (missed, shown))
        check("long configs: end", host.end() == 0)


def lanes_that_come_and_go():
    """A rate is of one lane, wherever in the list it has come to be."""
    with Host(program) as host, host.client() as watcher:
        host.tell("add", "one")
        host.tell("add", "two")
        watcher.send("Watch", more=True, interval_ms=50)
        frames = [watcher.answer("Watch")]
        host.tell("remove", "asleep")
        while any(lane["name"] == "asleep" for lane in frames[-1]["lanes"]):
            frames.append(watcher.answer("Watch"))
        frames += [watcher.answer("Watch") for _ in range(2)]
        rates = [lane for frame in frames for lane in frame["lanes"] if lane["name"] in ("one", "two")]
        check("Watch: a lane that was moved has no rate of another's", len(rates) == 2 * len(frames) and
              all(lane["per_second"] == 0 and lane["total"] == 10**12 for lane in rates), rates)
        watcher.close()
        check("lanes that come and go: end", host.end() == 0)


def out_of_memory():
    """Whichever piece of memory is missing: a swap is answered in full, or refused, or the server hangs up."""
    with Host(program) as host:
        wrong, hung_up = [], 0
        for i in range(1, 120):
            with host.client() as client:
                host.tell("starve", i)
                client.send("Swap", changes=[{"slot": "printer", "handler": "plain"}], wait_ms=0)
                try:
                    message = client.receive()
                except (EOFError, ConnectionError):
                    hung_up += 1
                    continue
                if "error" not in message and len(message["parameters"].get("lanes", [])) != 3:
                    wrong.append((i, message))
        check("a result that could not be built is no success", hung_up and not wrong, (hung_up, wrong[:3]))
        check("out of memory: end", host.end() == 0)


def odd_texts():
    """What the program says of itself need be neither UTF-8 nor a number: it is shown all the same."""
    with Host(program, "--odd") as host, host.client() as client:
        seen = client.call("List")
        slots = {slot["name"]: slot for slot in seen["slots"]}
        check("a help that is not UTF-8 hides no slot", list(slots) == ["printer", "filter", "s2"] and
              slots["filter"]["help"] == "? kept", slots)
        check("nor help and syntax a class", {"name": "odd", "help": "? help", "syntax": "?"} in slots["filter"]["classes"],
              slots["filter"]["classes"])
        gauges = {gauge["name"]: (gauge["value"], gauge["unit"]) for gauge in seen["gauges"]}
        check("nor a unit, NaN or infinity a gauge", gauges ==
              {"nan": (0, "%"), "inf": (0, "%"), "warmth": (0.5, "?"), "fill": (0.5, "%")}, gauges)
        client.send("Watch", more=True)
        check("and so in a watch", client.answer("Watch")["gauges"] == seen["gauges"])
        client.close()
        check("odd texts: end", host.end() == 0)


def main():
    with Host(program) as host:
        for part in (introspection, listing, swapping, refusals, history, wrong_types, late_lane, rolling_back, watching,
                     storm_between_frames, one_snapshot, pipelined):
            part(host)
        check("nothing that a sanitizer minds", host.end() == 0)
    with Host(program, "--dispatch", "--rooms", "2", ready=2) as host:
        by_itself(host, "own loop")
        check("own loop: end", host.end() == 0)
    two_rooms()
    long_configs()
    lanes_that_come_and_go()
    odd_texts()
    out_of_memory()
    check(f"{Client.replies} replies and errors are as declared", Client.replies > 1000 and not Client.misfits,
          Client.misfits[:5])
    finish()


main()
