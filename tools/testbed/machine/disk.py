# SPDX-License-Identifier: GPL-2.0-only
"""
The disk that Bochs boots: FAT32 with SYSLINUX, kernel and two initramfs archives.

The first archive (busybox, stock modules, QEMU) is the same for many runs.  A template disk
that holds it is cached by the hash of its content.  Each run works on a private copy, to which
the second archive and the kernel's arguments are added.
"""

import hashlib
import io
import os
import shutil
import subprocess
import tempfile
import time

from .archive import Tree
from .root import add_request, base_tree, read

LAYOUT = b"1"               # change it when templates of older versions must not be used
DISK_SIZE = 1 << 30         # sparse
KEEP_SECONDS = 14 * 24 * 3600

# The crypto self-tests (RSA by long multiplication) are half of a boot in Bochs.
KERNEL_ARGS = ("console=ttyS0,115200 quiet mitigations=off tsc=reliable nokaslr panic=0 "
               "no_timer_check 8250.nr_uarts=1 cryptomgr.notests")


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.join(base, "nvmx-testbed")
    os.makedirs(path, exist_ok=True)
    return path


def cpio_bytes(tree):
    out = io.BytesIO()
    tree.write_cpio(out)
    return out.getvalue()


def initrd(kernel, request):
    """One archive with everything, for a guest of a guest."""
    tree = base_tree(kernel, request.qemu)
    add_request(tree, request)
    return cpio_bytes(tree)


def _tool(*command, **kwargs):
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1", SOURCE_DATE_EPOCH="1700000000")
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL, **kwargs)


def _put(disk, data, name):
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(disk)) as f:
        f.write(data)
        f.flush()
        _tool("mcopy", "-o", "-i", disk, f.name, f"::/{name}")


def _make_template(path, kernel, archive):
    scratch = tempfile.mkdtemp(prefix="making.", dir=os.path.dirname(path))
    try:
        disk = os.path.join(scratch, "disk")
        with open(disk, "wb") as f:
            f.truncate(DISK_SIZE)
        _tool("mkfs.fat", "-F", "32", "-n", "NVMX", "-i", "4e564d58", disk)
        _put(disk, read(kernel.image), "vmlinuz")
        _put(disk, archive, "base")
        _tool("syslinux", "--install", disk)
        os.rename(disk, path)
    finally:
        shutil.rmtree(scratch)


def _drop_old_templates(folder):
    limit = time.time() - KEEP_SECONDS
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.endswith(".disk") and os.stat(path).st_mtime < limit:
            os.unlink(path)


def _template(kernel, tree):
    archive = cpio_bytes(tree)
    key = hashlib.sha256(LAYOUT + read(kernel.image) + archive).hexdigest()[:24]
    folder = cache_folder()
    path = os.path.join(folder, f"{key}.disk")
    if not os.path.exists(path):
        _drop_old_templates(folder)
        _make_template(path, kernel, archive)
    os.utime(path)
    return path


def make_disk(path, kernel, request, append):
    """Make the private disk of one run."""
    base = base_tree(kernel, request.qemu)
    overlay = Tree()
    add_request(overlay, request, base)
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", _template(kernel, base), path],
                   check=True)
    _put(path, cpio_bytes(overlay), "run")
    menu = ("default l\nlabel l\n kernel /vmlinuz\n initrd /base,/run\n"
            f" append {KERNEL_ARGS} {append}\n")
    _put(path, menu.encode(), "syslinux.cfg")
