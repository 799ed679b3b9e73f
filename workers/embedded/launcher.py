"""Become a server that dies with its parent: `python -I -S launcher.py PARENT SIGNAL UID GID PROGRAM ARG…`.

A program of its own, because setuid clears the parent-death signal: it is asked for after the rights were dropped and
before the exec. UID and GID are -1 where the user stays the same. Imports nothing after the rights were dropped.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, signal: int, uid: int, gid: int, program: list[str]) -> None:
    """Drop the rights, tie this process to *parent*, and exec *program*; does not return."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before the signal was asked for
        sys.exit("the starting process is gone")
    os.execv(program[0], program)  # noqa: S606 - the caller names the program by its full path


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:5]]
    become(numbers[0], numbers[1], numbers[2], numbers[3], sys.argv[5:])
