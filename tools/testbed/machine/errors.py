# SPDX-License-Identifier: GPL-2.0-only
"""How a run can end other than by the guest's own exit status."""

CRASHED = 121       # panic, oops or BUG on the console
HUNG = 122          # nothing on the console for --idle seconds
NO_STATUS = 123     # the machine stopped before the command had ended
TIME_LIMIT = 124    # --timeout is over
BROKEN = 125        # the testbed itself could not do its work


class TestbedError(Exception):
    """The testbed cannot do what was asked; the text is for the user."""
