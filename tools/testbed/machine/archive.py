# SPDX-License-Identifier: GPL-2.0-only
"""A file tree in memory, written as a reproducible newc cpio archive or into a folder."""

import os
import stat

# Debian's merged /usr: one tree of libraries, whatever path they were asked for by.
MERGED = ("bin", "sbin", "lib", "lib64")


def canonical(path):
    """Name a path of the guest the way the tree stores it: relative, below usr."""
    path = os.path.normpath("/" + path).lstrip("/")
    return f"usr/{path}" if path.split("/")[0] in MERGED else path


class Tree:
    """Folders, files and symlinks by their path in the guest."""

    def __init__(self):
        self.nodes = {}     # path -> (mode, bytes)

    def folder(self, path):
        path = canonical(path)
        if path and path not in self.nodes:
            self.folder(os.path.dirname(path))
            self.nodes[path] = (stat.S_IFDIR | 0o755, b"")

    def file(self, path, data, mode=0o755):
        path = canonical(path)
        self.folder(os.path.dirname(path))
        self.nodes[path] = (stat.S_IFREG | mode, data)

    def symlink(self, path, target):
        """Make a symlink; here the path is taken as it is."""
        self.folder(os.path.dirname(path))
        self.nodes[path] = (stat.S_IFLNK | 0o777, target.encode())

    def has(self, path):
        return canonical(path) in self.nodes

    def write_cpio(self, out):
        """Write the archive; the same tree gives the same bytes."""
        for inode, path in enumerate(sorted(self.nodes), start=1):
            _write_entry(out, inode, path, *self.nodes[path])
        _write_entry(out, 0, "TRAILER!!!", 0, b"")

    def write_folder(self, root):
        for path in sorted(self.nodes):
            mode, data = self.nodes[path]
            full = os.path.join(root, path)
            if stat.S_ISDIR(mode):
                os.makedirs(full, exist_ok=True)
            elif stat.S_ISLNK(mode):
                os.symlink(data.decode(), full)
            else:
                with open(full, "wb") as f:
                    f.write(data)
                os.chmod(full, stat.S_IMODE(mode))


def _write_entry(out, inode, path, mode, data):
    name = path.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    out.write(header + b"\0" * (-len(header) % 4))
    out.write(data)
    out.write(b"\0" * (-len(data) % 4))
