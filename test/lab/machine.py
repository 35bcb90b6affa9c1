#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The machine's description: of this one, of a made-up one, and of one that shows nothing: machine.py"""
import json
import os
import shutil
import tempfile

from made import check, finish
import machine

UNKNOWN = machine.UNKNOWN


def tree(files):
    folder = tempfile.mkdtemp(prefix="croomlab-test-")
    for name, text in files.items():
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        with open(f"{folder}/{name}", "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
    return folder


def of(files):
    folder = tree(files)
    try:
        return machine.describe(folder)
    finally:
        shutil.rmtree(folder)


CPU = "sys/devices/system/cpu"
FULL = {
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Made CPU @ 3 GHz\nmicrocode\t: 0x1\nflags\t\t: fpu constant_tsc nonstop_tsc hypervisor\n",
    f"{CPU}/online": "0-3\n", f"{CPU}/isolated": "2-3\n", f"{CPU}/nohz_full": "2-3\n", f"{CPU}/smt/control": "on\n",
    **{f"{CPU}/cpu{n}/topology/thread_siblings_list": f"{n % 2},{n % 2 + 2}\n" for n in range(4)},
    **{f"{CPU}/cpu{n}/cpufreq/scaling_governor": ("performance", "powersave")[n % 2] + "\n" for n in range(4)},
    f"{CPU}/cpu0/cache/index0/level": "1\n", f"{CPU}/cpu0/cache/index0/type": "Data\n", f"{CPU}/cpu0/cache/index0/size": "48K\n",
    f"{CPU}/intel_pstate/no_turbo": "1\n", f"{CPU}/vulnerabilities/meltdown": "Mitigation: PTI\n", f"{CPU}/vulnerabilities/mds": "Not affected\n",
    "proc/cmdline": "BOOT_IMAGE=/vmlinuz root=UUID=secret-disk isolcpus=2,3 nohz_full=2-3 ip=10.9.8.7::myhost console=ttyS0 mitigations=off quiet",
    "proc/meminfo": "MemTotal:       8388608 kB\nHugePages_Total:      16\nHugepagesize:       2048 kB\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "sys/class/dmi/id/sys_vendor": "QEMU\n", "sys/class/dmi/id/product_name": "Standard PC\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet\n", "proc/sys/kernel/perf_event_paranoid": "3\n",
    "proc/version": "Linux version 6.1.0 (somebody@buildhost) #1 SMP PREEMPT_RT\n", "sys/devices/system/node/online": "0-1\n",
}


def full():
    got = of(FULL)
    wanted = {"cpu": "Made CPU @ 3 GHz", "cpus": 4, "smt_siblings": ["0,2", "1,3"], "hypervisor": "QEMU Standard PC", "isolated": "2-3", "smt": "on",
              "kernel_command_line": "isolcpus=2,3 nohz_full=2-3 mitigations=off", "clocksource": "hpet", "perf_event_paranoid": "3",
              "preemption": "PREEMPT_RT", "tsc": "constant_tsc, nonstop_tsc", "numa_nodes": 2, "caches": {"L1d": "48K"},
              "vulnerabilities": {"mds": "Not affected", "meltdown": "Mitigation: PTI"}}
    check("everything that there is to read", all(got[key] == value for key, value in wanted.items()),
          {key: got[key] for key, value in wanted.items() if got[key] != value})
    check("governors, boost and memory", got["frequency"]["governor"] == "performance, powersave" and got["frequency"]["boost"] == "off" and
          got["memory"] == {"mib": 8192, "hugepages": "16", "hugepage_size": "2048 kB", "transparent_hugepages": "madvise"}, got["frequency"])
    text = json.dumps(got)
    check("no disk, host, address or builder", not any(word in text for word in ("secret", "myhost", "10.9.8.7", "ttyS0", "vmlinuz", "somebody", "buildhost")), text)
    got["measured"] = {"call": {"cpus": [0, 2]}}
    got["load_start"] = 1.5
    said = " ".join(machine.warnings(got))
    check("warnings: what disturbs", all(word in said for word in ("virtual machine", "governor is performance, powersave", "0 and 2 share one core", "load average was 1.5",
                                                                   "clock source is hpet", "No hardware counters")) and "No core is isolated" not in said, said)
    shown = dict(machine.rows(got))
    check("rows: what is affected", shown["mitigations"] == "meltdown: Mitigation: PTI" and shown["share a core"] == "0,2, 1,3", shown)


def nothing():
    got = of({"x": ""})
    wanted = ("cpu", "microcode", "smt_siblings", "caches", "hypervisor", "vulnerabilities", "isolated", "kernel_command_line", "clocksource", "tsc")
    check("a machine that shows nothing: unknown", all(got[key] == UNKNOWN for key in wanted), {key: got[key] for key in wanted})
    check("and it can be shown", machine.rows(got) and machine.warnings(got) is not None and machine.one_line(got))
    broken = {name: ("" if index % 3 == 0 else "\udcff\udcfe\n:::" if index % 3 == 1 else "-1,,x-y,99999999999999\n" * 3) for index, name in enumerate(FULL)}
    got = of(broken)
    check("files with nonsense in them: no exception", machine.rows(got) and json.dumps(got))
    for odd in ({}, {"frequency": 7}, {"measured": 7}, {"measured": {"call": 7}}, {"measured": {"call": {"cpus": [{}], "counters": [], "round_trip_ns": ["a"]}}},
                {"smt_siblings": 7, "vulnerabilities": []}, {"load_start": "x", "isolated": [], "nohz_full": {}, "caches": [1, {}]},
                {"measured": {"call": {"round_trip_ns": [None, None, None], "core_hz": "x", "tsc_hz": None}}}):
        machine.rows(odd), machine.warnings(odd), machine.one_line(odd)
    check("descriptions of any shape can be shown", True)


def here():
    got = machine.describe()
    check("this machine", got["cpus"] >= 1 and got["kernel"].startswith("Linux") and json.loads(json.dumps(got)) == got, got)
    names = {os.uname().nodename, os.environ.get("USER", ""), os.environ.get("HOME", "")} - {"", "root", "/root", "/", "localhost"}
    check("it names nobody", not any(name in json.dumps(got) for name in names if len(name) > 3), names)
    check("lists of processors", machine.cpu_list("0-2,5\n") == [0, 1, 2, 5] and machine.cpu_list("0-7:1/2") and machine.cpu_list("") == [] and
          machine.cpu_list(None) == [] and machine.cpu_list("(null)") == [])


for part in (full, nothing, here):
    part()
finish()
