"""The Instance that is asked about: stored, or only written down."""

import sys
from pathlib import Path
from typing import Any

import yaml

from hypertally.api.decode import decode
from hypertally.api.instance import Instance
from hypertally.api.names import API_VERSION
from hypertally.kube.kinds import INSTANCE, Ref
from hypertally.serving.options import UsageError

from .cluster import Cluster

STDIN = "-"


async def stored_instance(cluster: Cluster, name: str) -> Instance:
    """`name`, or `namespace/name`. May raise any KubeError, and MalformedObject."""
    namespace, _, plain = name.rpartition("/")
    return decode(await cluster.client.get(Ref(INSTANCE, plain, namespace or cluster.namespace)), Instance)


def read_instance(filename: str) -> Instance:
    """The one Instance of a manifest. Raises UsageError, and MalformedObject for one with wrong fields."""
    found = [each for each in _documents(filename) if isinstance(each, dict) and each.get("kind") == INSTANCE.kind]
    if len(found) != 1:
        raise UsageError(f"{filename}: {len(found)} Instances; exactly one is needed")
    (body,) = found
    if body.get("apiVersion") != API_VERSION:
        raise UsageError(f"{filename}: apiVersion is {body.get('apiVersion')!r}; allowed is {API_VERSION}")
    return decode({key: value for key, value in body.items() if key != "status"}, Instance)


def _documents(filename: str) -> list[Any]:
    try:
        text = sys.stdin.read() if filename == STDIN else Path(filename).read_text(encoding="utf-8")
        return [part for whole in yaml.safe_load_all(text) for part in _items(whole)]
    except OSError as error:
        raise UsageError(f"{filename}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{filename} is no YAML: {' '.join(str(error).split())}") from error


def _items(document: Any) -> list[Any]:
    """A List is what `kubectl get -o yaml` prints of several."""
    if isinstance(document, dict) and document.get("kind") == "List":
        items = document.get("items")
        return items if isinstance(items, list) else []
    return [document]
