"""Every alert has a test, and a page that says what to do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from devprometheus import ALERTS, find

ROOT = Path(__file__).resolve().parents[2]
RULES = Path(__file__).with_name("rules")

Object = dict[str, Any]

ALERT: dict[str, Object] = {
    rule["alert"]: rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
}
by_alert = pytest.mark.parametrize("name", ALERT)

#: What a runbook has to say, in this order.
HEADINGS = ["What it means", "Why it matters", "How to look", "How to mend it", "How to silence it"]


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run([find("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_ones_that_prometheus_takes() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", ALERTS)


@by_alert
def test_it_fires_when_it_should_and_only_then(name: str) -> None:
    promtool("test", "rules", RULES / f"{name}.test.yaml")


@by_alert
def test_its_test_sees_it_fire_and_not_fire(name: str) -> None:
    checks = [
        check
        for test in yaml.safe_load((RULES / f"{name}.test.yaml").read_text())["tests"]
        for check in test["alert_rule_test"]
        if check["alertname"] == name
    ]

    assert {bool(check["exp_alerts"]) for check in checks} == {True, False}


def test_there_is_no_test_of_an_alert_that_is_gone() -> None:
    assert {path.name.partition(".")[0] for path in RULES.iterdir()} == ALERT.keys()


@by_alert
def test_it_says_how_bad_it_is_and_waits_before_it_does(name: str) -> None:
    assert ALERT[name]["labels"].keys() == {"severity"}
    assert ALERT[name]["labels"]["severity"] in ("critical", "warning", "info")
    assert re.fullmatch(r"\d+[mh]", ALERT[name]["for"])


@by_alert
def test_it_leads_to_a_runbook_that_answers_every_question(name: str) -> None:
    page = ROOT / ALERT[name]["annotations"]["runbook_url"]

    assert page == ROOT / "docs" / "runbooks" / f"{name}.md"
    assert re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE) == HEADINGS
    assert page.read_text().startswith(f"# {name}\n")


def test_no_runbook_is_of_an_alert_that_is_gone() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}

    assert pages - {"README"} == ALERT.keys()
