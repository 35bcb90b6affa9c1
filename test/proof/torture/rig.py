# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of croomtorture share: promises as in test/check.h, a run and what it printed."""
import os
import re
import subprocess
import sys
import traceback

LINE = re.compile(r"^  (\S.*?)\s+(\d+)(?:   .*)?$")
FINDING = re.compile(r"^finding: (\w+):", re.M)


class Run:
    """Runs it to its end. `parts`: the summary, a dictionary per head; `found`: the kinds of findings, in order."""

    def __init__(self, *command, env=None, expected=False):
        # A race ends the run where it is found; TSan alone would go on. One that is expected need not say where it is.
        options = "halt_on_error=1" + (":symbolize=0" if expected else "")
        all_env = dict(os.environ, TSAN_OPTIONS=options, ASAN_OPTIONS="symbolize=0" if expected else "")
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace",
                              env=dict(all_env, **(env or {})), check=False)
        self.rc, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.parts = parts(self.out)
        self.found = FINDING.findall(self.err)
        self.sanitizer = re.findall(r"(?:ERROR|WARNING): (\w+Sanitizer)", self.err)

    def told(self):
        """The last lines of what it said, for a failure."""
        return f"exit {self.rc}\n" + "\n".join((self.out + self.err).splitlines()[-25:])


def parts(out):
    head, all_parts = "", {}
    for line in out.splitlines():
        entry = LINE.match(line)
        if entry:
            all_parts.setdefault(head, {})[entry.group(1)] = int(entry.group(2))
        elif not line.startswith(" "):
            head = line.split(":")[0]
    return all_parts


def check(condition, why):
    if not condition:
        raise AssertionError(why)


def promise(function):
    """ok or not ok, and why; returns whether it was kept."""
    try:
        function()
    except Exception as error:  # whatever it is, the promise is not kept
        text = str(error) or traceback.format_exc()
        print(f"# {text}".replace("\n", "\n# "))
        print(f"not ok {function.__name__}: {text.splitlines()[0]}", flush=True)
        return False
    print(f"ok {function.__name__}", flush=True)
    return True


def promises(*functions):
    kept = [promise(function) for function in functions]
    sys.exit(0 if all(kept) else 1)
