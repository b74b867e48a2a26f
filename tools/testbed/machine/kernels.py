# SPDX-License-Identifier: GPL-2.0-only
"""Find Debian's stock kernels and their modules."""

import glob
import lzma
import os
import re

from .errors import TestbedError

IMAGE = "/boot/vmlinuz-"


def _version_key(path):
    return [int(n) for n in re.findall(r"\d+", os.path.basename(path))]


class Kernel:
    """One installed stock kernel, the newest of a series such as 6.1."""

    def __init__(self, series):
        found = glob.glob(f"{IMAGE}{series}.*-cloud-amd64")
        if not found:
            raise TestbedError(f"no {series} cloud kernel in /boot: run tools/testbed/deps testbed")
        self.series = series
        self.image = max(found, key=_version_key)
        self.release = self.image[len(IMAGE):]

    def module(self, name):
        """Return the bytes of a stock module, unpacked."""
        pattern = f"/lib/modules/{self.release}/**/{name}.ko*"
        found = glob.glob(pattern, recursive=True)
        if not found:
            raise TestbedError(f"kernel {self.release} has no module {name}")
        with open(found[0], "rb") as f:
            data = f.read()
        return lzma.decompress(data) if found[0].endswith(".xz") else data
