# SPDX-License-Identifier: GPL-2.0-only
"""The machine that nvmx is tested on: initramfs, disk, Bochs, or the host itself."""
