# SPDX-License-Identifier: GPL-2.0-only
"""
Where the instructions of L0 go in one round trip: by exit, by function, by line, by VMCS field.

Calls are followed: a function's own instructions, and those of all that it called ("with
callees"), and folded stacks for a flame graph.
"""

import collections
import re

from .symbols import USER

VMCS_ACCESS = ("VMREAD", "VMWRITE")
EXPENSIVE = ("CR/DR moves", "RDMSR", "WRMSR", "VMPTRLD", "VMCLEAR", "INVEPT/INVVPID",
             "XSAVE/XRSTOR", "LGDT/LIDT/LTR/LLDT", "segment loads")
TREE_SHARE = 0.02


class Function:
    """What one function did."""

    def __init__(self):
        self.calls = 0
        self.own = 0
        self.with_callees = 0
        self.kinds = collections.Counter()

    @property
    def note(self):
        """The expensive instructions in it other than VMREAD and VMWRITE."""
        return ", ".join(f"{self.kinds[kind]} {kind}" for kind in EXPENSIVE if self.kinds[kind])


class Stack:
    """The functions that L0 is in, rebuilt from its calls, jumps and returns."""

    def __init__(self):
        self.frames = []        # [function, address that it returns to]
        self.before = None

    def step(self, instruction, function):
        """Take the next instruction.  Return whether it begins @function anew."""
        before, self.before = self.before, instruction
        if before is None or not self.frames:
            self.frames = [[function, None]]
            return True
        if before.text.startswith("call") and instruction.rip != before.next_rip:
            self.frames.append([function, before.next_rip])
            return True
        if before.text.startswith("ret"):
            self._return_to(instruction.rip)
        if not self.frames:
            self.frames = [[function, None]]
        entered = self.frames[-1][0] != function
        self.frames[-1][0] = function       # a tail call, or a jump to the function's cold part
        return entered and not before.text.startswith("ret")

    def _return_to(self, rip):
        for depth in range(len(self.frames) - 1, -1, -1):
            if self.frames[depth][1] == rip:
                del self.frames[depth:]
                return

    @property
    def names(self):
        return [name for name, _ in self.frames]


class Profile:
    """All that a profile shows, of one round trip."""

    def __init__(self, trip, symbols, source=None, fields=None):
        self.trip = trip
        self.total = len(trip.l0)
        self.functions = collections.defaultdict(Function)
        self.folded = collections.Counter()
        self.files = collections.defaultdict(Function)
        self.lines = collections.defaultdict(Function)
        self.fields = collections.defaultdict(collections.Counter)
        self._symbols = symbols
        self._walk()
        if source:
            self._count_lines(source)
        if fields:
            self._count_fields(fields)

    def _label(self, rip):
        name, module = self._symbols.find(rip)
        return f"{name} [{module}]" if module else name

    def _walk(self):
        for number, visit in enumerate(self.trip.visits, start=1):
            stack = Stack()
            root = f"exit {number}: {visit.cause}"
            for instruction in visit.instructions:
                label = self._label(instruction.rip)
                function = self.functions[label]
                function.calls += stack.step(instruction, label)
                function.own += 1
                function.kinds[instruction.kind] += 1
                for name in set(stack.names):
                    self.functions[name].with_callees += 1
                self.folded[";".join([root, *stack.names])] += 1

    def _count_lines(self, source):
        source.resolve({instruction.rip for instruction in self.trip.l0})
        for instruction in self.trip.l0:
            frames = source.frames(instruction.rip)
            for counted in (self.lines[_line(frames)], self.files[_file(frames)]) if frames else ():
                counted.own += 1
                counted.kinds[instruction.kind] += 1

    def _count_fields(self, names):
        known = {}
        for instruction in self.trip.l0:
            if instruction.kind in VMCS_ACCESS:
                register = _field_register(instruction)
                encoding = known.get(_family(register))
                name = "(not a constant)" if encoding is None else \
                    names.get(encoding & ~1, f"{encoding:#06x}")
                self.fields[name][instruction.kind] += 1
            _track(known, instruction)


def _in_source(place):
    return place.startswith("src/") and ".h:" not in place


def _file(frames):
    """Name the .c file of an instruction, or the header if there is none."""
    places = [place for _, place in frames]
    place = next(filter(_in_source, places), places[0])
    return place.partition(":")[0]


def _line(frames):
    """
    Name the line of an instruction: the innermost of a .c file, and what it inlined from headers.
    A header's line by itself would not say for whom.
    """
    inlined = ""
    for function, place in frames:
        if _in_source(place):
            return f"{place} {function}()" + (f" > {inlined}" if inlined else "")
        inlined = f"{function}() > {inlined}" if inlined else f"{function}()"
    function, place = frames[0]
    return f"{place} {function}()"


def _field_register(instruction):
    """VMREAD names its field last, VMWRITE first."""
    operands = instruction.text.split(None, 1)[1].split(", ")
    return operands[-1] if instruction.kind == "VMREAD" else operands[0]


def _family(register):
    """Name the 64-bit register that holds @register, or '' if it is none."""
    found = re.fullmatch(r"[er]?([abcd])[xlh]|[er]?([sd]i|[sb]p)l?|(r\d+)[dwb]?", register)
    if not found:
        return ""
    if found[3]:
        return found[3]
    return f"r{found[1]}x" if found[1] else f"r{found[2]}"


READS_ONLY = ("cmp", "test", "push", "vmwrite", "jmp", "call", "bt ", "out", "nop")


def _track(known, instruction):
    """Follow constants through registers, as far as mov and xor do it."""
    mnemonic, _, rest = instruction.text.partition(" ")
    operands = rest.split(", ")
    target = _family(operands[0])
    if mnemonic == "call" or instruction.text.startswith(READS_ONLY) or not target:
        return
    known.pop(target, None)
    if len(operands) != 2 or mnemonic not in ("mov", "xor"):
        return
    if mnemonic == "xor" and operands[0] == operands[1]:
        known[target] = 0
    elif mnemonic == "mov" and re.fullmatch(r"0x[0-9a-f]+", operands[1]):
        known[target] = int(operands[1], 16)
    elif mnemonic == "mov" and _family(operands[1]) in known:
        known[target] = known[_family(operands[1])]


def _percent(part, total):
    return f"{100 * part / total:5.1f}%"


def _table(title, counted, total, top, with_calls):
    yield title
    head = "    calls" if with_calls else ""
    yield f"     own        {'with callees' if with_calls else '':12}{head}  VMREAD VMWRITE"
    ordered = sorted(counted.items(), key=lambda item: -item[1].own)
    for name, what in ordered[:top]:
        calls = f"{what.with_callees:6} {_percent(what.with_callees, total)}{what.calls:8}" \
            if with_calls else " " * 12
        note = f"   ({what.note})" if what.note else ""
        yield (f"  {what.own:6} {_percent(what.own, total)} {calls}"
               f"{what.kinds['VMREAD']:8}{what.kinds['VMWRITE']:8}  {name}{note}")
    rest = ordered[top:]
    if rest:
        own = sum(what.own for _, what in rest)
        yield f"  {own:6} {_percent(own, total)}  {len(rest)} more"


def _visits(trip):
    yield "Exits to L0, in order"
    yield "  L0 instructions  VMREAD VMWRITE VMPTRLD   level: instruction"
    for visit in trip.visits:
        yield (f"  {len(visit.instructions):15}{visit.count('VMREAD'):8}"
               f"{visit.count('VMWRITE'):8}{visit.count('VMPTRLD'):8}   {visit.cause}")


def _rooms(profile):
    rooms = collections.Counter()
    for name, function in profile.functions.items():
        found = re.search(r"\[(\S+)\]$", name)
        rooms["user space" if name == USER else found[1] if found else "kernel"] += function.own
    yield "By module: " + ", ".join(f"{name} {own} ({_percent(own, profile.total).strip()})"
                                    for name, own in rooms.most_common())


def _fields(profile, top):
    yield "VMCS fields that are accessed (where the encoding is a constant in the code)"
    yield "    VMREAD VMWRITE"
    ordered = sorted(profile.fields.items(), key=lambda item: (-item[1].total(), item[0]))
    for name, kinds in ordered[:top]:
        yield f"  {kinds['VMREAD']:8}{kinds['VMWRITE']:8}  {name}"
    if ordered[top:]:
        yield f"  {len(ordered[top:])} more"


def _tree(profile):
    """The call tree of each exit, down to a share of all that is worth a line."""
    yield f"Call tree of L0 (with callees; from {TREE_SHARE:.0%} of all)"
    totals = collections.Counter()
    order = []
    for stack, count in profile.folded.items():
        path = tuple(stack.split(";"))
        for depth in range(1, len(path) + 1):
            if path[:depth] not in totals:
                order.append(path[:depth])
            totals[path[:depth]] += count
    children = collections.defaultdict(list)
    for path in order:
        children[path[:-1]].append(path)
    pending = children[()][::-1]
    while pending:
        path = pending.pop()
        if totals[path] >= TREE_SHARE * profile.total:
            yield f"  {totals[path]:6} {'  ' * (len(path) - 1)}{path[-1]}"
            pending += sorted(children[path], key=lambda child: totals[child])


def text(profile, top):
    """The profile as lines, @top rows in each table."""
    yield from _visits(profile.trip)
    yield ""
    yield from _rooms(profile)
    yield ""
    yield from _table("By function", profile.functions, profile.total, top, with_calls=True)
    if profile.lines:
        yield ""
        yield from _table("By source file of nvmx.ko", profile.files, profile.total, top,
                          with_calls=False)
        yield ""
        yield from _table("By source line of nvmx.ko (line > inlined from headers)", profile.lines,
                          profile.total, top, with_calls=False)
    if profile.fields:
        yield ""
        yield from _fields(profile, top)
    yield ""
    yield from _tree(profile)
