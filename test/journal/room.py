#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The journal as operators see it: by varlink, by croomctl at a room and at a file: room.py CROOMCTL HOST SOURCE"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, f"{sys.argv[3]}/test")
from varlink import PATIENCE, Client, Host, Interface, check, finish, folder, until  # noqa: E402

croomctl, program = (os.path.abspath(path) for path in sys.argv[1:3])
SECOND = 10**9


class Ctl:
    """croomctl, where rooms are in one folder."""

    def __init__(self, directory):
        self.environment = dict(os.environ, CROOM_RUNTIME_DIR=directory, TZ="UTC")

    def __call__(self, *args):
        run = subprocess.run([croomctl, *args], env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return run.returncode, run.stdout, run.stderr

    def json(self, *args):
        code, out, err = self(*args, "--json")
        return code, json.loads(out) if not err else err


def said(result, code, *words):
    return result[0] == code and all(word in result[1] + result[2] for word in words)


def rows(client, **parameters):
    return client.call("Journal", **parameters)["rows"]


def kinds(all_rows):
    return [row["kind"] for row in all_rows]


def written(client, kind, count=1):
    """Wait until the control thread has written so many rows of this kind."""
    return until(lambda: kinds(rows(client)).count(kind) >= count)


def by_varlink(state, directory):
    with Host(program, "--journal", state, directory=directory) as host, host.client() as client:
        journal = client.call("List")["journal"]
        check("List: the journal is kept", journal["kept"] and journal["lost"] == 0 and journal["lost_since_ns"] is None and
              journal["path"] == f"{state}/host.journal" and journal["why"] == "" and journal["rows"] == 1, journal)
        client.swap("printer=number:1", command="the first")
        client.refused("Swap", changes=[{"slot": "printer", "handler": "number:x"}], command="the second")
        client.call("Swap", changes=[{"slot": "printer", "handler": "number:2"}], confirm_ms=3600000, wait_ms=60000, command="the third")
        client.call("Confirm", command="the fourth")
        client.call("Freeze", why="noon", command="the fifth")
        client.call("Thaw", command="the sixth")
        host.tell("quarantine", "number:13")
        client.call("Pardon", slot="printer", handler="number:13", command="the seventh")
        check("each lane's first record is written later", written(client, "observed", 2), rows(client))
        found = [row for row in rows(client) if row["kind"] != "observed"]
        check("Journal: all that happened, in order", kinds(found) == "start changed refused changed confirmed frozen thawed quarantined "
              "pardoned".split(), kinds(found))
        first = found[1]
        check("Journal: a change says who, from, to", first["changes"] == [{"slot": "printer", "from": "off", "to": "number:1"}] and
              first["command"] == "the first" and first["uid"] == os.getuid() and first["pid"] == os.getpid() and
              first["revision"] == 2 and first["cause"] == "swap" and abs(first["time_ns"] - time.time_ns()) < 600 * SECOND, first)
        check("Journal: a refusal says why", found[2]["command"] == "the second" and "takes a number" in found[2]["text"] and
              found[2]["changes"] == [{"slot": "printer", "from": "", "to": "number:x"}], found[2])
        seen = next(row for row in rows(client) if row["kind"] == "observed")
        check("Journal: observed says from which record", {c["slot"] for c in seen["changes"]} == {"feed", "spare", "asleep"} and
              all(c["from"].isdigit() for c in seen["changes"]), seen)
        last = client.call("Journal", count=2)
        check("Journal: count, and how many were left out", last["missed"] == len(rows(client)) - 2 and
              last["rows"] == rows(client)[-2:], last)
        check("Journal: since_ns", kinds(rows(client, since_ns=found[4]["time_ns"]))[0] == "confirmed" and
              rows(client, since_ns=2**62) == [], found[4])
        moments = client.call("At", time_ns=first["time_ns"])["moments"]
        check("At: what was in force then", len(moments) == 1 and moments[0]["span"] == "running" and moments[0]["revision"] == 2 and
              {"slot": "printer", "handler": "number:1", "waits": False} in moments[0]["slots"] and
              moments[0]["until_ns"] == found[3]["time_ns"] and moments[0]["command"] == "the first", moments)
        check("At: what was not confirmed then", client.call("At", time_ns=found[3]["time_ns"])["moments"][0]["slots"][0]["waits"] is True)
        check("At: before the journal", client.call("At", time_ns=0)["moments"][0]["span"] == "unknown")
        for parameters in ({"time_ns": 2**62}, {}, {"time_ns": "x"}, {"time_ns": 1, "later": 1}):
            error = client.refused("At", **parameters)
            check(f"At {parameters}: refused", error.name == "InvalidParameter", error)
        for parameters in ({"count": 0}, {"count": 10001}, {"since_ns": "x"}, {"after": 1}):
            error = client.refused("Journal", **parameters)
            check(f"Journal {parameters}: refused", error.name == "InvalidParameter", error)
        client.send("Watch", more=True, interval_ms=50)
        frame = client.answer("Watch")
        check("Watch: each frame has the journal's state", frame["journal"]["kept"] and frame["journal"]["rows"] > 9, frame["journal"])
    with Host(program, directory=directory) as host, host.client() as client:
        check("a room without one says null", client.call("List")["journal"] is None)
        for method, parameters in (("Journal", {}), ("At", {"time_ns": 1})):
            error = client.refused(method, **parameters)
            check(f"{method} without one: NoJournal", error.name == "NoJournal" and "--state" in error.parameters["message"], error)


def out_of_memory(state, directory):
    """Whichever piece of memory is missing: the answer is whole, or there is none."""
    wrong, hung_up = [], 0
    with Host(program, "--journal", state, directory=directory) as host:
        with host.client() as client:
            client.swap("printer=number:1", "filter=number:2")
            now = until(lambda: rows(client)[-1]["kind"] == "observed" and rows(client)[-1]["time_ns"])
        for i in range(1, 150):
            for method, parameters in (("Journal", {"count": 2}), ("At", {"time_ns": now})):
                with host.client() as client:
                    host.tell("starve", i)
                    client.send(method, **parameters)
                    try:
                        reply = client.receive()["parameters"]
                    except (EOFError, ConnectionError, ValueError):
                        hung_up += 1
                        continue
                    if not {"moments", "rows"} & set(reply):    # an error; or jansson has left out a key, and that is no answer
                        hung_up += 1
                    elif method == "At" and len(reply["moments"][0]["slots"]) != 3 or \
                            method == "Journal" and [len(row["changes"]) for row in reply["rows"]] != [2, 3]:
                        wrong.append((i, method, reply))
        host.tell("starve", 0)
        check("an answer that could not be built whole is none", hung_up and not wrong, (hung_up, wrong[:3]))


def large(state, directory):
    """Handlers of 60 kB: a reply has what fits, the newest, and says what does not."""
    with Host(program, "--journal", state, directory=directory) as host, host.client() as client:
        host.tell("storm", 20, 60000)
        reply = client.call("Journal", since_ns=0)
        size = len(json.dumps(reply))
        newest = [row for row in reply["rows"] if row["kind"] == "changed"][-1]
        check("Journal: bounded, and the newest", reply["missed"] > 5 and size < 900_000 and newest["revision"] >= 21, (size, reply["missed"]))
        moment = client.call("At", time_ns=newest["time_ns"])["moments"][-1]
        check("At: a handler that is too long is cut, and says so", len(json.dumps(moment)) < 400_000 and
              any("...[+" in slot["handler"] for slot in moment["slots"]), len(json.dumps(moment)))


def by_croomctl(ctl, state, directory):
    path = f"{state}/host.journal"
    with Host(program, "--journal", state, directory=directory) as host, host.client() as client:
        check("list has a line on it", re.search(rf"^journal {re.escape(path)}, \d+ rows$", ctl("list")[1], re.M), ctl("list"))
        ctl("swap", "printer=number:1")
        ctl("swap", "printer=number:x")
        host.tell("wall", 3600)
        ctl("swap", "printer=number:2", "filter=number:3")
        # The lanes' rows of the last change, too: nothing else is written then.
        until(lambda: rows(client)[-1]["kind"] == "observed" and rows(client)[-1]["revision"] == client.call("List")["revision"])
        result = ctl("history", "--since", "1h")
        check("history --since", said(result, 0, "changed", "off -> number:1", "refused", "takes a number", "croomctl swap printer=number:x",
                                      "filter: all -> number:3", "lane feed from record "), result)
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 1800))
        result = ctl("history", "--since", when)
        check("history --since a date", said(result, 0, "number:3") and "number:x" not in result[1], result)
        result = ctl("history", "--since", "1h", "--count", "1")
        check("history --since, --count", said(result, 0, "older rows are not shown", "observed") and "changed" not in result[1], result)
        code, value = ctl.json("history", "--since", "1h")
        check("history --since, --json is the reply", code == 0 and set(value) == {"missed", "rows"}, value)
        result = ctl("at", "now")
        check("at a time", said(result, 0, "room host at 20", "printer    number:1", "was in force, since", "croomctl swap printer=number:1"), result)
        result = ctl("at", "9d")
        check("at a time before the journal", said(result, 0, "not known", "the journal begins at "), result)
        code, value = ctl.json("at", "now")
        check("at, --json is the reply", code == 0 and value["moments"][0]["slots"][0]["handler"] == "number:1", value)
        result = ctl("journal", "verify")
        check("journal verify: of the room that runs", said(result, 0, f"{path}: ", " rows, 1 to ", "nothing was altered"), result)
        head = ctl("journal", "head")[1].strip()
        check("journal head", re.fullmatch(r"\d+:[0-9a-f]{64}", head), head)
        check("journal show", said(ctl("journal", "show", "--count", "3"), 0, "older rows are not shown"), ctl("journal", "show", "--count", "3"))
        wrong = {("at",): "at takes one time", ("at", "1s", "2s"): "at takes one time", ("at", "soon"): "'soon' is no time",
                 ("at", "25:00"): "is no time", ("at", "2026-02-30x"): "is no time", ("history", "--since", "soon"): "--since takes a time",
                 ("journal",): "journal takes verify, show or head", ("journal", "burn"): "journal takes", ("journal", "head", "a", "b"): "journal takes",
                 ("journal", "verify", "--head", "x"): "--head takes ROW:HASH", ("journal", "show", "--head", head): "--head is for",
                 ("journal", "verify", "--since", "1h"): "--since and --count are for", ("list", "--since", "1h"): "list takes no --since",
                 ("journal", "verify", "--head", "0:" + "a" * 64): "--head takes", ("at", "--count", "3", "1s"): "at takes no --count"}
        bad = [(args, result) for args, words in wrong.items() if not said(result := ctl(*args), 2, "croomctl: ", words) or result[1]]
        check(f"{len(wrong)} kinds of wrong usage: 2, and a sentence", not bad, bad)
        host.kill()
    result = ctl("at", "now", "--journal", path)
    check("at --journal: without the program", said(result, 0, f"{path} at 20", "revision 2 was in force, since 20", "printer    number:1"), result)
    return path, head


def of_a_file(ctl, path, head):
    result = ctl("journal", "show", path)
    check("journal show FILE: without a program", said(result, 0, "start", "off -> number:1", "croomctl swap printer=number:x"), result)
    check("history --journal FILE", said(ctl("history", "--journal", path, "--count", "2"), 0, "older rows are not shown"))
    check("journal verify FILE --head: it is there", ctl("journal", "verify", path, "--head", head)[0] == 0, ctl("journal", "verify", path, "--head", head))
    check("journal verify --head: by its hash alone", ctl("journal", "verify", path, "--head", head.split(":")[1])[0] == 0)
    copy = f"{path}.copy"
    subprocess.run(["sqlite3", path, f".clone {copy}"], check=False, capture_output=True)
    shutil.copy(path, copy)
    result = ctl("journal", "verify", copy)
    check("a copy verifies, too", result[0] == 0, result)
    for name, change, word in (("altered", "UPDATE journal SET command = 'somebody else' WHERE row = 2", "row 2 does not fit"),
                               ("removed", "DELETE FROM journal WHERE row = 3", "row 3 is missing")):
        shutil.copy(path, copy)
        alter(copy, change)
        result = ctl("journal", "verify", copy)
        check(f"an {name} row shows: 7" if name == "altered" else f"a {name} row shows: 7", said(result, 7, "ALTERED: " + word), result)
        code, value = ctl.json("journal", "verify", copy)
        check(f"{name}: as JSON", code == 7 and word in value["findings"][0] and value["found"] >= 1, value)
    shutil.copy(path, copy)
    alter(copy, "DELETE FROM journal WHERE row >= " + head.split(":")[0])
    check("an end that was cut off shows against a head", ctl("journal", "verify", copy)[0] == 0 and
          said(ctl("journal", "verify", copy, "--head", head), 7, "is not there any more: rows were removed from the end"))
    with open(copy, "wb") as file:
        file.write(b"no journal" * 1000)
    for args in (("journal", "verify", copy), ("journal", "show", copy), ("journal", "head", copy), ("at", "1s", "--journal", copy),
                 ("history", "--journal", copy)):
        result = ctl(*args)
        check(f"{args[:2]}: a file that is none: 7, and a sentence", said(result, 7, "croomctl: ", "is no journal"), result)
    check("a file that is not there: 1", said(ctl("journal", "verify", copy + "x"), 1, "No such file"), ctl("journal", "verify", copy + "x"))
    result = ctl("journal", "verify")
    check("no file and no room: 6", said(result, 6, "no room is running"), result)


def alter(path, change):
    import sqlite3
    with sqlite3.connect(path) as database:
        database.execute(change)
    database.close()


def loudly(ctl, state, directory):
    """A journal that cannot be kept: every view says so, and swaps go on."""
    os.makedirs(state, mode=0o700)
    with open(f"{state}/host.journal", "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(b"no journal" * 1000)
    with Host(program, "--journal", state, directory=directory) as host, host.client() as client:
        client.swap("printer=number:1")
        journal = client.call("List")["journal"]
        check("List: it is not kept, and why", not journal["kept"] and "is no journal" in journal["why"] and journal["lost"] == 2 and
              journal["lost_since_ns"] > 0, journal)
        gauges = {gauge["name"]: gauge["value"] for gauge in client.call("List")["gauges"]}
        check("a gauge counts what is lost", gauges.get("journal_lost") == 2, gauges)
        check("list says so loudly", said(ctl("list"), 0, "JOURNAL NOT KEPT: ", "is no journal", "2 rows lost, the first of them at 20"), ctl("list"))
        watch = subprocess.Popen([croomctl, "watch", "--interval", "50ms"], env=ctl.environment, stdout=subprocess.PIPE, text=True)
        line = next((line for line in watch.stdout if "JOURNAL" in line), "")
        watch.send_signal(signal.SIGINT)
        watch.wait()
        watch.stdout.close()
        check("watch says so loudly", line.startswith("JOURNAL NOT KEPT: "), line)
        error = client.refused("Journal")
        check("Journal: NoJournal, and why", error.name == "NoJournal" and "is no journal" in error.parameters["message"], error)
        check("swaps go on", client.swap("printer=number:2")["revision"] == 3 and client.handlers()["printer"] == "number:2")
        # The operator moves it away.
        os.rename(f"{state}/host.journal", f"{state}/aside")
        check("it is kept again when nothing is in the way", until(lambda: client.call("List")["journal"]["kept"]), client.call("List")["journal"])
        check("and says what was lost", [row["text"] for row in rows(client) if row["kind"] == "lost"][0].startswith("4 rows lost from 20"),
              rows(client))
        result = ctl("list")
        check("list still says that there were some", said(result, 0, " rows; 4 MORE WERE LOST since the program began"), result)
        error = client.refused("Swap", changes=[{"slot": "printer", "handler": "number:x"}])
        check("and what comes now is written", written(client, "refused"), error)


def restarts(ctl, state, directory):
    with Host(program, "--journal", state, directory=directory) as host, host.client() as client:
        client.swap("printer=number:5", "filter=number:6")
        client.call("Swap", changes=[{"slot": "printer", "handler": "number:13"}], confirm_ms=3600000, wait_ms=60000)
        host.kill()
    result = ctl("at", "now", "--journal", f"{state}/host.journal")
    check("at: a program that was killed", said(result, 0, "revision 3 may have been in force", "has no end in the journal: it ended, without saying so",
                                                "number:13   (not confirmed then, or on trial)"), result)
    with Host(program, "--journal", state, directory=directory) as host, host.client() as client:
        check("killed while a change waited: the one before runs", client.handlers()["printer"] == "number:5" and
              client.handlers()["filter"] == "number:6", client.handlers())
        held = client.call("List")["quarantined"]
        check("and the new one is in quarantine", len(held) == 1 and held[0]["handler"] == "number:13" and "unconfirmed" in held[0]["why"], held)
        error = client.refused("Swap", changes=[{"slot": "printer", "handler": "number:13"}])
        check("and is refused", error.name == "Quarantined", error)
        client.call("Pardon", slot="printer", handler="number:13")
        client.swap("printer=number:13")
        host.kill()
    with Host(program, "--journal", state, directory=directory) as host, host.client() as client:
        check("pardoned, swapped in, killed: it comes back", client.handlers()["printer"] == "number:13" and
              client.call("List")["quarantined"] == [], client.handlers())


def main():
    with open(f"{sys.argv[3]}/control/org.croom.Room.varlink", encoding="ascii") as file:
        Client.interfaces = {"org.croom.Room": Interface(file.read())}
    directory = folder()
    ctl = Ctl(directory)
    try:
        by_varlink(f"{directory}/one", directory)
        out_of_memory(f"{directory}/memory", directory)
        large(f"{directory}/two", directory)
        path, head = by_croomctl(ctl, f"{directory}/three", directory)
        of_a_file(ctl, path, head)
        loudly(ctl, f"{directory}/four", directory)
        restarts(ctl, f"{directory}/five", directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    check(f"{Client.replies} replies are as the interface file says", Client.replies > 50 and not Client.misfits, Client.misfits[:5])
    finish()


main()
