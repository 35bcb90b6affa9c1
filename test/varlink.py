# SPDX-License-Identifier: BSD-2-Clause
"""A varlink client that shares nothing with ours: frames messages, reads interface files and holds what a service
says against them. Beside it what the tests of control and croomctl share: checks, and test/control/host.c at work."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# Otherwise every process with threads sleeps for a second at its end under the thread sanitizer.
os.environ["TSAN_OPTIONS"] = os.environ.get("TSAN_OPTIONS", "") + " atexit_sleep_ms=0"
failures = 0
PATIENCE = 60.0   # seconds for anything that a busy machine may delay
ROOM, SERVICE = "org.croom.Room", "org.varlink.service"


def check(name, good, reason=""):
    """One line per check, as script/count.py reads them."""
    global failures
    failures += not good
    print(f"ok {name}" if good else f"not ok {name}: {str(reason)[:1500]}", flush=True)
    return good


def skip(name, reason):
    print(f"skip {name}: {reason}", flush=True)


def finish():
    sys.exit(1 if failures else 0)


def until(what):
    """Wait for it, and return what it came to."""
    end = time.monotonic() + PATIENCE
    while not (result := what()) and time.monotonic() < end:
        time.sleep(0.01)
    return result


class Interface:
    """An interface file: types, methods and errors by name, each a list of (field, type). A type is a word, a list of
    fields, ("?" or "[]", type), or ("enum", words)."""

    def __init__(self, text):
        self.words = re.findall(r"->|\[\]|[A-Za-z][A-Za-z0-9_.-]*|[?(),:]", re.sub(r"#.*", "", text))
        self.types, self.methods, self.errors = {}, {}, {}
        assert self.next() == "interface"
        self.name = self.next()
        while self.words:
            kind, name = self.next(), self.next()
            assert re.fullmatch("[A-Z][A-Za-z0-9]*", name), name
            if kind == "method":
                given = self.fields()
                assert self.next() == "->"
                self.methods[name] = (given, self.fields())
            else:
                {"type": self.types, "error": self.errors}[kind][name] = self.fields()

    def next(self):
        return self.words.pop(0)

    def fields(self):
        found = []
        assert self.next() == "("
        while self.words[0] != ")":
            name = self.next()
            assert self.next() == ":"
            found.append((name, self.type()))
            if self.words[0] == ",":
                self.next()
        self.next()
        return found

    def type(self):
        if self.words[0] in ("?", "[]"):
            return (self.next(), self.type())
        if self.words[0] == "(" and self.words[2] in (",", ")"):
            end = self.words.index(")")
            words, self.words = self.words[1:end:2], self.words[end + 1:]
            return ("enum", words)
        return self.fields() if self.words[0] == "(" else self.next()

    def misfit(self, value, kind, where=""):
        """What is wrong with a value of this type; None when nothing is."""
        if isinstance(kind, tuple) and kind[0] == "?":
            return None if value is None else self.misfit(value, kind[1], where)
        if isinstance(kind, tuple) and kind[0] == "enum":
            return None if value in kind[1] else f"{where} is none of {kind[1]}: {value!r}"
        if isinstance(kind, tuple):
            if not isinstance(value, list):
                return f"{where} is no array: {value!r}"
            return next(filter(None, (self.misfit(one, kind[1], f"{where}[{i}]") for i, one in enumerate(value))), None)
        if isinstance(kind, list):
            if not isinstance(value, dict):
                return f"{where} is no object: {value!r}"
            extra = set(value) - {name for name, _ in kind}
            if extra:
                return f"{where} has {extra}"
            return next(filter(None, (self.misfit(value.get(name), of, f"{where}.{name}") for name, of in kind)), None)
        if kind in self.types:
            return self.misfit(value, self.types[kind], where)
        python = {"int": int, "float": (int, float), "string": str, "bool": bool}[kind]
        good = isinstance(value, python) and (kind == "bool" or not isinstance(value, bool))
        return None if good else f"{where} is no {kind}: {value!r}"


class Error(Exception):
    def __init__(self, reply):
        super().__init__(f"{reply}")
        self.interface, self.name = reply["error"].rsplit(".", 1)
        self.parameters = reply.get("parameters", {})


class Client:
    """interfaces: by name; each reply is then held against them, and what misfits is collected."""
    interfaces, misfits, replies = {}, [], 0

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.rest = b""
        self.socket.connect(path)
        self.socket.settimeout(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, method, more=False, oneway=False, **parameters):
        message = {"method": method if "." in method else f"{ROOM}.{method}", "parameters": parameters}
        message.update({"more": True} if more else {}, **({"oneway": True} if oneway else {}))
        self.raw(json.dumps(message).encode() + b"\0")

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass    # why it hung up is there to be received

    def receive(self, method=None):
        """The next message; with a method, held against what the interface says of it."""
        while b"\0" not in self.rest:
            more = self.socket.recv(1 << 20)
            if not more:
                raise EOFError("hung up")
            self.rest += more
        data, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(data)
        self.conform(method, message)
        return message

    def conform(self, method, message):
        interface = self.interfaces.get((message.get("error") or method or "").rpartition(".")[0] or ROOM)
        if not interface or not (method or "error" in message):
            return
        Client.replies += 1
        if "error" in message:
            kind = interface.errors.get(message["error"].rpartition(".")[2])
        else:
            kind = interface.methods[method.rpartition(".")[2]][1]
        wrong = f"{message} is not declared" if kind is None else interface.misfit(message["parameters"], kind)
        if not wrong and set(message) - {"error", "parameters", "continues"}:
            wrong = f"{set(message)}"
        if wrong:
            Client.misfits.append(f"{method}: {wrong}")

    def answer(self, method):
        message = self.receive(method)
        if "error" in message:
            raise Error(message)
        return message["parameters"]

    def call(self, method, **parameters):
        self.send(method, **parameters)
        return self.answer(method)

    def swap(self, *changes, wait_ms=60000, **more):
        """swap("printer=plain", ...)"""
        pairs = [dict(zip(("slot", "handler"), change.split("=", 1))) for change in changes]
        return self.call("Swap", changes=pairs, wait_ms=wait_ms, **more)

    def refused(self, method, **parameters):
        """The error that this call must give."""
        try:
            raise AssertionError(f"{method} {parameters} was not refused: {self.call(method, **parameters)}")
        except Error as error:
            return error

    def handlers(self):
        return {slot["name"]: slot["handler"] for slot in self.call("List")["slots"]}


def folder():
    return tempfile.mkdtemp(prefix="croom-test-")


class Host:
    """test/control/host.c at work, in a runtime directory of its own. Ends with the `with` block."""

    def __init__(self, program, *args, directory=None, ready=1):
        self.own = directory is None
        self.folder = directory or folder()
        self.paths = []
        self.process = subprocess.Popen([program, *args], env=dict(os.environ, CROOM_RUNTIME_DIR=self.folder),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(ready):
            line = self.process.stdout.readline().split()
            if not line or line[0] != "ready":
                self.end()
                raise RuntimeError(f"the host did not begin: {line}")
            self.paths.append(line[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, room=0):
        return Client(self.paths[room])

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        if self.process.stdout.readline() != "ok\n":
            raise RuntimeError(f"the host did not do {words}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        """Its exit code, which says what a sanitizer found, too."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            code = self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            code = "it did not end"
        self.process.stdout.close()
        return code

    def status(self, key):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{key}:\s*(\d+)", file.read(), re.M)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
