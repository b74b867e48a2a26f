# SPDX-License-Identifier: GPL-2.0-only
"""
Run the same root and command directly on a host that has VMX (TESTBED=host).

The root is unpacked into a folder and entered by chroot in a mount namespace of its own, so
that paths are those of the guest and nothing stays mounted.  It needs root.
"""

import os
import subprocess

from .archive import Tree
from .errors import TestbedError
from .root import add_request, base_tree

ENTER = """
set -e
for d in proc sys dev; do mount --rbind /$d $1/$d; done
mount -t tmpfs dev $1/dev
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty $1/dev/
mkdir $1/dev/shm
mount -t tmpfs tmp $1/tmp
if [ -e /dev/$2 ]; then cp -a /dev/$2 $1/dev/; ln -sf $2 $1/dev/kvm 2>/dev/null || true; fi
cd $1
exec chroot . /bin/sh -c 'cd /root; export PATH=/bin:/sbin HOME=/root; exec sh /etc/command'
"""


def _modprobe(request):
    if request.hypervisor == "kvm":
        subprocess.run(["modprobe", "kvm-intel", "nested=1"], check=True)
    elif request.hypervisor == "nvmx":
        subprocess.run(["modprobe", "irqbypass"], check=False)
        args = request.module_args.split()
        subprocess.run(["insmod", request.module_path, *args], check=True)


def run_on_host(folder, request):
    """Load the hypervisor, run the command, unload.  Return the command's status."""
    if os.geteuid() != 0:
        raise TestbedError("TESTBED=host needs root")
    tree = base_tree(None, request.qemu)
    add_request(tree, request, Tree())
    root = os.path.join(folder, "root")
    os.mkdir(root)
    tree.write_folder(root)
    _modprobe(request)
    try:
        node = "nvmx" if request.hypervisor == "nvmx" else "kvm"
        enter = ["unshare", "--mount", "sh", "-c", ENTER, "sh", root, node]
        return subprocess.run(enter, check=False).returncode
    finally:
        if request.hypervisor == "nvmx" and os.path.exists("/sys/module/nvmx"):
            subprocess.run(["rmmod", "nvmx"], check=False)
