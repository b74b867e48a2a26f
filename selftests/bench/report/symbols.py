# SPDX-License-Identifier: GPL-2.0-only
"""
Names for addresses of L0's kernel: functions from its kallsyms, source lines of nvmx.ko.

The kernel boots without KASLR, and a run prints /proc/kallsyms into its trace file (see
tools/testbed/e9.c), modules included.
"""

import bisect
import re
import subprocess

LINE = re.compile(r"([0-9a-f]{16}) ([tTwW]) (\S+)(?:\s+\[(\S+)\])?$")
PADDING = ("__pfx_", "__cfi_")
USER = "[user space]"


def _preference(kind, name):
    """Of several names for one address, the smallest is shown."""
    return (kind not in "TW", name.startswith("_"), len(name), name)


class Symbols:
    """Functions by address."""

    def __init__(self, path):
        best = {}
        with open(path, encoding="ascii", errors="replace") as lines:
            for line in lines:
                found = LINE.match(line.rstrip())
                if found and not found[3].startswith(PADDING):
                    address, kind, name, module = found.groups()
                    candidate = (_preference(kind, name), name, module)
                    address = int(address, 16)
                    best[address] = min(best.get(address, candidate), candidate)
        self.addresses = sorted(best)
        self.names = [best[address][1:] for address in self.addresses]

    def find(self, address):
        """Return (name, module or None, offset in the function)."""
        if not address >> 63:
            return USER, None, 0
        number = bisect.bisect_right(self.addresses, address) - 1
        if number < 0:
            return f"{address:#x}", None, 0
        name, module = self.names[number]
        return name, module, address - self.addresses[number]


def function_offsets(module_path):
    """Return {function: (section, offset)} of a module's file; a name used twice is left out."""
    listing = subprocess.run(["objdump", "-t", module_path], check=True, capture_output=True,
                             text=True).stdout
    places, twice = {}, set()
    for line in listing.splitlines():
        found = re.match(r"([0-9a-f]{16}) .{6}F (\S+)\s+[0-9a-f]{16} (?:\.hidden )?(\S+)$", line)
        if found:
            offset, section, name = found.groups()
            if name in places:
                twice.add(name)
            places[name] = (section, int(offset, 16))
    return {name: place for name, place in places.items() if name not in twice}


class Source:
    """Source lines of a module, inlined functions resolved."""

    def __init__(self, module_path):
        self.path = module_path
        self.places = function_offsets(module_path)
        self.known = {}

    def resolve(self, wanted):
        """Look up a set of (function, offset) at once."""
        sections = {}
        for function, offset in wanted:
            if function in self.places:
                section, start = self.places[function]
                sections.setdefault(section, []).append((start + offset, (function, offset)))
        for section, entries in sections.items():
            self._addr2line(section, sorted(entries))

    def _addr2line(self, section, entries):
        addresses = "".join(f"{address:#x}\n" for address, _ in entries)
        answer = subprocess.run(
            ["addr2line", "-a", "-f", "-i", "-j", section, "-e", self.path], check=True,
            input=addresses, capture_output=True, text=True).stdout
        # "0xADDRESS", then a function and a file:line for each frame, the innermost first
        chunks = re.split(r"^0x[0-9a-f]+\n", answer, flags=re.MULTILINE)[1:]
        for (_, key), chunk in zip(entries, chunks):
            lines = chunk.splitlines()
            self.known[key] = list(zip(lines[::2], map(_short, lines[1::2])))

    def frames(self, function, offset):
        """Return [(function, file:line)], the innermost first; empty if not known."""
        return self.known.get((function, offset), [])


def _short(place):
    """Name a file from the top of the repository."""
    place = re.sub(r" \(discriminator \d+\)$", "", place)
    found = re.search(r"(?:^|/)((?:src|include)/[^/].*)$", place)
    return found[1] if found else place
