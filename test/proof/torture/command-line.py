#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtorture's command line: command-line.py PLAIN CHECKED."""
import re
import signal
import subprocess
import sys

from rig import Run, check, parts, promises

plain, checked = sys.argv[1:3]


def refuses(run, *words):
    check(run.rc == 2 and not run.out, run.told())
    check(all(word in run.err for word in words), f"{words} is not in: {run.err}")


def refuses_what_it_does_not_know():
    refuses(Run(plain, "--sekunds", "3"), "--sekunds", "--help")
    refuses(Run(plain, "now"), "now")
    refuses(Run(plain, "--seconds", "soon"), "soon", "a number")
    refuses(Run(plain, "--seconds", "0"), "above 0")
    refuses(Run(plain, "--lanes", "65"), "from 1 to 64")
    refuses(Run(plain, "--slots", "2.5"), "from 1 to 256")
    refuses(Run(plain, "--calls", "-1"), "whole number")
    refuses(Run(plain, "--actors", "swap,spark"), "spark", "--list")
    refuses(Run(plain, "--actors", "park", "--swaps", "5"), "none of the actors swaps")
    refuses(Run(checked, "--broken", "nothing"), "nothing", "--list")
    refuses(Run(checked, "--broken", "relaxed:nothing"), "relaxed:nothing", "--list")


def the_plain_build_refuses_what_it_has_not():
    refuses(Run(plain, "--broken", "no-wait"), "croomtorture-checked")
    refuses(Run(plain, "--actors", "swap,delay"), "croomtorture-checked")


def shows_help_and_lists():
    run = Run(plain, "--help")
    check(run.rc == 0 and not run.err and "--seconds" in run.out and "Exit:" in run.out, run.told())
    run = Run(checked, "--list")
    check(run.rc == 0 and re.search(r"^  swap +swaps", run.out, re.M) and "echo-ahead" in run.out and
          "room.publish.move" in run.out, run.told())


def takes_actors_away_and_repeats_a_seed():
    run = Run(plain, "--actors", "all,-fork,-plugin", "--calls", "1e5", "--seed", "7")
    actors = run.parts["operations of the actors"]
    check(run.rc == 0 and "seed 7," in run.out, run.told())
    check("swap" in actors and "fork" not in actors and "plugin" not in actors, f"{sorted(actors)}")
    run = Run(plain, "--actors", "swap", "--calls", "1e5", "--lanes", "2", "--slots", "3")
    actors = list(run.parts["operations of the actors"])
    check(run.rc == 0 and "2 lanes, 3 slots" in run.out and actors == ["swap"], run.told())
    check(run.parts["lanes"]["slot calls"] == 3 * run.parts["lanes"]["records"], run.told())


def says_what_an_actor_lacks():
    run = Run(plain, "--actors", "swap,plugin", "--seconds", "100", env={"TORTURE_PLUGIN": "/nowhere"})
    check(run.rc == 1 and run.found == ["disturbed"] and "/nowhere" in run.err, run.told())


def an_interrupt_ends_it_with_the_summary():
    with subprocess.Popen([plain, "--seconds", "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        check("seed" in run.stderr.readline(), "it did not begin")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate()
    check(run.returncode == 0 and "slot calls" in parts(out)["lanes"] and "\n0 findings\n" in out, out + err)


promises(refuses_what_it_does_not_know, the_plain_build_refuses_what_it_has_not, shows_help_and_lists,
         takes_actors_away_and_repeats_a_seed, says_what_an_actor_lacks, an_interrupt_ends_it_with_the_summary)
