# SPDX-License-Identifier: GPL-2.0-only
"""
A private work folder that does not outlive its run.

It is removed at the end of the run, on signals too.  One that was left by SIGKILL is removed by
the next run: its owner's lock on it is gone.
"""

import contextlib
import fcntl
import glob
import os
import shutil
import signal
import sys
import tempfile

PREFIX = "nvmx-testbed."


def _remove_left_over():
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + "*")):
        with contextlib.suppress(OSError):
            with open(os.path.join(folder, "owner"), "rb") as f:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)


def _exit_on(number, _frame):
    sys.exit(128 + number)


@contextlib.contextmanager
def work_folder():
    """Make a folder for the duration of a with block."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _exit_on)
    _remove_left_over()
    folder = tempfile.mkdtemp(prefix=PREFIX)
    try:
        with open(os.path.join(folder, "owner"), "wb") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
