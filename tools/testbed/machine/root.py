# SPDX-License-Identifier: GPL-2.0-only
"""What is in the guest's root: busybox, kernel modules, QEMU, and what a run asks for."""

import os
import re
import shutil
import subprocess

from .archive import Tree
from .errors import TestbedError

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPO = os.path.dirname(os.path.dirname(HERE))

STOCK_MODULES = ("irqbypass", "kvm", "kvm-intel")

QEMU = "/usr/bin/qemu-system-x86_64"
# All that QEMU 7.2 reads to start pc, q35 and microvm with a kernel, or a payload, on the command line.
QEMU_FIRMWARE = (
    "/usr/share/seabios/bios-256k.bin",
    "/usr/share/seabios/bios-microvm.bin",
    "/usr/share/qemu/qboot.rom",
    "/usr/share/qemu/kvmvapic.bin",
    "/usr/share/qemu/linuxboot.bin",
    "/usr/share/qemu/linuxboot_dma.bin",
    "/usr/share/qemu/multiboot.bin",
    "/usr/share/qemu/multiboot_dma.bin",
    "/usr/share/qemu/pvh.bin",
)


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        raise TestbedError(str(e)) from e


def base_tree(kernel, with_qemu):
    """The part of the root that does not change from run to run; no @kernel: no stock modules."""
    tree = Tree()
    for folder in ("proc", "sys", "dev", "tmp", "root", "etc", "run", "usr/lib64", "usr/sbin"):
        tree.folder(folder)
    for name in ("bin", "sbin", "lib", "lib64"):
        tree.symlink(name, f"usr/{name}")
    _add_busybox(tree)
    for name in STOCK_MODULES if kernel else ():
        tree.file(f"lib/modules/{name}.ko", kernel.module(name), 0o644)
    tree.file("init", read(os.path.join(HERE, "init")))
    if with_qemu:
        add_program(tree, QEMU)
        for path in QEMU_FIRMWARE:
            tree.file(f"usr/share/qemu/{os.path.basename(path)}", read(path), 0o644)
    return tree


def _add_busybox(tree):
    busybox = shutil.which("busybox") or "/bin/busybox"
    tree.file("bin/busybox", read(busybox))
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True)
    for name in applets.stdout.split():
        if name != "busybox":
            tree.symlink(f"usr/bin/{name}", "busybox")


def add_program(tree, path, base=None):
    """Add a program as /bin/NAME, and its shared libraries unless @base has them."""
    tree.file(f"bin/{os.path.basename(path)}", read(path))
    libraries = subprocess.run(["ldd", path], check=False, capture_output=True, text=True)
    for library in re.findall(r"(/\S+) \(0x", libraries.stdout):
        if not (base and base.has(library)):
            tree.file(library, read(library))


def add_request(tree, request, base=None):
    """Add what one run asks for: module, programs, files, settings and the command."""
    if request.hypervisor == "nvmx":
        tree.file("lib/modules/nvmx.ko", read(request.module_path), 0o644)
    for path in request.progs:
        add_program(tree, path, base)
    for source, target in request.files:
        add_path(tree, source, target)
    tree.file("etc/testbed", request.settings().encode(), 0o644)
    tree.file("etc/command", request.command.encode() + b"\n", 0o644)


def add_path(tree, source, target):
    """Add a file, or a folder with all that is in it."""
    if not os.path.isdir(source):
        tree.file(target, read(source), os.stat(source).st_mode & 0o777 if os.path.exists(source) else 0o644)
        return
    for name in sorted(os.listdir(source)):
        add_path(tree, os.path.join(source, name), os.path.join(target, name))
