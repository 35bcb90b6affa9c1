# SPDX-License-Identifier: BSD-2-Clause
"""What the compilers make of an ordered access, and which steps in program order that keeps.

CODE is what the tests are made of, as herd7 takes it; test/proof/litmus.py compares it with the compilers. {out} is the
register of a load, {at} the one with the address (the location itself on x86), {value} one with the value to store,
{n} a number."""

CODE = {
    "AArch64": {
        # The two ordered stores are the same. The acquire load as for ARMv8.3-A (clang 16), the trade as for ARMv8.1-A.
        ("load", "relaxed"): ["LDR {out},[{at}]"],
        ("load", "acquire"): ["LDAPR {out},[{at}]"],
        ("load", "seq_cst"): ["LDAR {out},[{at}]"],
        ("store", "relaxed"): ["STR {value},[{at}]"],
        ("store", "release"): ["STLR {value},[{at}]"],
        ("store", "seq_cst"): ["STLR {value},[{at}]"],
        ("trade", "relaxed"): ["SWP {value},{out},[{at}]"],
        ("trade", "acquire"): ["SWPA {value},{out},[{at}]"],
        ("trade", "release"): ["SWPL {value},{out},[{at}]"],
    },
    "RISCV": {
        # gcc 12 stores with an exchange whose result goes to x0.
        ("load", "relaxed"): ["lw {out},0({at})"],
        ("load", "acquire"): ["lw {out},0({at})", "fence rw,rw"],
        ("load", "seq_cst"): ["fence rw,rw", "lw {out},0({at})", "fence rw,rw"],
        ("store", "relaxed"): ["amoswap.w x0,{value},({at})"],
        ("store", "release"): ["fence rw,w", "amoswap.w x0,{value},({at})"],
        ("store", "seq_cst"): ["fence rw,w", "amoswap.w.aq x0,{value},({at})"],
        ("trade", "relaxed"): ["amoswap.w {out},{value},({at})"],
        ("trade", "acquire"): ["amoswap.w.aq {out},{value},({at})"],
        ("trade", "release"): ["fence rw,w", "amoswap.w {out},{value},({at})"],
    },
    "PPC": {
        # A branch on what was loaded, and isync behind it, keeps all that follows behind the load.
        ("load", "relaxed"): ["lwz {out},0({at})"],
        ("load", "acquire"): ["lwz {out},0({at})", "cmpw {out},{out}", "bne L{n}", "L{n}: isync"],
        ("load", "seq_cst"): ["sync", "lwz {out},0({at})", "cmpw {out},{out}", "bne L{n}", "L{n}: isync"],
        ("store", "relaxed"): ["stw {value},0({at})"],
        ("store", "release"): ["lwsync", "stw {value},0({at})"],
        ("store", "seq_cst"): ["sync", "stw {value},0({at})"],
        # The compilers try again; a test that failed once ends here, and its outcome does not count.
        ("trade", "relaxed"): ["lwarx {out},r0,{at}", "stwcx. {value},r0,{at}", "bne Fail{thread}"],
        ("trade", "acquire"): ["lwarx {out},r0,{at}", "stwcx. {value},r0,{at}", "bne Fail{thread}", "isync"],
        ("trade", "release"): ["lwsync", "lwarx {out},r0,{at}", "stwcx. {value},r0,{at}", "bne Fail{thread}"],
    },
    "X86_64": {
        ("load", "relaxed"): ["movl ({at}),{out}"],
        ("load", "acquire"): ["movl ({at}),{out}"],
        ("load", "seq_cst"): ["movl ({at}),{out}"],
        ("store", "relaxed"): ["movl {value},({at})"],
        ("store", "release"): ["movl {value},({at})"],
        ("store", "seq_cst"): ["xchgl {value},({at})"],
        ("trade", "relaxed"): ["xchgl {out},({at})"],
        ("trade", "acquire"): ["xchgl {out},({at})"],
        ("trade", "release"): ["xchgl {out},({at})"],
    },
}

# What another compiler emits instead. Of two for one processor CODE has the weaker: what cannot happen there cannot
# happen with the other. On RISC-V neither is; clang's is the mapping of the ABI's own document.
OTHERWISE = {
    ("AArch64", "gcc"): {("load", "acquire"): ["LDAR {out},[{at}]"]},
    ("AArch64", "clang"): {("load", "acquire"): ["LDAR {out},[{at}]"]},
    ("RISCV", "clang"): {
        ("load", "acquire"): ["lw {out},0({at})", "fence r,rw"],
        ("load", "seq_cst"): ["fence rw,rw", "lw {out},0({at})", "fence r,rw"],
        ("store", "relaxed"): ["sw {value},0({at})"],
        ("store", "release"): ["fence rw,w", "sw {value},0({at})"],
        ("store", "seq_cst"): ["fence rw,w", "sw {value},0({at})"],
        ("trade", "release"): ["amoswap.w.rl {out},{value},({at})"],
    },
    ("PPC", "clang"): {
        ("trade", "acquire"): ["lwarx {out},r0,{at}", "stwcx. {value},r0,{at}", "bne Fail{thread}", "lwsync"],
    },
}


def code_of(arch, compiler, kind, order):
    return OTHERWISE.get((arch, compiler), {}).get((kind, order), CODE[arch][(kind, order)])


def mnemonic(line):
    return line.split(": ")[-1].split()[0]


ACCESS = {"ldr", "ldar", "ldapr", "str", "stlr", "swp", "swpa", "swpl",
          "lw", "sw", "amoswap.w", "amoswap.w.aq", "amoswap.w.rl", "lwz", "stw", "lwarx", "stwcx.", "movl", "xchgl"}


def kept(arch, first, event, second, event2):
    """Is the step from this event of the access `first` to that of `second`, on another location, kept, whatever else
    the processor reorders? Both are lists of instructions. None: the manuals can be read both ways."""
    a = [mnemonic(line).lower() for line in first]
    b = [mnemonic(line).lower() for line in second]
    behind = [i for i, name in enumerate(a) if name in ACCESS][-1] + 1
    ahead = [i for i, name in enumerate(b) if name in ACCESS][0]
    between, names = first[behind:] + second[:ahead], a[behind:] + b[:ahead]
    one, other = a[behind - 1], b[ahead]
    if arch == "X86_64":
        return not (event == "W" and event2 == "R") or "xchgl" in (one, other)
    if arch == "AArch64":
        acquired = event == "R" and one in ("ldar", "ldapr", "swpa")
        released = event2 == "W" and other in ("stlr", "swpl")
        return acquired or released or (one == "stlr" and other == "ldar")
    if arch == "RISCV":
        for line in between:
            if line.startswith("fence"):
                before, after = line.split()[1].split(",")
                if event.lower() in before and event2.lower() in after:
                    return True
        # .rl holds the exchange back, .aq what follows it. Of its store some say that it may still be late: no verdict.
        if ".aq" in one and event == "W":
            return None
        return ".aq" in one or ".rl" in other
    if "sync" in names or ("lwsync" in names and (event, event2) != ("W", "R")):
        return True
    return event == "R" and "bne" in a and a[-1] == "isync"
