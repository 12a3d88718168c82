"""What can go wrong on a developer's machine.

DevstackError
├── MissingPrerequisite   something must be installed first; the text names it and how to get it
├── PortTaken             another program listens where ours should
├── NotOurs               asked to kill or pause what we were only given the address of
└── ProcessFailed         a process we started ended or never became ready; carries its last log lines
"""

from __future__ import annotations


class DevstackError(Exception):
    """Base of everything this package raises on purpose; its text is meant for the person at the keyboard."""


class MissingPrerequisite(DevstackError):
    """A program or package is not installed; the text says which and how to get it."""


class PortTaken(DevstackError):
    """A port is in use by somebody else."""


class NotOurs(DevstackError):
    """The backend was given by address, so it is not ours to stop, kill or pause."""


class ProcessFailed(DevstackError):
    """A process ended early or was not ready in time; the text ends with the tail of its log."""
