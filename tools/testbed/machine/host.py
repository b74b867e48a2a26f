# SPDX-License-Identifier: GPL-2.0-only
"""
Run the same root and command directly on a host that has VMX (TESTBED=host).

The root is unpacked into a folder and entered by chroot in a mount namespace of its own, so
that paths are those of the guest and nothing stays mounted.  It needs root.  The command is a
process group of its own, which ends with the run; then the module is unloaded.
"""

import contextlib
import os
import signal
import subprocess
import time

from .archive import Tree
from .errors import TIME_LIMIT, TestbedError
from .root import add_request, base_tree

# Busybox has the options that are used here, too.
ENTER = """
set -e
for d in proc sys dev; do mount -o rbind /$d $1/$d; done
mount -t tmpfs dev $1/dev
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty $1/dev/
mkdir $1/dev/shm
mount -t tmpfs tmp $1/tmp
if [ -e /dev/$2 ]; then cp -a /dev/$2 $1/dev/; fi
[ -e $1/dev/kvm ] || ln -s $2 $1/dev/kvm
cd $1
exec chroot . /bin/sh -c 'cd /root; export PATH=/bin:/sbin HOME=/root; exec sh /etc/command'
"""

LEVEL_WARNING = 4
UNLOAD_SECONDS = 5      # a killed VMM may take a moment to close


def _run(*command):
    if subprocess.run(command, check=False).returncode:
        raise TestbedError(f"{' '.join(command)} failed")


def _is_loaded(module):
    return os.path.exists(f"/sys/module/{module}")


def _load_nvmx(request):
    if not _is_loaded("irqbypass"):
        _run("modprobe", "irqbypass")
    _run("insmod", request.module_path, *request.module_args.split())


def _load_kvm(request):
    _run("modprobe", "kvm-intel", "nested=1", *request.module_args.split())


def _unload(module):
    deadline = time.monotonic() + UNLOAD_SECONDS
    while subprocess.run(["rmmod", module], check=False, stderr=subprocess.DEVNULL).returncode:
        if time.monotonic() > deadline:
            raise TestbedError(f"{module} cannot be unloaded")
        time.sleep(0.1)


HYPERVISORS = {"nvmx": ("nvmx", _load_nvmx), "kvm": ("kvm_intel", _load_kvm)}


@contextlib.contextmanager
def _hypervisor(request):
    """Load what was asked for, and unload it at the end; a KVM that is there already stays."""
    module, load = HYPERVISORS.get(request.hypervisor, (None, None))
    if module is None or (module == "kvm_intel" and _is_loaded(module)):
        yield
        return
    load(request)
    try:
        yield
    finally:
        if _is_loaded(module):      # the command may have unloaded it
            _unload(module)


@contextlib.contextmanager
def _kernel_warnings():
    """Show what the kernel warns of meanwhile, as the console of Bochs does."""
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.lseek(log, 0, os.SEEK_END)
        yield
    finally:
        with contextlib.suppress(BlockingIOError):
            while True:
                prefix, _, text = os.read(log, 8192).decode(errors="replace").partition(";")
                if int(prefix.split(",")[0]) & 7 <= LEVEL_WARNING:
                    print(text.splitlines()[0], flush=True)
        os.close(log)


def _enter(root, node, timeout):
    """Run the command in the root; return its status.  None of its processes stays."""
    command = ["unshare", "--mount", "sh", "-c", ENTER, "sh", root, node]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            status = process.wait(timeout)
            return status if status >= 0 else 128 - status
        except subprocess.TimeoutExpired:
            return TIME_LIMIT
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def run_on_host(folder, request, timeout):
    """Load the hypervisor, run the command, unload.  Return the command's status."""
    if os.geteuid() != 0:
        raise TestbedError("TESTBED=host needs root")
    tree = base_tree(None, request.qemu)
    add_request(tree, request, Tree())
    root = os.path.join(folder, "root")
    os.mkdir(root)
    tree.write_folder(root)
    node = "nvmx" if request.hypervisor == "nvmx" else "kvm"
    with _kernel_warnings(), _hypervisor(request):
        return _enter(root, node, timeout)
