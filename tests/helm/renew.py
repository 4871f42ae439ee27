"""`python -m tests.helm.renew`: writes the snapshots anew, for a person to review."""

from tests.helm.chart import SNAPSHOTS, VALUES, snapshot


def main() -> None:
    for old in SNAPSHOTS.glob("*.yaml"):
        old.unlink()
    for values in VALUES:
        (SNAPSHOTS / values.name).write_text(snapshot(values))


if __name__ == "__main__":
    main()
