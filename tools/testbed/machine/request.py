# SPDX-License-Identifier: GPL-2.0-only
"""What the user asked for, in one place."""

import os
import shlex
from dataclasses import dataclass, field

from .errors import TestbedError
from .root import REPO

# Bochs 2.7 can lose host interrupts while a guest that was entered with IF=0 spins,
# and delivers virtual interrupts wrongly: see Documentation/testing.rst.  nvmx works around that
# only when asked.
ERRATUM = "bochs_if_erratum=1 bochs_vid_erratum=1"

EXIT_MARK = "TESTBED-EXIT"
INNER_EXIT_MARK = "GUEST-EXIT"


def on_host():
    """Tell whether to run on this very machine."""
    return os.environ.get("TESTBED") == "host"


@dataclass
class Request:
    kernel: str = "6.1"
    hypervisor: str = "nvmx"
    module: str = ""
    module_args: str = ""
    progs: list = field(default_factory=list)
    files: list = field(default_factory=list)
    qemu: bool = False
    command: str = ""
    exit_mark: str = EXIT_MARK
    erratum: str = ERRATUM

    @property
    def module_path(self):
        folder = os.uname().release if on_host() else self.kernel
        path = self.module or os.path.join(REPO, "build", folder, "nvmx.ko")
        if not os.path.exists(path):
            raise TestbedError(f"{path} is missing: run 'make', or use --kvm or --no-module")
        return path

    def settings(self):
        """The guest's /etc/testbed."""
        args = self.module_args
        if self.hypervisor == "nvmx":
            args = f"{self.erratum} {args}".strip()
        values = {"HYPERVISOR": self.hypervisor, "MODULE_ARGS": args, "EXIT_MARK": self.exit_mark}
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
