"""How the agent is told which devices it offers."""

import pytest

from hypertally.agent.options import parse
from hypertally.serving.options import UsageError

ARGUMENTS = ("--once", "--connection=test:///default")


def test_the_flag_may_be_repeated_and_the_order_is_kept() -> None:
    flags = ('--device-spec={"vendor_id": "8086", "trusted": true}', '--device-spec={"address": "0a:00.*"}')
    one, other = parse([*ARGUMENTS, *flags], {}).audit.device_spec
    assert (one.vendor_id, one.tags) == ("8086", {"trusted": "true"})
    assert other.vendor_id == ""


@pytest.mark.parametrize(
    ("text", "vendors"),
    [
        ('[{"vendor_id": "8086"}, {"vendor_id": "15b3"}]', ["8086", "15b3"]),
        ('{"vendor_id": "8086"}', ["8086"]),
        ("", []),
    ],
)
def test_the_variable_holds_a_list_or_one_entry(text: str, vendors: list[str]) -> None:
    found = parse(ARGUMENTS, {"HYPERTALLY_DEVICE_SPEC": text}).audit.device_spec
    assert [spec.vendor_id for spec in found] == vendors


def test_without_it_no_device_is_offered() -> None:
    assert parse(ARGUMENTS, {}).audit.device_spec == ()


@pytest.mark.parametrize(
    ("flags", "environ", "source"),
    [
        (['--device-spec={"product_id": "g000"}'], {}, "--device-spec"),
        ([], {"HYPERTALLY_DEVICE_SPEC": '[{"product_id": "g000"}]'}, "HYPERTALLY_DEVICE_SPEC"),
    ],
)
def test_p34_a_mistake_names_the_source_the_entry_the_field_and_what_is_allowed(
    flags: list[str], environ: dict[str, str], source: str
) -> None:
    with pytest.raises(UsageError) as refused:
        parse([*ARGUMENTS, *flags], environ)
    assert str(refused.value) == (
        f'{source}: device spec {{"product_id": "g000"}}: product_id \'g000\' is none; '
        "allowed are texts of hexadecimal 0 to ffff, or *"
    )


@pytest.mark.parametrize("text", ["eth3", '[{"vendor_id": "8086"]'])
def test_a_variable_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"HYPERTALLY_DEVICE_SPEC: device spec .* is no JSON"):
        parse(ARGUMENTS, {"HYPERTALLY_DEVICE_SPEC": text})
