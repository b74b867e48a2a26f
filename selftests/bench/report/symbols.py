# SPDX-License-Identifier: GPL-2.0-only
"""
Names for addresses of L0's kernel: functions from its kallsyms, source lines of nvmx.ko.

The kernel boots without KASLR, and a run prints /proc/kallsyms into its trace file (see
tools/testbed/e9.c), modules included.
"""

import bisect
import collections
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

    def of_module(self, module):
        """Return {function: address} for the names that a module has once."""
        found = [(name, address) for address, (name, owner) in zip(self.addresses, self.names)
                 if owner == module]
        names = collections.Counter(name for name, _ in found)
        return {name: address for name, address in found if names[name] == 1}

    def find(self, address):
        """Return (name, module or None)."""
        if not address >> 63:
            return USER, None
        number = bisect.bisect_right(self.addresses, address) - 1
        return self.names[number] if number >= 0 else (f"{address:#x}", None)


class Source:
    """Source lines of a module's code, inlined functions resolved."""

    def __init__(self, path, module, symbols):
        self.path = path
        self.sections = self._loaded_sections(symbols.of_module(module))
        self.known = {}         # address -> frames

    def _loaded_sections(self, addresses):
        """Return {section: (address, size)}, by the functions whose names are there once."""
        functions, sizes = _functions(self.path), _section_sizes(self.path)
        return {section: (addresses[name] - offset, sizes[section])
                for name, (section, offset) in functions.items() if name in addresses}

    def resolve(self, addresses):
        """Look up a set of addresses at once."""
        for section, (start, size) in self.sections.items():
            inside = sorted(a for a in addresses if start <= a < start + size)
            if inside:
                self._addr2line(section, start, inside)

    def _addr2line(self, section, start, addresses):
        answer = subprocess.run(
            ["addr2line", "-a", "-f", "-i", "-j", section, "-e", self.path], check=True,
            input="".join(f"{a - start:#x}\n" for a in addresses), capture_output=True,
            text=True).stdout
        # "0xADDRESS", then a function and a file:line for each frame, the innermost first
        chunks = re.split(r"^0x[0-9a-f]+\n", answer, flags=re.MULTILINE)[1:]
        for address, chunk in zip(addresses, chunks):
            lines = chunk.splitlines()
            self.known[address] = list(zip(lines[::2], map(_short, lines[1::2])))

    def frames(self, address):
        """Return [(function, file:line)], the innermost first; empty if not known."""
        return self.known.get(address, [])


def _functions(path):
    """Return {function: (section, offset)} for the names that a module has once."""
    listing = subprocess.run(["objdump", "-t", path], check=True, capture_output=True,
                             text=True).stdout
    found = re.findall(r"^([0-9a-f]{16}) .{6}F (\S+)\s+[0-9a-f]{16} (?:\.hidden )?(\S+)$", listing,
                       re.MULTILINE)
    names = collections.Counter(name for _, _, name in found)
    return {name: (section, int(offset, 16)) for offset, section, name in found
            if names[name] == 1}


def _section_sizes(path):
    listing = subprocess.run(["objdump", "-h", "-w", path], check=True, capture_output=True,
                             text=True).stdout
    return {name: int(size, 16)
            for name, size in re.findall(r"^ *\d+ (\S+) +([0-9a-f]+) ", listing, re.MULTILINE)}


def _short(place):
    """Name a file from the top of the repository."""
    place = re.sub(r" \(discriminator \d+\)$", "", place)
    found = re.match(r"(?:.*/)?((?:src|include)/.*)", place)
    return found[1] if found else place
