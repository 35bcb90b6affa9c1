# SPDX-License-Identifier: BSD-2-Clause
"""What code.py knows of assembly: which instructions order something, which only move things about, and one short
name for each that matters, whichever compiler wrote it and however wide the word is."""
import re


class Cpu:
    """ordering: what orders by itself; control: a branch that orders a load before what follows; memory, stack: an
    operand in memory, and on the stack; housekeeping: moves between registers, frames; returns: the end of a function;
    names: (how it is written, how we call it), first match counts; what does not match is called by its mnemonic."""

    def __init__(self, ordering, memory, stack, housekeeping, returns, names, control=r"$^"):
        self.ordering, self.memory, self.stack, self.housekeeping, self.returns, self.control = (
            re.compile(p) for p in (ordering, memory, stack, housekeeping, returns, control))
        self.names = [(re.compile(pattern), name) for pattern, name in names]

    def name(self, code):
        for pattern, name in self.names:
            match = pattern.match(code)
            if match:
                return match.expand(name)
        return code.split()[0]

    def orders(self, code):
        return bool(self.ordering.match(code))

    def touches(self, code):
        """Memory other than the stack, or an order: between the two marks of an access, all else is arithmetic."""
        in_memory = self.memory.search(code) and not self.stack.search(code)
        return bool(self.orders(code) or self.control.match(code) or in_memory)

    def whole(self, lines):
        """All of a function up to its first return, but for housekeeping and the frame."""
        path = []
        for code in lines:
            if self.returns.match(code):
                break
            if self.orders(code) or not (self.housekeeping.match(code) or self.stack.search(code)):
                path.append(self.name(code))
        return path


CPUS = {
    "x86-64": Cpu(
        ordering=r"lock\b|[lms]fence|xchg|cmpxchg|xadd|syscall|cpuid|rdtsc|int\b",
        memory=r"^(?!lea).*\(", stack=r"\(%rsp", returns=r"ret",
        housekeeping=r"push|pop|endbr64|nop|mov\w* %\w+, ?%\w+$|(add|sub)q \$-?\d+, ?%rsp|addl \$1, ?%eax|incl %eax",
        names=[(r"(mov|cmp|xchg)[bwlq]\b", r"\1"), (r"lock\s+([a-z]+?)[bwlq]\b", r"lock \1"),
               (r"callq? +\*", "call"), (r"callq? +(\w+)", r"call \1")]),
    "aarch64": Cpu(
        ordering=r"dmb|dsb|isb|lda|ldx|ldla|ldapu|stl|stx|cas|swp|ld(add|set|clr|eor)|svc|mrs",
        memory=r"\[", stack=r"\[sp|\bsp,", returns=r"ret$",
        control=r"bl __aarch64_",
        housekeeping=r"mov [wx]\d+, ?([wx]\d+|sp)$|mov x29|nop|hint|add w0, ?w0, ?#?1$",
        names=[(r"b\.?(eq|ne)\b", r"b.\1"), (r"bl (\w+)", r"bl \1")]),
    "riscv64": Cpu(
        ordering=r"fence|amo|lr\.|sc\.|ecall|rdtime|rdcycle",
        memory=r"\([astgz]\w+\)", stack=r"\(sp\)", returns=r"ret$|jr\s+ra$",
        housekeeping=r"mv |nop|addi\s+sp|addiw\s+a0, ?a0, ?1$",
        names=[(r"fence\s+(\w+), ?(\w+)", r"fence \1,\2"), (r"fence$", "fence iorw,iorw"),
               (r"(amo\w+)\.[wd](\.\w+)?", r"\1\2"),
               (r"l[bhwd]u?\s", "ld"), (r"s[bhwd]\s", "sd"), (r"(call|tail)\s+(\w+)", r"\1 \2")]),
    "ppc64le": Cpu(
        ordering=r"[lh]?wsync|sync|isync|ptesync|eieio|l[bhwdq]arx|st[bhwdq]cx|sc\b|mftb",
        memory=r"\(\d+\)|^(ld|st)\w*x ", stack=r"\(1\)", returns=r"blr",
        housekeeping=r"mflr|mtlr|mr\s|nop|addis? 2,|addi 1,|addi 3, ?3, ?1$|extsw|\d+:\s*addis",
        control=r"cmp[wd] \d, ?(\d+), ?\1$|bne- \d, ?[$.]\+4$",
        names=[(r"(bne|beq)-?\s", r"\1"), (r"cmpl?[dw]\b", "cmp"),
               (r"(ldu?x?|l[bhw][za]u?x?)\s", "ld"), (r"st[bhwd]u?x?\s", "std"),
               (r"l[wd]arx", "ldarx"), (r"st[wd]cx\.", "stdcx."), (r"bl (\w+)", r"bl \1")]),
    "s390x": Cpu(
        ordering=r"bcr\s+1[45], ?(%r)?0|c[dl]?s[gy]?\b|la[aonx]l?g?\b|stck|ts\b|svc",
        memory=r"^(?!lay?\b).*\(|^(l|lg|st|stg)rl\b", stack=r"%r15\)", returns=r"br\s+%r14",
        housekeeping=r"lgr|lgfr|lay?\s+%r15|aghi\s+%r15|ahi\s+%r2, ?1$|nop",
        names=[(r"bcr\s+(\d+), ?(%r)?0", r"bcr \1,0"), (r"(mvg?hi|sty?|stgrl)\b", "stg"),
               (r"(ltg?f?|ly?|llg?f|lgf)\b", "lg"),
               (r"laag?\b", "laag"), (r"ag?si\b", "agsi"), (r"brasl\s+%r14, ?(\w+)", r"brasl \1")]),
}


def functions(assembly):
    """{symbol: its instructions, one a line}; comments stay, for the marks are among them."""
    found, lines = {}, None
    for line in assembly.splitlines():
        label = re.match(r"([A-Za-z_][\w.$]*):", line)
        if label and not label.group(1).startswith((".L", "L")):
            lines = found.setdefault(label.group(1), [])
            continue
        if lines is None:
            continue
        if re.match(r"\s*\.(size|section|text|data|bss)\b", line):
            lines = None if ".size" in line else lines
            continue
        mark = re.search(r"(?:#|//) (cross \w+ \S+)$", line)
        if mark:
            lines.append(mark.group(1))
            continue
        # clang says where it keeps a register on the stack, which may be by another register than the usual one.
        if re.search(r"-byte (Folded )?(Spill|Reload)$", line):
            continue
        code = re.sub(r"(^\s*#|\s# |//).*", "", re.sub(r"^\d+:", "", line)).strip()
        if code and not code.startswith(".") and not code.endswith(":"):
            lines += [" ".join(part.split()) for part in code.split(";")]
    return found
