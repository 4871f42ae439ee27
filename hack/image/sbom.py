"""The software bill of materials of one image, CycloneDX: Python's packages and Debian's.

`python -m image.sbom agent|controller FILE <PACKAGES`, within the image's build. Python's are read from the lock file
that the image is installed from, Debian's from what dpkg-query says of it: lines of name, version and architecture. The
same of both give the same bytes: no time and no serial number.
"""

import json
import platform
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def write(program: str, target: Path, packages: str, root: Path = Path()) -> None:
    """Of the tree at `root`, which has pyproject.toml and requirements/."""
    target.parent.mkdir(parents=True, exist_ok=True)
    locked = (root / "requirements" / f"{program}.txt").read_text()
    target.write_text(render(program, locked, (root / "pyproject.toml").read_text(), packages))


def render(program: str, locked: str, project: str, packages: str) -> str:
    """As JSON of CycloneDX 1.6."""
    parts = [*_components(locked), *_of_the_system(packages)]
    whole = _whole(program, project)
    bom = Bom(components=parts, dependencies=[Dependency(whole.bom_ref, [Dependency(part.bom_ref) for part in parts])])
    bom.metadata.component = whole
    return _timeless(JsonV1Dot6(bom).output_as_string())


def _whole(program: str, project: str) -> Component:
    told = tomllib.loads(project)["project"]
    return Component(
        name=f"{told['name']}-{program}",
        type=ComponentType.APPLICATION,
        version=told["version"],
        bom_ref=f"{told['name']}-{program}",
        description=told["description"],
        licenses=[LicenseExpression(told["license"])],
    )


def _components(locked: str) -> Iterator[Component]:
    """What is installed on this kind of machine: a lock file has lines for others, too."""
    for line in locked.replace("\\\n", " ").splitlines():
        text = line.split(" --hash", 1)[0].strip()
        if not text or text.startswith("#"):
            continue
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            yield _component(requirement, _HASH.findall(line))


def _component(requirement: Requirement, hashes: list[str]) -> Component:
    version = str(requirement.specifier).removeprefix("==")
    purl = PackageURL("pypi", name=requirement.name, version=version)
    # Of each of its distributions, the one for this machine among them.
    known = [HashType(alg=HashAlgorithm.SHA_256, content=content) for content in hashes]
    origin = ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(purl)), hashes=known)
    return Component(
        name=requirement.name, version=version, purl=purl, bom_ref=str(purl), external_references=[origin]
    )  # fmt: skip


def _of_the_system(packages: str) -> Iterator[Component]:
    """Of this machine's distribution, which is the image's: both are of one base."""
    told = platform.freedesktop_os_release()
    for line in packages.splitlines():
        name, version, architecture = line.split()
        qualifiers = {"arch": architecture, "distro": f"{told['ID']}-{told.get('VERSION_ID', 'unstable')}"}
        purl = PackageURL("deb", told["ID"], name, version, qualifiers)
        yield Component(name=name, version=version, purl=purl, bom_ref=str(purl), type=ComponentType.LIBRARY)


def _timeless(text: str) -> str:
    """Without what the library draws anew each time."""
    bill = json.loads(text)
    bill.pop("serialNumber", None)
    bill["metadata"].pop("timestamp", None)
    return json.dumps(bill, indent=2) + "\n"


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]), sys.stdin.read())
