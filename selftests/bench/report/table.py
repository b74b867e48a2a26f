# SPDX-License-Identifier: GPL-2.0-only
"""The figures of both sides as one table, and as JSON."""

ROWS = {
    "cpuid": "CPUID",
    "vmcall": "VMCALL, unknown hypercall",
    "port_write_vmm": "port write to a minimal VMM, and back in",
    "port_read_vmm": "port read handled by the VMM",
    "rdmsr_tsc_adjust": "RDMSR TSC_ADJUST",
    "wrmsr_tsc_adjust": "WRMSR TSC_ADJUST",
    "page_fault_4k": "page fault, memory not backed, per 4K page",
    "alternate_1": "one thread, 1 guest, per exit",
    "alternate_4": "one thread alternating between 4 guests",
}
# Two processors, interrupt chips in the kernel.
IRQ_ROWS = {
    "apic_read_mmio": "APIC read, memory-mapped",
    "apic_write_mmio": "APIC write, memory-mapped",
    "deadline_past": "TSC deadline, from arming to interrupt",
    "self_ipi": "self-IPI to interrupt",
    "hlt_wakeup": "HLT: deadline to interrupt",
    "ipi_cross": "IPI to a halted processor and its answer",
}
# Ioctls of L0, with L2 live.
STATE_ROWS = {
    "state_get": "KVM_GET_NESTED_STATE, L2 live",
    "state_set": "KVM_SET_NESTED_STATE, L2 live",
    "state_bytes": "bytes of that state",
}
LEVELS = {"L1": "as L1 (one level)", "L2": "as L2 (two levels)"}
TABLES = {"L1": {**ROWS, **IRQ_ROWS, **STATE_ROWS}, "L2": {**ROWS, **IRQ_ROWS}}
CELLS = [(level, row) for level, rows in TABLES.items() for row in rows]

# Due with first light; the row is counted in L0 on the traced L2 port write.
GOALS = {"instructions in L0": 13000, "exits to L0": 4, "VMREAD + VMWRITE": 150, "VMPTRLD": 4}
SLOWER = "rows slower than stock"
IRQ_HALF = "L2 rows of interrupts above half of stock"
NOISE = 1.02        # code placement moves a row by this much


def _trace_figures(trip):
    counts = trip.counts()
    figures = {
        "instructions in all": len(trip.instructions),
        "instructions in L0": len(trip.l0),
        "exits to L0": len(trip.visits),
        "VMREAD + VMWRITE": counts["VMREAD"] + counts["VMWRITE"],
        **counts,
    }
    levels = trip.by_level()
    for level in ("L1 kernel", "L1 user"):
        figures[f"instructions in {level}"] = levels[level]
    return figures


class Results:
    """What was measured on the sides that ran."""

    def __init__(self, sides, setting):
        self.sides = sides
        self.setting = setting
        self.traced = {name: _trace_figures(side.trip)
                       for name, side in sides.items() if side.trip}

    @property
    def complete(self):
        rows = all(cell in side.rows for side in self.sides.values() for cell in CELLS)
        return rows and (self.setting["host"] or len(self.traced) == len(self.sides))

    def _row(self, level, row):
        return {name: side.rows.get((level, row)) for name, side in self.sides.items()}

    def slower(self):
        """Name the rows that are slower than stock; None if the sides cannot be compared."""
        if len(self.sides) < 2:
            return None
        return self._above(NOISE, CELLS)

    def _above(self, limit, cells):
        found = []
        for level, row in cells:
            ratio = _ratio(self._row(level, row))
            if ratio is None:
                return None
            if ratio > limit:
                found.append(f"{level} {row}")
        return found

    def goals(self):
        """Yield (name, goal, figures, met or None)."""
        for name, goal in GOALS.items():
            figures = {side: traced[name] for side, traced in self.traced.items()}
            yield name, goal, figures, _met(figures, goal)
        slower = self.slower()
        figures = {} if slower is None else {"nvmx": len(slower)}
        yield SLOWER, 0, figures, _met(figures, 0)
        above = None
        if len(self.sides) > 1:
            above = self._above(0.5, [("L2", row) for row in IRQ_ROWS])
        figures = {} if above is None else {"nvmx": len(above)}
        yield IRQ_HALF, 0, figures, _met(figures, 0)

    def as_json(self):
        """The same figures for programs."""
        return {
            **self.setting,
            "rows": [{"level": level, "row": row, **self._row(level, row),
                      "ratio": _ratio(self._row(level, row))}
                     for level, row in CELLS],
            "trace": {name: {**figures, "exits": [
                {"cause": visit.cause, "instructions": len(visit.instructions)}
                for visit in self.sides[name].trip.visits]}
                for name, figures in self.traced.items()},
            "goals": [{"name": name, "goal": goal, **figures, "met": met}
                      for name, goal, figures, met in self.goals()],
            "slower": self.slower(),
            "seconds": {name: round(side.seconds) for name, side in self.sides.items()},
        }

    def text(self):
        """The table, line by line."""
        yield from self._head()
        for level, title in LEVELS.items():
            yield ""
            yield _line(f"ticks, {title}", "stock", "nvmx", "ratio")
            for row, what in TABLES[level].items():
                figures = self._row(level, row)
                yield _line(what, figures.get("stock"), figures.get("nvmx"), _ratio(figures))
        if self.traced:
            yield from self._trace_text()
        yield from self._goals_text()

    def _head(self):
        clock = "TSC cycles of this host" if self.setting["host"] else "1 tick = 1 instruction"
        yield (f"L0: Linux {self.setting['kernel']}; L1: Linux {self.setting['l1_kernel']} in QEMU "
               f"with kernel-irqchip={self.setting['irqchip']} (interrupts: on), on both sides; "
               f"{clock}")

    def _trace_text(self):
        stock, nvmx = self.traced.get("stock", {}), self.traced.get("nvmx", {})
        yield ""
        yield _line("one L2 port write, every instruction traced", "stock", "nvmx", "ratio")
        for name in stock or nvmx:
            pair = {side: figures[name] for side, figures in self.traced.items()}
            if any(pair.values()):
                yield _line(name, stock.get(name), nvmx.get(name), _ratio(pair))
        for name in self.traced:
            side = self.sides[name]
            yield ""
            quiet = "with interrupts" if side.trip.interrupted else "without an interrupt"
            yield f"exits to L0, {name}: the median of those {quiet}, of {len(side.totals)} round " \
                "trips; L0 instructions of each:"
            yield f"  {' '.join(map(str, side.totals))}"
            for visit in side.trip.visits:
                yield f"  {len(visit.instructions):6}  {visit.cause}"

    def _goals_text(self):
        yield ""
        yield _line("goals", "stock", "nvmx", "at most", "")
        for name, goal, figures, met in self.goals():
            verdict = {True: "met", False: "NOT MET", None: "not measured"}[met]
            yield _line(name, figures.get("stock"), figures.get("nvmx"), goal, verdict)
        if self.slower():
            yield f"slower than stock: {', '.join(self.slower())}"


def _met(figures, goal):
    return figures["nvmx"] <= goal if "nvmx" in figures else None


def _ratio(figures):
    """nvmx over stock; None unless both are there."""
    stock, nvmx = figures.get("stock"), figures.get("nvmx")
    return round(nvmx / stock, 3) if stock and nvmx is not None else None


def _cell(value):
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}" \
        if isinstance(value, float) else value


def _line(what, stock, nvmx, third, verdict=None):
    cells = "".join(f"{_cell(value):>10}" for value in (stock, nvmx, third))
    return f"{what:<46}{cells}" + (f"  {verdict}" if verdict else "")
