"""Documents of hosts that no test machine is: constructed from libvirt's public schemas, not copied from anywhere."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "hypervisor" / "recordings"
CAPABILITIES = sorted(path.stem for path in (FOLDER / "capabilities").glob("*.xml"))


def capabilities(name: str) -> str:
    return (FOLDER / "capabilities" / f"{name}.xml").read_text()
