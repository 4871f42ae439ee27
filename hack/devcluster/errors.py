"""What can go wrong with a cluster, each as one message that a person can act upon."""

from pathlib import Path


class ClusterError(Exception):
    """The development cluster cannot do what was asked; the message says why and what helps."""


class ProgramMissingError(ClusterError):
    """A program of the control plane is nowhere to be found."""


class BuildError(ClusterError):
    """The programs could not be built from source."""


class DeadlineError(ClusterError):
    """Something that was waited for did not happen in time."""


class ProcessError(ClusterError):
    """A program of the control plane ended, or never became ready.

    The message carries the last lines of its log, because that is what the person looks for next.
    """

    def __init__(self, program: str, what: str, *, log: Path, tail: str, hint: str | None = None) -> None:
        self.program = program
        self.tail = tail
        parts = [f"{program} {what}. The last lines of {log}:", _indented(tail)]
        if hint:
            parts.append(f"Hint: {hint}")
        super().__init__("\n".join(parts))


class PortTakenError(ProcessError):
    """Somebody else listens where the program was told to."""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()) or "    (the log is empty)"
