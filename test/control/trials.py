#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Changes with a way back, over the socket: trials, confirming, freezing, pardoning, dry runs: trials.py HOST SOURCE"""
import os
import pathlib
import sys

source = sys.argv[2]
sys.path.insert(0, f"{source}/test")
from varlink import ROOM, Client, Error, Host, Interface, check, finish, until  # noqa: E402

program = os.path.abspath(sys.argv[1])
FAILS = "number:-1000000"


def entries(client, after):
    return client.call("History", after=after)["entries"]


def newest(client):
    return entries(client, client.call("List")["revision"] - 1)[0]


def slot(client, name="printer"):
    return next(one for one in client.call("List")["slots"] if one["name"] == name)


def guards(host):
    with host.client() as client:
        before = client.swap("printer=number:1")["revision"]
        result = client.swap("printer=number:2", trial={"kind": "guard", "rules": "errors<1,for=1h"})
        check("a guard begins as a swap", result["revision"] == before + 1, result)
        check("and sits in the slot", slot(client)["trial"] == "guard", slot(client))
        seen = client.call("Trial", slot="printer")
        check("Trial tells kind, handlers and figures", seen["kind"] == "guard" and seen["active"] and seen["fresh"] == "number:2" and
              seen["old"] == "number:1" and not seen["broken"] and seen["errors"] == 0 and 0 <= seen["left_ms"] <= 3600000, seen)
        client.call("Rollback", wait_ms=60000)
        result = client.swap("printer=number:2", trial={"kind": "guard", "rules": "errors<1,for=100ms"})
        check("when its time is up the bare handler stays", until(lambda: slot(client)["trial"] is None) and
              client.handlers()["printer"] == "number:2")
        check("and the history says so", newest(client)["cause"] == "end_of_trial" and "time is up" in newest(client)["note"],
              newest(client))
        note = entries(client, result["revision"] - 1)[0]["note"]
        check("and what the guard was", note == "guard errors<1,for=100ms", note)
        client.swap(f"printer={FAILS}", trial={"kind": "guard", "rules": "errors<5"})
        check("a broken guard goes back", until(lambda: client.handlers()["printer"] == "number:2"))
        entry = newest(client)
        check("as a revision of its own, with the figures", entry["cause"] == "breach" and
              entry["note"].startswith("errors<5 is broken: ") and entry["changes"] ==
              [{"slot": "printer", "from": FAILS, "to": "number:2"}], entry)
        seen = client.call("Trial", slot="printer")
        check("Trial still tells what it found", not seen["active"] and seen["broken"] and seen["errors"] >= 5 and
              seen["why"].startswith("errors<5 is broken"), seen)
        error = client.refused("Swap", changes=[{"slot": "printer", "handler": "number:2"}], trial={"kind": "guard", "rules": "for=10s,sample=4"})
        check("a guard that nothing can break is none", error.name == "InvalidParameter" and "needs a rule that can be broken" in str(error), error)
        error = client.refused("Trial", slot="s2")
        check("Trial where there was none", error.name == "Failed" and "has had no trial" in str(error), error)


def canary_and_shadow(host):
    with host.client() as client:
        client.swap("printer=plain")
        client.swap("printer=plain", trial={"kind": "canary", "one_in": 4})
        check("a canary sits there until it is promoted", slot(client)["trial"] == "canary")
        client.call("Promote", slot="printer", wait_ms=60000)
        check("Promote", slot(client)["trial"] is None and newest(client)["note"] == "promoted", newest(client))
        error = client.refused("Promote", slot="printer")
        check("Promote where there is none", "no trial to end" in str(error), error)
        client.swap("printer=plain", trial={"kind": "shadow", "rules": "differ<1000000"})
        check("a shadow counts calls", until(lambda: client.call("Trial", slot="printer")["calls"] > 100))
        check("and sees no difference where there is none", client.call("Trial", slot="printer")["differences"] == 0)
        client.call("Rollback", wait_ms=60000)
        try:
            client.swap("printer=text:x", trial={"kind": "shadow"})
            check("a shadow of what acts on others is refused", False)
        except Error as error:
            check("a shadow of what acts on others is refused", "printer=text cannot be in a shadow" in str(error), error)


def profile(host):
    with host.client() as client:
        client.swap("printer=number:1")
        revision = client.call("Profile", slot="printer", for_ms=50, wait_ms=60000)["revision"]
        check("a profile ends by itself", until(lambda: not client.call("Trial", slot="printer")["active"]))
        seen = client.call("Trial", slot="printer")
        check("and has timed every call", seen["kind"] == "profile" and seen["revision"] == revision and seen["timed"] > 0 and
              sum(one["count"] for one in seen["histogram"]) == seen["timed"], seen)
        check("the handler is the same", client.handlers()["printer"] == "number:1" and newest(client)["cause"] == "profile")


def confirming(host):
    with host.client() as client:
        client.swap("printer=number:1")
        result = client.swap("printer=number:2", confirm_ms=60000)
        waits = client.call("List")["unconfirmed"]
        check("List tells what waits", waits["revision"] == result["revision"] and 0 < waits["left_ms"] <= 60000, waits)
        try:
            client.swap("filter=number:1")
            check("nothing else may change", False)
        except Error as error:
            check("nothing else may change", error.name == "Unconfirmed" and error.parameters["revision"] == result["revision"], error)
        error = client.refused("Confirm", revision=result["revision"] - 1)
        check("Confirm of another revision", error.name == "WrongRevision", error)
        check("Confirm", client.call("Confirm", revision=result["revision"]) == {"revision": result["revision"]})
        check("then nothing waits", client.call("List")["unconfirmed"] is None)
        client.swap("printer=number:1", confirm_ms=60000)
        waits = client.call("List")["unconfirmed"]["revision"]
        check("Confirm tells of what", client.call("Confirm") == {"revision": waits}, waits)
        client.swap("printer=number:2")
        error = client.refused("Confirm")
        check("Confirm of nothing", error.name == "Failed" and "nothing waits" in str(error), error)
        client.swap("printer=number:3", "filter=number:4", confirm_ms=50)
        check("unconfirmed, all of it goes back", until(lambda: client.handlers()["printer"] == "number:2" and
              client.handlers()["filter"] != "number:4") and newest(client)["cause"] == "unconfirmed", newest(client))


def late_and_undone(host):
    """A lane that does not move: the change goes back by itself, and the reply says as which revision."""
    with host.client() as client:
        client.swap("printer=number:1")
        host.tell("stall", "feed")
        try:
            client.swap("printer=number:2", wait_ms=200, observe_ms=50)
            check("undone when late", False)
        except Error as error:
            check("undone when late", error.name == "NotObserved" and "it was undone as revision" in str(error), error)
        host.tell("go", "feed")
        check("the handler before is back", client.handlers()["printer"] == "number:1" and newest(client)["cause"] == "unobserved")


def frozen(host):
    with host.client() as client:
        client.call("Freeze", why="audit until noon")
        check("List tells that it is frozen", client.call("List")["frozen"] == "audit until noon")
        for method, more in (("Swap", {"changes": [{"slot": "printer", "handler": "plain"}]}), ("Rollback", {}),
                             ("Profile", {"slot": "printer"})):
            error = client.refused(method, **more)
            check(f"{method} is refused with the reason", error.name == "Frozen" and "audit until noon" in str(error), error)
        error = client.refused("Freeze", why="again")
        check("Freeze twice", error.name == "Frozen", error)
        client.call("Thaw")
        check("Thaw", client.call("List")["frozen"] is None and client.swap("printer=plain"))
        check("Thaw twice", client.refused("Thaw").name == "Failed")
        check("Freeze needs a reason", client.refused("Freeze", why="").name == "InvalidParameter" and
              client.refused("Freeze").name == "InvalidParameter")


def dry(host):
    with host.client() as client:
        revision = client.call("List")["revision"]
        result = client.swap("printer=number:5", dry_run=True)
        check("a dry run names the revision it would be", result == {"revision": revision + 1, "lanes": []} and
              client.call("List")["revision"] == revision, result)
        error = client.refused("Swap", changes=[{"slot": "printer", "handler": "number:x"}], dry_run=True)
        check("and refuses what a swap would", error.name == "BadConfig", error)


def pardon(host):
    with host.client() as client:
        host.tell("quarantine", "number:13")
        check("List tells what is in quarantine", client.call("List")["quarantined"] ==
              [{"slot": "printer", "handler": "number:13", "why": "because"}], client.call("List")["quarantined"])
        try:
            client.swap("printer=number:13")
            check("a swap to it is refused", False)
        except Error as error:
            check("a swap to it is refused", error.name == "Quarantined" and error.parameters["handler"] == "printer=number:13", error)
        client.call("Pardon", slot="printer", handler="number:13")
        check("Pardon", client.swap("printer=number:13") and client.call("List")["quarantined"] == [])
        check("Pardon of what is not there", client.refused("Pardon", slot="printer", handler="number:13").name == "Failed")


def wrong(host):
    change = [{"slot": "printer", "handler": "plain"}]
    table = [("trial", 5), ("trial", {}), ("trial", {"kind": "x"}), ("trial", {"kind": "guard"}),
             ("trial", {"kind": "guard", "rules": "p99"}), ("trial", {"kind": "guard", "rules": 5}),
             ("trial", {"kind": "guard", "rules": "errors<1", "one_in": 5}), ("trial", {"kind": "canary"}),
             ("trial", {"kind": "canary", "one_in": 1}), ("trial", {"kind": "shadow", "odd": 1}), ("confirm_ms", 0),
             ("confirm_ms", "x"), ("observe_ms", -1), ("dry_run", "yes")]
    with host.client() as client:
        revision = client.call("List")["revision"]
        for name, value in table:
            error = client.refused("Swap", changes=change, **{name: value})
            check(f"Swap with {name} {value}", error.name == "InvalidParameter", error)
        error = client.refused("Swap", changes=[*change, {"slot": "filter", "handler": "number:1"}],
                               trial={"kind": "guard", "rules": "errors<1"})
        check("a trial takes one change", "takes one change" in str(error), error)
        for method, more in ("Confirm", {}), ("Freeze", {"why": "x"}), ("Thaw", {}), ("Pardon", {"slot": "printer", "handler": "text"}), \
                ("Promote", {"slot": "printer"}), ("Profile", {"slot": "printer"}), ("Trial", {"slot": "printer"}):
            error = client.refused(method, odd=1, **more)
            check(f"{method} with what it does not know", error.name == "InvalidParameter" and error.parameters["parameter"] == "odd", error)
            for name in more:
                error = client.refused(method, **dict(more, **{name: 5}))
                check(f"{method} with {name} 5", error.name == "InvalidParameter" and error.parameters["parameter"] == name, error)
        check("and none of it changed anything", client.call("List")["revision"] == revision)


with Host(program) as at:
    Client.interfaces = {ROOM: Interface(pathlib.Path(source, "control/org.croom.Room.varlink").read_text(encoding="ascii"))}
    for part in (guards, canary_and_shadow, profile, confirming, late_and_undone, frozen, dry, pardon, wrong):
        part(at)
    check("nothing that a sanitizer minds", at.end() == 0)
with Host(program, "--dispatch", "--rooms", "2", ready=2) as at:
    guards(at)
    confirming(at)
    check("in a loop of the host's own: end", at.end() == 0)
check(f"{Client.replies} replies and errors are as declared", Client.replies > 100 and not Client.misfits, Client.misfits[:5])
finish()
