#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may do what in a room with a policy, by real users and groups; how often; and what the journal says of refusals:
roles.py CROOMCTL HOST SOURCE"""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys

sys.path[:0] = [f"{sys.argv[3]}/test", os.path.dirname(os.path.abspath(__file__))]
import place  # noqa: E402
from varlink import PATIENCE, Client, Error, Host, Interface, check, finish, skip, until  # noqa: E402

croomctl, program = (os.path.abspath(path) for path in sys.argv[1:3])
VIEWER, OPERATOR, STRANGER, GROUP, ADMINS = 64001, 64002, 64003, 64100, 64101
POLICY = f"viewer uid {VIEWER}\noperator gid {GROUP}\nadmin gid {ADMINS}\n"
VIEWS = {"List": {}, "Plugins": {}, "History": {}, "Trial": {"slot": "printer"}, "Journal": {}, "At": {"time_ns": 1}, "org.varlink.service.GetInfo": {},
         "org.varlink.service.GetInterfaceDescription": {"interface": "org.croom.Room"}}
CHANGES = {"Swap": {"changes": [{"slot": "printer", "handler": "plain"}]}, "Rollback": {}, "Confirm": {}, "Promote": {"slot": "printer"},
           "Profile": {"slot": "printer", "for_ms": 1}}
DECIDES = {"Load": {"path": "/nowhere.so"}, "Unload": {"name": "nothing"}, "Freeze": {"why": "a test"}, "Thaw": {}, "Pardon": {"slot": "printer", "handler": "plain"}}

# Every call as this user: {method: what came of it}.
ASKS = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import varlink
path, uid, gid, groups, calls = json.loads(sys.argv[2])
os.setgroups(groups); os.setresgid(gid, gid, gid); os.setresuid(uid, uid, uid)
came = {}
for method, parameters in calls:
    try:
        with varlink.Client(path) as client:
            client.call(method, **parameters)
        came[method] = "done"
    except varlink.Error as error:
        came[method] = error.name
        came[method + ": says"] = error.parameters.get("message", "")
    except (OSError, EOFError) as error:
        came[method] = repr(error)
print(json.dumps(came))
"""


def ask(path, calls, uid, gid=64999, groups=()):
    run = subprocess.run([sys.executable, "-c", ASKS, f"{sys.argv[3]}/test", json.dumps([path, uid, gid, list(groups), calls])],
                         capture_output=True, text=True, timeout=PATIENCE, check=False)
    return json.loads(run.stdout) if run.returncode == 0 else {"failed": run.stderr}


def put(top, text, name="policy"):
    path = pathlib.Path(top, name)
    path.write_text(text)
    os.chmod(path, 0o644)
    return str(path)


def rows(client, kind="refused"):
    return [row for row in client.call("Journal")["rows"] if row["kind"] == kind]


def allowed(came, calls):
    """No method is refused for who asks, whatever else may be in its way."""
    return all(came.get(method) not in (None, "NotPermitted") and "Error" not in came[method] for method in calls)


def refused(came, calls):
    return all(came.get(method) == "NotPermitted" for method in calls)


def roles(top):
    every = list({**VIEWS, **CHANGES, **DECIDES}.items())
    policy = put(top, POLICY)
    with Host(program, "--policy", policy, "--journal", f"{top}/state", directory=f"{top}/run") as host, host.client() as root:
        path = host.paths[0]
        listed = root.call("List")
        check("root sees the policy, and that he is an admin", (listed["policy"], listed["role"]) == (policy, "admin"), listed)
        check("others may come to the socket", stat.S_IMODE(os.stat(path).st_mode) == 0o666 and
              stat.S_IMODE(os.stat(f"{top}/run").st_mode) == 0o755 and stat.S_IMODE(os.stat(path + ".lock").st_mode) == 0o600)
        came = ask(path, every, VIEWER)
        check("a viewer may look", allowed(came, VIEWS), came)
        check("and change nothing", refused(came, {**CHANGES, **DECIDES}), came)
        check("and is told why", came.get("Swap: says") == f"Swap is for operators, and the policy makes user {VIEWER} a viewer", came)
        check("nothing was changed", root.call("List")["revision"] == listed["revision"])
        told = [(row["uid"], row["text"]) for row in rows(root)]
        check("each refusal is in the journal, with who and what", [uid for uid, _ in told] == [VIEWER] * len({**CHANGES, **DECIDES}) and
              all(method in told[i][1] for i, method in enumerate([*CHANGES, *DECIDES])), told)
        row = rows(root)[0]
        check("with its process and its program", row["pid"] > 0 and row["command"].startswith("python"), row)
        came = ask(path, every, OPERATOR, groups=[7, GROUP])
        check("an operator, by a supplementary group, may change", allowed(came, {**VIEWS, **CHANGES}), came)
        check("and not decide", refused(came, DECIDES), came)
        check("by his first group, too", ask(path, every, STRANGER, gid=GROUP).get("Swap") == "done")
        came = ask(path, every, STRANGER, groups=[ADMINS, GROUP])
        check("an admin may do all, and the highest role counts", allowed(came, {**VIEWS, **CHANGES, **DECIDES}), came)
        before = len(rows(root))
        came = ask(path, every, STRANGER, groups=[7, 8])
        check("who has no role is turned away, and told so", refused(came, [method for method, _ in every]) and f"viewer uid {STRANGER}" in came["List: says"], came)
        told = rows(root)[before:]
        came = ask(path, [["List", {}]], 65534)
        check("nobody is not told to have a number named that no policy takes", came.get("List") == "NotPermitted" and
              "no policy can name it" in came.get("List: says", "") and "viewer uid" not in came["List: says"], came)
        check("and that is in the journal", told and {row["uid"] for row in told} == {STRANGER} and "no role" in told[0]["text"], told)
        check("a uid that is a group's number has no role", ask(path, [["List", {}]], GROUP).get("List") == "NotPermitted")
        many = list(range(70000, 70300))
        check("300 groups are all looked at", ask(path, [["Swap", CHANGES["Swap"]]], STRANGER, groups=[*many, GROUP]).get("Swap") == "done")


def hammering(top):
    """A stranger who comes a thousand times does not fill the journal, and what is left out is counted."""
    policy = put(top, POLICY)
    with Host(program, "--policy", policy, "--journal", f"{top}/state2", directory=f"{top}/run2") as host, host.client() as root:
        came = ask(host.paths[0], [["List", {}]] * 5, STRANGER)
        script = ASKS.replace("for method, parameters in calls:", "for method, parameters in calls * 300:")
        subprocess.run([sys.executable, "-c", script, f"{sys.argv[3]}/test",
                        json.dumps([host.paths[0], STRANGER, 64999, [], [["List", {}]]])], capture_output=True, timeout=PATIENCE,
                       check=True)
        check("a thousand refusals: sixty rows", came["List"] == "NotPermitted" and len(rows(root)) == 60, len(rows(root)))
        host.tell("later", 61)
        until(lambda: root.call("List") and len(rows(root)) > 60)
        last = rows(root)[-1]
        check("a row counts the others, after a while", last["text"].startswith("245 more requests were refused") and
              last["uid"] == STRANGER, last)
        ask(host.paths[0], [["List", {}]], STRANGER)
        host.tell("later", 120)
        ask(host.paths[0], [["List", {}]], STRANGER)
        check("and then there are rows again", rows(root)[-1]["text"].startswith("the policy gives user"), rows(root)[-2:])


def reading(top):
    """Viewers who have the journal read again and again leave time to others, who are never told to wait."""
    script = ASKS.replace("for method, parameters in calls:", "while came.get('Journal') != 'TooOften':\n  for method, parameters in calls:").replace(
        "    try:", "    if came.get('Journal') == 'TooOften': break\n    try:")
    with Host(program, "--policy", put(top, POLICY), "--journal", f"{top}/state4", directory=f"{top}/run4") as host, host.client() as root:
        host.tell("storm", 50, 1000)
        run = subprocess.run([sys.executable, "-c", script, f"{sys.argv[3]}/test", json.dumps([host.paths[0], VIEWER, 64999, [], [["Journal", {}]]])],
                             capture_output=True, text=True, timeout=PATIENCE, check=False)
        came = json.loads(run.stdout) if run.returncode == 0 else {"failed": run.stderr}
        check("a viewer who reads on and on is told to wait", came.get("Journal") == "TooOften" and "try again in" in came["Journal: says"], came)
        check("who may do more is not", all(len(root.call("Journal")["rows"]) > 50 for _ in range(20)))


def crowding(top):
    """As many viewers as there may be clients, all watching, do not keep an operator out, nor he an admin."""
    policy = put(top, POLICY)
    script = ASKS.replace("came = {}", """clients = [varlink.Client(path) for _ in range(4)]
for client in clients:
    client.send("Watch", more=True, interval_ms=100)
    client.receive("Watch")
print("there", flush=True)
sys.stdin.read()
came = {}
calls = []
""")
    with Host(program, "--policy", policy, "--clients", "4", directory=f"{top}/run3") as host:
        with subprocess.Popen([sys.executable, "-c", script, f"{sys.argv[3]}/test", json.dumps([host.paths[0], VIEWER, 64999, [], []])],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
            check("four viewers watch, and there is room for four", crowd.stdout.readline() == "there\n")
            came = ask(host.paths[0], [["List", {}]], VIEWER)
            check("a fifth has no room", came["List"] == "TooManyClients", came)
            came = ask(host.paths[0], [["Swap", CHANGES["Swap"]], ["List", {}]], OPERATOR, groups=[GROUP])
            check("an operator has", came["Swap"] == came["List"] == "done", came)
            with host.client() as root:
                check("root has", root.call("List")["role"] == "admin")
            crowd.communicate()


def flooding(top):
    """Nor do viewers that ask faster than they are answered: one of them has to go, whether he has come to an end or not."""
    policy = put(top, POLICY)
    script = ASKS.replace("came = {}", """import socket
clients = [socket.socket(socket.AF_UNIX) for _ in range(4)]
for client in clients:
    client.connect(path)
print("there", flush=True)
sys.stdin.readline()
for client in clients:
    client.sendall(b'{"method":"x","oneway":true}\\0' * 2000 + b'{"method":"org.croom.Room.List"}\\0')
print("sent", flush=True)
came = []
for client in clients:
    text = b""
    while not text.endswith(b"\\0"):
        try:
            more = client.recv(65536)
        except ConnectionResetError:
            break
        if not more:
            break
        text += more
    came.append(text.decode().rstrip("\\0"))
calls = []
""")
    with Host(program, "--policy", policy, "--clients", "4", directory=f"{top}/run4") as host:
        with subprocess.Popen([sys.executable, "-c", script, f"{sys.argv[3]}/test", json.dumps([host.paths[0], VIEWER, 64999, [], []])],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
            check("four viewers are there, and there is room for four", crowd.stdout.readline() == "there\n")
            # All of it is there at one moment: 8,004 requests, and a newcomer who may do more.
            host.process.send_signal(signal.SIGSTOP)
            crowd.stdin.write("\n")
            crowd.stdin.flush()
            check("they ask for more than is done in a turn", crowd.stdout.readline() == "sent\n")
            with host.client() as root:
                root.send("List")
                host.process.send_signal(signal.SIGCONT)
                check("root gets in", root.answer("List")["role"] == "admin")
                came = json.loads(crowd.communicate()[0])
        said = [json.loads(text) if text else {} for text in came]
        check("without waiting for any of them to come to an end", sum("parameters" in one and "error" not in one for one in said) == 3 and
              sum(one.get("error", "").endswith(".TooManyClients") for one in said) == 1, [text[:80] for text in came])


def others(top):
    """croomctl as another user; and without a policy nobody else comes in."""
    policy = put(top, POLICY)
    os.chmod(top, 0o755)
    copy = shutil.copy(croomctl, top)

    def ctl(uid, groups, *args):
        run = subprocess.run([copy, *args], env=dict(os.environ, CROOM_RUNTIME_DIR=f"{top}/run4"), user=uid, group=64999,
                             extra_groups=groups, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return run.returncode, run.stdout, run.stderr

    with Host(program, "--policy", policy, directory=f"{top}/run4") as host:
        result = ctl(VIEWER, [], "list")
        check("croomctl list, as a viewer", result[0] == 0 and f"policy {policy}; to it you are: viewer" in result[1], result)
        result = ctl(VIEWER, [], "swap", "printer=plain")
        check("croomctl swap, as a viewer: 5", result[0] == 5 and "Swap is for operators" in result[2], result)
        result = ctl(STRANGER, [GROUP], "swap", "printer=plain")
        check("croomctl swap, as an operator", result[0] == 0 and "is in force" in result[1], result)
        result = ctl(STRANGER, [], "list")
        check("croomctl list, as a stranger: 5, and what to do", result[0] == 5 and f"viewer uid {STRANGER}" in result[2], result)
        result = ctl(STRANGER, [], "ls")
        check("croomctl ls, as a stranger", result[0] == 0 and "no role" in result[1], result)
        check("the room goes on", host.client().call("List")["role"] == "admin")
    plain = put(top, "swaps 5 per 1s\n", "plain")
    with Host(program, "--policy", plain, directory=f"{top}/run5") as host:
        check("a policy that names nobody opens nothing", stat.S_IMODE(os.stat(host.paths[0]).st_mode) == 0o600 and
              stat.S_IMODE(os.stat(f"{top}/run5").st_mode) == 0o700)


# In a mount namespace with a /run of its own: the host as root with a policy, then croomctl as another user, without a word of where.
INSIDE = """mount --bind "$1" /run && cd /run || exit 99
mkfifo in && { "$2" --policy /run/policy <in >out & } && exec 9>in
n=0; until grep -q ready out || [ $((n += 1)) -gt 600 ]; do sleep 0.1; done
shift 2
for words in list "list -r host" "list -r none" ls; do
	# shellcheck disable=SC2086
	setpriv --reuid "$1" --regid 64999 --clear-groups /run/croomctl $words 2>&1; echo "code $?"
done
exec 9>&-
wait
"""


def roots_rooms(top):
    """Root's rooms are found without --socket by whom a policy lets in."""
    run = f"{top}/run9"
    os.mkdir(run, 0o755)
    os.chmod(run, 0o755)
    shutil.copy(croomctl, run)
    put(run, POLICY)
    environment = {"PATH": os.environ["PATH"], "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "")}
    done = subprocess.run(["unshare", "-m", "sh", "-c", INSIDE, "sh", run, program, str(VIEWER)], env=environment, capture_output=True,
                          text=True, timeout=4 * PATIENCE, check=False)
    said = done.stdout.split("code ")
    if done.returncode == 99 or "unshare" in done.stderr:
        skip("root's rooms are found", f"no mount namespace here: {done.stderr[:100]}")
        return
    check("a viewer finds root's room", len(said) == 5 and "to it you are: viewer" in said[0] and said[1].startswith("0\n"), done)
    check("by its name, too", "to it you are: viewer" in said[1] and said[2].startswith("0\n"), done)
    check("one that there is not is none", "no room none" in said[2] and said[3].startswith("6\n"), done)
    check("ls shows it", "host" in said[3] and "revision" in said[3], done)


def limit(top):
    policy = put(top, "swaps 1 per 1h burst 3\n", "limit")
    with Host(program, "--policy", policy, "--journal", f"{top}/state6", directory=f"{top}/run6") as host, host.client() as client:
        for i in range(3):
            client.swap("printer=plain" if i % 2 else "printer=number:1")
        revision = client.call("List")["revision"]
        error = client.refused("Swap", **CHANGES["Swap"])
        check("the fourth of three is refused, and when it may be", error.name == "TooOften" and
              3500000 < error.parameters["retry_ms"] <= 3600000, error)
        check("and says so in words", "try again in 3" in error.parameters["message"] and "rollback and confirm are not limited"
              in error.parameters["message"], error)
        check("nothing was changed", client.call("List")["revision"] == revision)
        row = rows(client)[-1]
        check("the refusal is in the journal", "more changes than the policy allows" in row["text"] and row["pid"] == os.getpid(), row)
        for method in ("Promote", "Profile"):
            check(f"{method} counts, too", client.refused(method, **CHANGES[method]).name == "TooOften")
        check("a dry run does not", client.call("Swap", **CHANGES["Swap"], dry_run=True)["revision"] == revision + 1)
        back = client.call("Rollback", wait_ms=60000)
        check("the way back is never limited", back["revision"] == revision + 1, back)
        for i in range(5):
            client.call("Rollback", wait_ms=60000)
        check("nor is it for many", client.call("List")["revision"] == revision + 6)
        check("looking is not limited", all(client.call("List") for _ in range(20)))
        run = subprocess.run([croomctl, "swap", "printer=plain"], env=dict(os.environ, CROOM_RUNTIME_DIR=f"{top}/run6"),
                             capture_output=True, text=True, timeout=PATIENCE, check=False)
        check("croomctl says when: 3", run.returncode == 3 and "try again in" in run.stderr, run)
        # The timer is the kernel's, and for it it is no later: nothing may be waited for.
        host.tell("later", 3601)
        client.swap("printer=plain", wait_ms=0)
        check("an hour later there is one more", client.refused("Swap", **CHANGES["Swap"]).name == "TooOften")
        host.tell("later", 36000)
        for _ in range(3):
            client.swap("printer=plain", wait_ms=0)
        check("and after ten hours three, not ten", client.refused("Swap", **CHANGES["Swap"]).name == "TooOften")
        client.call("Swap", **CHANGES["Swap"], dry_run=True)
    policy = put(top, "swaps 1 per 1h burst 3\n", "limit")
    with Host(program, "--policy", policy, directory=f"{top}/run7") as host, host.client() as client:
        client.swap("printer=plain", confirm_ms=60000)
        check("what has to be confirmed can be", client.call("Confirm")["revision"] > 1)
        for _ in range(2):
            client.swap("printer=plain")
        client.refused("Swap", **CHANGES["Swap"])
        check("and a burst is not over for confirming", client.refused("Confirm").name != "TooOften")


def as_documented(top):
    """The example of croom-policy(5), as it stands there."""
    page = pathlib.Path(sys.argv[3], "doc/croom-policy.5").read_text(encoding="utf-8")
    policy = put(top, page.split(".Bd -literal\n")[1].split(".Ed\n")[0], "example")
    with Host(program, "--policy", policy, directory=f"{top}/run8") as host, host.client() as client:
        check("the manual's example is a policy", client.call("List")["policy"] == policy)


def main():
    with open(f"{sys.argv[3]}/control/org.croom.Room.varlink", encoding="utf-8") as file:
        Client.interfaces = {"org.croom.Room": Interface(file.read())}
    top = place.make()
    if not top:
        skip("roles and limits", "no directory here that only root and we can write to, all the way from /")
        finish()
    os.chmod(top, 0o755)
    limit(top)
    as_documented(top)
    for part in (roles, hammering, crowding, flooding, reading, others, roots_rooms):
        if os.getuid() == 0:
            part(top)
        else:
            skip(f"{part.__name__} of other users", "only root can become another user")
    check("every reply fits the interface file", not Client.misfits, Client.misfits[:3])
    shutil.rmtree(top)
    finish()


main()
