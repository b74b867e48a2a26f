# SPDX-License-Identifier: GPL-2.0-only
"""
Run a disk in Bochs, show its console, and find out how it ended.

Time is the processor time of Bochs, not the clock on the wall: a run does not fail because the
machine it runs on is busy.  The clock on the wall only bounds a run at a multiple of that.
"""

import ctypes
import os
import re
import signal
import subprocess
import time

from .errors import CRASHED, HUNG, NO_STATUS, TIME_LIMIT

CONFIG = """\
config_interface: textconfig
display_library: rfb, options="timeout=0"
sound: waveoutdrv=dummy
memory: guest={memory}, host={host}
romimage: file={bios}
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0-master: type=disk, path=disk, mode=flat, cylinders=0, translation=lba
boot: disk
cpu: model={cpu}, count={processors}, ips=100000000, reset_on_triple_fault=0
clock: sync=none, time0=1700000000
com1: enabled=1, mode=file, dev=console
magic_break: enabled={magic}
port_e9_hack: enabled={magic}
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
"""

CRASH = re.compile(r"Kernel panic - not syncing|\bBUG: |\bOops: |kernel BUG at ")
POLL_SECONDS = 0.2
RESET_PANIC = "Keyboard error"
HOST_MEMORY = 2048          # MB that Bochs can have in its own memory at once
CRASH_ENDS = "---[ end Kernel panic"
AFTER_CRASH_SECONDS = 8     # processor time for the rest of the trace
WALL_FACTOR = 6
PR_SET_PDEATHSIG = 1


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _trace_script(breaks, rounds):
    if breaks is None:
        return "c\n"
    return "c\n" * breaks + "trace on\n" + "c\n" * rounds + "trace off\nq\n"


class Machine:
    """One run of Bochs in a work folder that holds 'disk'."""

    def __init__(self, folder, options):
        self.folder = folder
        self.options = options
        self.mark = re.compile(options.mark + r" (\d+)")
        self.status = None
        self.reason = ""

    def run(self, show):
        """Run to the end; call @show with each line of the console.  Return the exit status."""
        self._write_config()
        with open(os.path.join(self.folder, "console"), "wb"), \
             open(os.path.join(self.folder, "out"), "wb") as out:
            bochs = subprocess.Popen(
                ["bochs-bin", "-q", "-f", "bochsrc", "-rc", "rc"], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent)
        try:
            self._watch(bochs, show)
        finally:
            bochs.kill()
            bochs.wait()
        return self.status

    def _write_config(self):
        config = CONFIG.format(memory=self.options.mem, host=min(self.options.mem, HOST_MEMORY),
                               bios=self.options.bios,
                               cpu=self.options.cpu, processors=self.options.smp,
                               magic=int(self.options.trace is not None))
        with open(os.path.join(self.folder, "bochsrc"), "w", encoding="ascii") as f:
            f.write(config)
        with open(os.path.join(self.folder, "rc"), "w", encoding="ascii") as f:
            f.write(_trace_script(self.options.trace, self.options.trace_rounds))

    def _end(self, status, reason=""):
        self.status = status
        self.reason = reason

    def _watch(self, bochs, show):
        started = time.monotonic()
        last_output = 0.0
        crash_end = None
        with open(os.path.join(self.folder, "console"), errors="replace", newline="\n") as console:
            rest = ""
            while self.status is None:
                alive = bochs.poll() is None
                used = _processor_seconds(bochs.pid) if alive else 0.0
                text = console.read()
                if text:
                    last_output = used
                    *lines, rest = (rest + text).split("\n")
                    if any([self._take(line, show) for line in lines]) and crash_end is None:
                        crash_end = used + AFTER_CRASH_SECONDS
                    continue
                if not alive:
                    self._ended_by_itself(rest, show, crash_end)
                    rest = ""
                else:
                    wall = time.monotonic() - started
                    self._limits(used, last_output, wall, crash_end)
                    time.sleep(POLL_SECONDS)
            if rest:
                self._take(rest, show)

    def _take(self, line, show):
        """Show one line.  Return whether it tells of a crash."""
        line = line.rstrip("\r")
        mark = self.mark.search(line)
        if not mark:
            show(line)
            if CRASH_ENDS in line and self.status is None:
                self._end(CRASHED, "the guest's kernel crashed")
            return bool(CRASH.search(line))
        if line[:mark.start()].strip():
            show(line[:mark.start()])
        if self.status is None:
            self._end(int(mark[1]))
        return False

    def _ended_by_itself(self, rest, show, crash_end):
        if rest:
            self._take(rest, show)
        if self.status is not None:
            return
        if self.options.trace is not None and self._traced():
            self._end(0)
        elif crash_end is not None:
            self._end(CRASHED, "the guest's kernel crashed")
        else:
            self._stopped(self._panic())

    def _stopped(self, panic):
        """The BIOS starts again after a reset, and gives up at a keyboard controller without one."""
        if self.options.reset and RESET_PANIC in panic:
            self._end(0)
            return
        self._end(NO_STATUS, f"the machine stopped before the command had ended{panic}")

    def _panic(self):
        """Find what Bochs itself has to say to its end."""
        found = ""
        for name in ("bochs.log", "out"):
            with open(os.path.join(self.folder, name), errors="replace") as f:
                for line in f:
                    if ">>PANIC<<" in line:
                        found = ": Bochs" + line.partition(">>PANIC<<")[2].rstrip()
        return found

    def _traced(self):
        with open(os.path.join(self.folder, "out"), errors="replace") as f:
            return "Tracing disabled" in f.read()

    def _limits(self, used, last_output, wall, crash_end):
        options = self.options
        if crash_end is not None and used > crash_end:
            self._end(CRASHED, "the guest's kernel crashed")
        elif used > options.timeout or wall > options.timeout * WALL_FACTOR:
            self._end(TIME_LIMIT, f"time limit of {options.timeout} seconds")
        elif used - last_output > options.idle:
            self._end(HUNG, f"hung: nothing on the console for {options.idle} seconds")


def _processor_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
