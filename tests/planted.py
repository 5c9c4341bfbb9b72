"""A fault that only who sees which lines are reached finds: for the test that the fuzzing finds what is broken."""

from bench.proof.targets import Target


def judged(raw: bytes) -> None:
    """Fail on what begins with "Rat!", letter by letter."""
    if raw[:1] == b"R":  # noqa: SIM102
        if raw[1:2] == b"a":  # noqa: SIM102
            if raw[2:3] == b"t":
                assert raw[3:4] != b"!", "planted"


TARGETS = {"planted": Target(lambda: [b"nothing"], judged)}
