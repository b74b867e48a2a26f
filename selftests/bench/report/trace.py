# SPDX-License-Identifier: GPL-2.0-only
"""
Read Bochs's instruction trace of a round trip, and tell whose each instruction is.

The trace starts in the payload.  The first instruction after that in the upper half of the
address space is where L0 goes on after a VM exit, because every exit goes to L0 first.  L1 may run
the same kernel at the same addresses, so a place is known by its physical address, too.  L0 lasts
until a VMLAUNCH or VMRESUME that does not fall through.
"""

import collections
import re
from dataclasses import dataclass, field

LINE = re.compile(r"\(0\)\.\[(\d+)\] \[0x([0-9a-f]+)\] ([0-9a-f]+):([0-9a-f]+) \(.*?\): (.*?) *; "
                  r"([0-9a-f]+)")
BEGIN, BREAK, END = "Tracing enabled", "(0) Magic breakpoint", "Tracing disabled"

ENTRY = ("vmresume", "vmlaunch")

# What is counted, by the first words of the disassembly.
KINDS = {
    "VMREAD": r"vmread\b",
    "VMWRITE": r"vmwrite\b",
    "VMPTRLD": r"vmptrld\b",
    "VMCLEAR": r"vmclear\b",
    "VMRESUME": r"vm(?:resume|launch)\b",
    "CR/DR moves": r"mov [cd]r\d|mov r\w+, [cd]r\d|clts\b|lmsw\b",
    "RDMSR": r"rdmsr\b",
    "WRMSR": r"wrmsr\b",
    "INVEPT/INVVPID": r"inv(?:ept|vpid)\b",
    "XSAVE/XRSTOR": r"f?x(?:save|rstor)|xsetbv\b",
    "LGDT/LIDT/LTR/LLDT": r"l(?:gdt|idt|tr|ldt)\b",
    "segment loads": r"mov [defgs]s\b|swapgs\b|wr[fg]sbase\b",
}
KIND = re.compile("|".join(f"(?P<k{n}>{pattern})" for n, pattern in enumerate(KINDS.values())))
KIND_NAMES = list(KINDS)

# An exit after any other instruction is an interrupt's or a fault's.
EXITING = re.compile(r"(?:rep\w* )?(?:in|ins[bwd]|out|outs[bwd]|cpuid|hlt|mwait|monitor|pause|"
                     r"inv\w+|rd(?:msr|pmc|tscp?|rand|seed)|wrmsr|vm\w+|[ls][gil]dt|[ls]tr|"
                     r"wbinvd|xsetbv|xsaves|xrstors|mov [cd]r\d+|mov \w+, [cd]r\d+|clts|lmsw|"
                     r"getsec)\b")

INTERRUPT = "(interrupt or fault)"


@dataclass(slots=True)
class Instruction:
    tick: int
    physical: int
    selector: int
    rip: int
    text: str
    size: int
    level: str = ""

    @property
    def next_rip(self):
        return self.rip + self.size

    @property
    def kind(self):
        """What it counts as, or None."""
        found = KIND.match(self.text)
        return KIND_NAMES[int(found.lastgroup[1:])] if found else None


@dataclass
class Visit:
    """One stay in L0: the exit that began it, and its instructions."""
    cause: str
    instructions: list = field(default_factory=list)

    def count(self, *kinds):
        return sum(instruction.kind in kinds for instruction in self.instructions)


class RoundTrip:
    """The instructions between two magic breaks."""

    def __init__(self, instructions):
        self.instructions = instructions
        self.visits = []
        self._entry = None
        self._assign_levels()

    def _assign_levels(self):
        in_l0 = False
        before = None
        for this in self.instructions:
            if in_l0 and before.text.startswith(ENTRY) and this.rip != before.next_rip:
                in_l0 = False
            elif not in_l0 and before and self._is_entry_of_l0(this):
                in_l0 = True
                self.visits.append(Visit(_cause(before)))
            if in_l0:
                self.visits[-1].instructions.append(this)
            this.level = "L0" if in_l0 else _guest_level(this)
            before = this

    def _is_entry_of_l0(self, this):
        if self._entry is None and this.rip >> 63:
            self._entry = (this.physical, this.rip)
        return (this.physical, this.rip) == self._entry

    @property
    def l0(self):
        return [instruction for visit in self.visits for instruction in visit.instructions]

    @property
    def interrupted(self):
        """Did an interrupt come, as an exit or inside L0, which then returns from it?"""
        return any(INTERRUPT in visit.cause for visit in self.visits) or \
            any(instruction.text.startswith("iret") for instruction in self.l0)

    def by_level(self):
        return collections.Counter(instruction.level for instruction in self.instructions)

    def counts(self):
        """Events of L0 by kind; the kinds that do not happen are there with 0."""
        found = collections.Counter(instruction.kind for instruction in self.l0)
        return {kind: found[kind] for kind in KINDS}


def _cause(instruction):
    what = re.sub(r"\b(?:byte|word|dword|qword|xmmword) ptr ", "", instruction.text)
    level = _guest_level(instruction)
    return f"{level}: {what}" if EXITING.match(what) else f"{level}: {INTERRUPT} {what}"


def _guest_level(instruction):
    if instruction.selector & 3:
        return "L1 user"
    return "L1 kernel" if instruction.rip >> 63 else "payload"


def read_rounds(path):
    """Yield the round trips that a trace file holds."""
    now, tracing = [], False
    with open(path, encoding="ascii", errors="replace") as lines:
        for line in lines:
            if not tracing:
                tracing = line.startswith(BEGIN)
            elif line.startswith(BREAK):
                trip = RoundTrip(now)
                now = []
                if trip.visits:
                    yield trip
            elif line.startswith(END):
                return
            else:
                found = LINE.match(line)
                if found:
                    tick, physical, selector, rip, text, code = found.groups()
                    now.append(Instruction(int(tick), int(physical, 16), int(selector, 16),
                                           int(rip, 16), text, len(code) // 2))


def typical(path):
    """
    Return the median of the round trips that no interrupt fell into, by instructions in L0, and
    the L0 instructions of each.  The shortest would not do: now and then a VMM in L1 is spared
    something that most round trips need.
    """
    rounds = list(read_rounds(path))
    quiet = [trip for trip in rounds if not trip.interrupted] or rounds
    quiet = sorted(quiet, key=lambda trip: len(trip.l0))
    median = quiet[(len(quiet) - 1) // 2] if quiet else None
    return median, [len(trip.l0) for trip in rounds]
