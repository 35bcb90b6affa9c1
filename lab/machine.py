# SPDX-License-Identifier: BSD-2-Clause
"""The machine that a run was made on: what decides how fast and how even it is. Nothing that names its owner: no host
name, no user, no path. Whatever cannot be read is "unknown"; nothing here raises."""
import os
import platform
import re
import subprocess

UNKNOWN = "unknown"
CPUS = "/sys/devices/system/cpu"


def read(path):
    """A file's text without the white space around it; None when there is none to be had."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20).strip()
    except (OSError, ValueError):
        return None


def field(text, name):
    """The value of the first `name : value` line."""
    match = re.search(rf"^{re.escape(name)}\s*:\s*(.*)$", text or "", re.M)
    return match[1].strip() if match and match[1].strip() else None


def cpu_list(text):
    """"0-2,5" as [0, 1, 2, 5]; [] for what is not such a list."""
    found = []
    for part in (text or "").split(","):
        match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?(?::\d+/\d+)?", part.strip())
        if match:
            found.extend(range(int(match[1]), int(match[2] or match[1]) + 1))
    return sorted(set(found))


def caches(root):
    """{"L1d": "32K", ...} of the first processor."""
    found = {}
    for index in range(8):
        base = f"{root}{CPUS}/cpu0/cache/index{index}"
        level, kind, size = (read(f"{base}/{name}") for name in ("level", "type", "size"))
        if level and size:
            shared = read(f"{base}/shared_cpu_list")
            found[f"L{level}{ {'Data': 'd', 'Instruction': 'i'}.get(kind, '')}"] = size + (f", cpus {shared}" if shared else "")
    return found or UNKNOWN


def frequency(root):
    base = f"{root}{CPUS}/cpu0/cpufreq"
    governors = sorted({read(f"{root}{CPUS}/cpu{cpu}/cpufreq/scaling_governor") or "" for cpu in
                        cpu_list(read(f"{root}{CPUS}/online"))} - {""})
    turbo = read(f"{root}{CPUS}/intel_pstate/no_turbo")
    boost = read(f"{root}{CPUS}/cpufreq/boost")
    return {"governor": ", ".join(governors) or UNKNOWN, "driver": read(f"{base}/scaling_driver") or UNKNOWN,
            "minimum_khz": read(f"{base}/cpuinfo_min_freq") or UNKNOWN, "maximum_khz": read(f"{base}/cpuinfo_max_freq") or UNKNOWN,
            "boost": {"0": "on", "1": "off"}.get(turbo) or {"0": "off", "1": "on"}.get(boost) or UNKNOWN}


def siblings(root):
    """Which processors share a core, ["0,4", ...]; [] when none does."""
    groups = [read(f"{root}{CPUS}/cpu{cpu}/topology/thread_siblings_list") for cpu in cpu_list(read(f"{root}{CPUS}/online"))]
    if not any(groups):
        return UNKNOWN
    return sorted({group for group in groups if group and len(cpu_list(group)) > 1}, key=cpu_list)


def hypervisor(root, flags):
    """Its name, "none", or what is known of it."""
    kind = read(f"{root}/sys/hypervisor/type")
    maker = " ".join(filter(None, (read(f"{root}/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name"))))
    virtual = re.search(r"KVM|QEMU|VMware|VirtualBox|Xen|Virtual Machine|Google Compute|Amazon EC2|Bochs|Firecracker|"
                        r"OpenStack|Droplet|HVM|Alibaba|Parallels|bhyve", maker, re.I)
    if kind or virtual:
        return kind or maker
    if flags is None:
        return UNKNOWN
    return "yes, without a name" if "hypervisor" in flags else "none"


def vulnerabilities(root):
    folder = f"{root}{CPUS}/vulnerabilities"
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return UNKNOWN
    return {name: read(f"{folder}/{name}") or UNKNOWN for name in names}


# Of the kernel's command line only what bears on timing: the rest names disks, hosts and consoles.
RELEVANT = re.compile(r"(?:isolcpus|nohz|nohz_full|rcu_nocbs|rcu_nocb_poll|irqaffinity|mitigations|nosmt|idle|processor\.max_cstate|"
                      r"intel_idle\.max_cstate|intel_pstate|amd_pstate|cpufreq\.default_governor|clocksource|tsc|hugepages|"
                      r"hugepagesz|default_hugepagesz|transparent_hugepage|preempt|threadirqs|skew_tick|nmi_watchdog|"
                      r"nowatchdog|nosoftlockup|spectre_v2|spec_store_bypass_disable|retbleed|pti|nopti|mce|cpuidle\.off)"
                      r"(?:=[\w,.:\-]*)?")


def command_line(root):
    text = read(f"{root}/proc/cmdline")
    return UNKNOWN if text is None else " ".join(word for word in text.split() if RELEVANT.fullmatch(word)) or "nothing of note"


def memory(root):
    """MiB, and the huge pages."""
    text = read(f"{root}/proc/meminfo")
    kib = (field(text, "MemTotal") or "").split()
    thp = re.search(r"\[(\w+)\]", read(f"{root}/sys/kernel/mm/transparent_hugepage/enabled") or "")
    return {"mib": int(kib[0]) // 1024 if kib and kib[0].isdigit() else UNKNOWN, "hugepages": field(text, "HugePages_Total") or UNKNOWN,
            "hugepage_size": field(text, "Hugepagesize") or UNKNOWN, "transparent_hugepages": thp[1] if thp else UNKNOWN}


def compiler():
    """The first line of what cc says of itself."""
    try:
        said = subprocess.run([os.environ.get("CC", "").split(" ")[0] or "cc", "--version"], capture_output=True, text=True,
                              timeout=10, check=False, stdin=subprocess.DEVNULL)
        line = said.stdout.split("\n")[0].strip()
        return re.sub(r"^\S*/", "", line)[:100] or UNKNOWN
    except (OSError, ValueError, subprocess.SubprocessError):
        return UNKNOWN


def load():
    """The load average of the last minute, or "unknown"."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return UNKNOWN


def allowed():
    try:
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return UNKNOWN


def describe(root=""):
    """Everything, as JSON can hold it. root: another tree than / to look in, for tests."""
    info = read(f"{root}/proc/cpuinfo")
    flags = (field(info, "flags") or field(info, "Features") or "").split() if info else None
    online = cpu_list(read(f"{root}{CPUS}/online"))
    return {
        "cpu": field(info, "model name") or field(info, "Processor") or UNKNOWN,
        "architecture": platform.machine() or UNKNOWN,
        "microcode": field(info, "microcode") or UNKNOWN,
        "cpus": len(online) or os.cpu_count() or UNKNOWN,
        "allowed_cpus": allowed(),
        "smt_siblings": siblings(root),
        "smt": read(f"{root}{CPUS}/smt/control") or UNKNOWN,
        "numa_nodes": len(cpu_list(read(f"{root}/sys/devices/system/node/online"))) or UNKNOWN,
        "caches": caches(root),
        "frequency": frequency(root),
        "hypervisor": hypervisor(root, flags),
        "vulnerabilities": vulnerabilities(root),
        "isolated": read(f"{root}{CPUS}/isolated") if read(f"{root}{CPUS}/isolated") is not None else UNKNOWN,
        "nohz_full": read(f"{root}{CPUS}/nohz_full") if read(f"{root}{CPUS}/nohz_full") is not None else UNKNOWN,
        "kernel": f"{platform.system()} {platform.release()}".strip() or UNKNOWN,
        "kernel_command_line": command_line(root),
        "preemption": preemption(root),
        "clocksource": read(f"{root}/sys/devices/system/clocksource/clocksource0/current_clocksource") or UNKNOWN,
        "tsc": tsc(flags),
        "memory": memory(root),
        "perf_event_paranoid": read(f"{root}/proc/sys/kernel/perf_event_paranoid") or UNKNOWN,
        "compiler": compiler(),
    }


def preemption(root):
    version = read(f"{root}/proc/version") or ""
    match = re.search(r"PREEMPT_RT|PREEMPT_DYNAMIC|PREEMPT(?:_\w+)?", version)
    return match[0] if match else UNKNOWN


def tsc(flags):
    if flags is None:
        return UNKNOWN
    return ", ".join(flag for flag in ("constant_tsc", "nonstop_tsc", "tsc_reliable", "rdtscp") if flag in flags) or "no flag of note"


def part(machine, *names):
    """machine["a"]["b"], or "unknown" where a run was written without."""
    for name in names:
        machine = machine.get(name, UNKNOWN) if isinstance(machine, dict) else UNKNOWN
    return UNKNOWN if machine is None or machine == "" else machine


def measured(machine, name):
    """A figure of the engine's own machine line: of the first suite that had one."""
    for line in (machine.get("measured") or {}).values() if isinstance(machine.get("measured"), dict) else ():
        if isinstance(line, dict) and line.get(name) is not None:
            return line[name]
    return None


def one_line(machine):
    """For a heading."""
    return f"{part(machine, 'cpus')} processors ({part(machine, 'cpu')}), {part(machine, 'kernel')}, hypervisor: {part(machine, 'hypervisor')}"


def rows(machine):
    """(what, value) for a table: what a reader asks first comes first."""
    def plain(value):
        if isinstance(value, dict):
            return "; ".join(f"{key} {plain(one)}" for key, one in value.items())
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    clock, core = measured(machine, "tsc_hz"), measured(machine, "core_hz")
    counters, trip = measured(machine, "counters"), measured(machine, "round_trip_ns")
    used = pinned(machine)
    unsafe = part(machine, "vulnerabilities")
    if isinstance(unsafe, dict):
        fixed = [f"{name}: {said}" for name, said in unsafe.items() if str(said) != "Not affected"]
        unsafe = "; ".join(fixed) or "affected by none that the kernel knows"
    found = [
        ("processor", f"{part(machine, 'cpu')}, {part(machine, 'architecture')}, microcode {part(machine, 'microcode')}"),
        ("processors", f"{part(machine, 'cpus')}; pinned to {' and '.join(map(str, used)) or UNKNOWN}"),
        ("share a core", plain(part(machine, "smt_siblings") or "none do")),
        ("hypervisor", part(machine, "hypervisor")),
        ("core clock, measured", f"{core / 1e9:.2f} GHz" if isinstance(core, (int, float)) else UNKNOWN),
        ("time stamp counter, measured", f"{clock / 1e9:.3f} GHz ({part(machine, 'tsc')})" if isinstance(clock, (int, float)) else UNKNOWN),
        ("hardware counters", counters_text(counters, machine)),
        ("cache line, there and back",
         f"{trip[1]:.0f} ns ({trip[0]:.0f}-{trip[2]:.0f})" if isinstance(trip, list) and len(trip) == 3 and
         all(isinstance(one, (int, float)) for one in trip) else UNKNOWN),
        ("frequency", frequency_text(machine)),
        ("caches", plain(part(machine, "caches"))),
        ("kernel", ", ".join(one for one in (str(part(machine, "kernel")), str(part(machine, "preemption"))) if one != UNKNOWN) or UNKNOWN),
        ("kernel command line", part(machine, "kernel_command_line")),
        ("isolated", f"isolcpus {part(machine, 'isolated') if machine.get('isolated') else 'none'}, "
                     f"nohz_full {part(machine, 'nohz_full') if machine.get('nohz_full') not in ('', '(null)', None) else 'none'}"),
        ("mitigations", unsafe),
        ("clock source", part(machine, "clocksource")),
        ("memory", UNKNOWN if part(machine, "memory", "mib") == UNKNOWN else
         f"{part(machine, 'memory', 'mib')} MiB; huge pages: {part(machine, 'memory', 'hugepages')} of "
         f"{part(machine, 'memory', 'hugepage_size')}, transparent ones {part(machine, 'memory', 'transparent_hugepages')}"),
        ("load average", f"{part(machine, 'load_start')} at the start, {part(machine, 'load_end')} at the end"),
        ("compiler", part(machine, "compiler")),
    ]
    return [(name, str(value)) for name, value in found]


def pinned(machine):
    """The processors that the engine measured on; [] when no run said."""
    used = measured(machine, "cpus")
    return used if isinstance(used, list) and all(isinstance(cpu, int) for cpu in used) else []


def frequency_text(machine):
    known = [f"{name} {part(machine, 'frequency', name)}" for name in ("governor", "driver", "minimum_khz", "maximum_khz", "boost")
             if part(machine, "frequency", name) != UNKNOWN]
    return ", ".join(known).replace("_khz", " kHz") or UNKNOWN


def counters_text(counters, machine):
    if not isinstance(counters, dict):
        return f"{UNKNOWN} (perf_event_paranoid {part(machine, 'perf_event_paranoid')})"
    if counters.get("available"):
        there = counters.get("there")
        return "available" + (f": {', '.join(map(str, there))}" if isinstance(there, list) and there else "")
    return f"none: {counters.get('why') or UNKNOWN}; times are calibrated ticks of the time stamp counter"


def warnings(machine):
    """Sentences: what makes this machine's figures less even, or less comparable, than they could be."""
    said = []
    if part(machine, "hypervisor") not in ("none", UNKNOWN):
        said.append("This is a virtual machine: other tenants and the hypervisor take time from it that it cannot see, and two "
                    "of its processors may be one core of the host.")
    governor = part(machine, "frequency", "governor")
    if governor not in (UNKNOWN, "performance"):
        said.append(f"The frequency governor is {governor}, not performance: the core's clock moves during the run.")
    if governor == UNKNOWN:
        said.append("The frequency governor cannot be seen, so that a moving clock would not show here.")
    shared = part(machine, "smt_siblings")
    used = pinned(machine)
    if isinstance(shared, list) and len(set(used)) > 1 and any(set(used) <= set(cpu_list(str(group))) for group in shared):
        said.append(f"Processors {' and '.join(map(str, used))} share one core: figures of two threads are those of SMT siblings.")
    elif isinstance(shared, list) and shared:
        said.append("SMT is on: what runs on a sibling slows its core down.")
    if machine.get("isolated") in ("", None, UNKNOWN):
        said.append("No core is isolated: the scheduler's tick, interrupts and other processes run on the measured ones.")
    counters = measured(machine, "counters")
    if not isinstance(counters, dict) or not counters.get("available"):
        said.append("No hardware counters: cycles and misses are not known; times come from the calibrated time stamp counter.")
    for name, when in (("load_start", "before it began"), ("load_end", "at its end")):
        value = machine.get(name)
        limit = 0.7 if name == "load_start" else 3.0
        if isinstance(value, (int, float)) and value > limit:
            said.append(f"The load average was {value} {when}: something else was running.")
    source = part(machine, "clocksource")
    if source not in (UNKNOWN, "tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"):
        said.append(f"The kernel's clock source is {source}: it does not trust the time stamp counter.")
    return said
