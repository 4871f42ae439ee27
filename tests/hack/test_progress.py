"""Progress a person can follow on a terminal, and that does not flood a log."""

from io import StringIO

from devcluster.progress import QUIET, Console, elapsed


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_steps_replace_each_other_on_a_terminal() -> None:
    terminal = Terminal()
    console = Console(terminal)

    console.step("1 of 2")
    console.step("2 of 2")
    console.say("done")

    assert terminal.getvalue() == "\r\033[K1 of 2\r\033[K2 of 2\ndone\n"


def test_steps_are_thinned_out_elsewhere() -> None:
    now = [0.0]
    log = StringIO()
    console = Console(log, clock=lambda: now[0])

    for second in range(int(QUIET) + 1):
        now[0] = float(second)
        console.step(f"at {second}")

    assert log.getvalue() == f"at 0\nat {int(QUIET)}\n"


def test_elapsed_time_is_in_minutes_and_seconds() -> None:
    assert elapsed(10.0, 197.9) == "3m07s"
