# SPDX-License-Identifier: GPL-2.0-only
"""What is read out of a run: rows, the traced round trip, and where its instructions go."""
