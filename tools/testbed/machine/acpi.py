# SPDX-License-Identifier: GPL-2.0-only
"""
The ACPI table that tells which memory and processors belong together (SRAT): NUMA nodes.

Linux takes tables that its firmware does not have from the initramfs.
"""

import struct

PATH = "/kernel/firmware/acpi/srat.aml"
HEADER = "<4sIBB6s8sI4sI"
MB = 1 << 20
GIB = 1 << 10               # in MB
ENABLED = 1


def _memory(node, start, end):
    return struct.pack("<BBIHQQIIQ", 1, 40, node, 0, start, end - start, 0, ENABLED, 0)


def _processor(node, apic_id):
    return struct.pack("<BBBBIB3sI", 0, 16, node, apic_id, ENABLED, 0, b"\0\0\0", 0)


def srat(nodes, processors, megabytes):
    """Make the table: nodes of one size, of whole GiB if they are that large; the last has the rest."""
    size = megabytes // nodes
    if size > GIB:
        size -= size % GIB
    ends = [size * node * MB for node in range(1, nodes)] + [1 << 40]
    starts = [0] + ends[:-1]
    body = struct.pack("<IQ", 1, 0)
    body += b"".join(_memory(node, *span) for node, span in enumerate(zip(starts, ends)))
    body += b"".join(_processor(cpu % nodes, cpu) for cpu in range(processors))
    table = struct.pack(HEADER, b"SRAT", struct.calcsize(HEADER) + len(body), 1, 0, b"NVMX  ",
                        b"TESTBED ", 1, b"NVMX", 1) + body
    checksum = -sum(table) % 256
    return table[:9] + bytes([checksum]) + table[10:]
