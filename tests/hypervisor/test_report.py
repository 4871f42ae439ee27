"""One snapshot, one report: the same for the same host, whatever the order, and never a zero for what is unknown."""

from dataclasses import replace
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import AMOUNT_MAX, GUESTS_MAX
from hypertally.api.compute_node import Guest, GuestState, Report, ReportContent
from hypertally.hypervisor.errors import InventoryUnreadable
from hypertally.hypervisor.facts import CpuMap, DiskSpace, GuestFacts, Unread
from hypertally.hypervisor.report import report
from hypertally.hypervisor.settings import AuditSettings
from tests.support.recordings import CAPABILITIES, capabilities
from tests.support.snapshots import MIB, as_read, guest, snapshot, uuid_of


def problems_of(changed: dict[str, object], last: ReportContent | None = None) -> list[str]:
    return [str(problem) for problem in report(snapshot(**changed), last).problems]


def test_a_healthy_host_is_told_whole() -> None:
    audit = report(snapshot(guests=(guest(2, active=False), guest(1, vcpu__current=3, vcpu__maximum=4))))
    content = audit.content
    assert content.capacity == Amounts(vcpus=8, memory_mib=16384, disk_mib=1000)
    assert content.measured == Amounts(vcpus=3, memory_mib=4096, disk_mib=200)
    assert [one.uuid for one in content.guests] == [uuid_of(1), uuid_of(2)]
    assert (audit.problems, audit.remarks) == ((), ())


def test_m2_where_the_driver_does_not_measure_memory_its_active_guests_are_added_up() -> None:
    sizes = (4096, 2048, 1024, 1024)
    running = [guest(number, balloon__current=mib * 1024) for number, mib in enumerate(sizes)]
    rests = guest(9, active=False, balloon__current=512 * 1024)
    content = report(snapshot(memory_kib=None, guests=(*running, rests))).content
    assert content.measured is not None
    assert content.measured.memory_mib == 8192


LEAST = "diskAvailableLeastMiB: disks of the guests: no"


@pytest.mark.parametrize(
    ("changed", "problems"),
    [
        ({"cpu_map": Unread("no")}, ["capacity pcpus: no", "capacity vcpus: no", "numaCells: no"]),
        ({"memory_kib": Unread("no")}, ["capacity memoryMiB: no", "measured memoryMiB: no"]),
        (
            {"disk_space": Unread("no")},
            ["capacity diskMiB: no", "diskAvailableLeastMiB: no", "measured diskMiB: no"],
        ),
        ({"storage_pools": Unread("no")}, ["storagePools: no"]),
        ({"guests": Unread("no")}, [LEAST, "guests: no", "measured pcpus: no", "measured vcpus: no"]),
        (
            {"guests": Unread("no"), "memory_kib": None},
            [LEAST, "guests: no", "measured memoryMiB: no", "measured pcpus: no", "measured vcpus: no"],
        ),
    ],
)
def test_an_unreadable_part_keeps_its_last_known_value_and_is_named(
    changed: dict[str, object], problems: list[str]
) -> None:
    last = report(snapshot(guests=(guest(1),))).content
    assert report(snapshot(**{"guests": (guest(1),), **changed}), last).content == last
    assert sorted(problems_of({"guests": (guest(1),), **changed}, last)) == problems


def test_a_capacity_that_never_was_whole_is_absent_and_not_zero() -> None:
    audit = report(snapshot(disk_space=Unread("/images does not exist")))
    assert audit.content.capacity is None
    assert audit.content.measured is None
    assert audit.content.disk_available_least_mib is None
    assert [problem.part for problem in audit.problems] == [
        "capacity diskMiB",
        "measured diskMiB",
        "diskAvailableLeastMiB",
    ]


def test_guests_that_never_could_be_listed_are_no_empty_list() -> None:
    with pytest.raises(InventoryUnreadable, match=r"guests cannot be listed \(no\)"):
        report(snapshot(guests=Unread("no")))


def test_a_guest_that_is_gone_is_not_remembered() -> None:
    last = report(snapshot(guests=(guest(1), guest(2)))).content
    assert [one.uuid for one in report(snapshot(guests=(guest(2),)), last).content.guests] == [uuid_of(2)]


def test_the_last_report_may_carry_its_number() -> None:
    content = report(snapshot(guests=(guest(1),))).content
    numbered = Report(generation=7, **{name: getattr(content, name) for name in content.__struct_fields__})
    assert report(snapshot(guests=(guest(1),)), numbered).content == content


def test_more_guests_than_fit_are_counted_and_added_up() -> None:
    content = report(snapshot(guests=tuple(guest(number) for number in range(GUESTS_MAX + 2)))).content
    assert (len(content.guests), content.guests_omitted) == (GUESTS_MAX, 2)
    assert content.omitted_resources == Amounts(vcpus=2, memory_mib=64, disk_mib=0)


def test_an_odd_host_is_remarked_upon_but_complete() -> None:
    audit = report(snapshot(memory_kib={"total": 24105 * 1024, "free": 20000 * 1024}))
    assert audit.problems == ()
    assert audit.remarks == ("memory: virNodeGetMemoryStats says 24105 MiB (used), virNodeGetInfo 16384 MiB",)


def test_m3_novas_value_of_file_backed_memory_is_the_files_size() -> None:
    files = AuditSettings(file_backed_memory_mib=1048576)
    sizes = (4096, 2048, 1024, 1024)
    running = tuple(guest(number, balloon__current=mib * 1024) for number, mib in enumerate(sizes))
    content = report(snapshot(settings=files, guests=running)).content
    assert content.capacity is not None
    assert content.measured is not None
    assert (content.capacity.memory_mib, content.measured.memory_mib) == (1048576, 8192)


def test_pcpus_are_counted_beside_vcpus() -> None:
    pinned = "<domain><cputune><vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu='1' cpuset='5'/></cputune></domain>"
    sets = AuditSettings(cpu_shared_set=frozenset({0, 1, 2, 3}), cpu_dedicated_set=frozenset({4, 5, 6}))
    guests = (
        guest(1, vcpu__maximum=3, vcpu__current=3, document=pinned),
        guest(2, active=False, vcpu__maximum=2, document=pinned),
        guest(3, vcpu__maximum=4, vcpu__current=2),
    )
    content = report(snapshot(settings=sets, guests=guests)).content
    assert content.capacity is not None
    assert content.measured is not None
    assert (content.capacity.vcpus, content.capacity.pcpus) == (4, 3)
    assert [(one.vcpus, one.pcpus, one.pinned_cpus) for one in content.guests] == [
        (1, 2, "4-5"),
        (0, 2, "4-5"),
        (4, 0, ""),
    ]
    assert (content.measured.vcpus, content.measured.pcpus) == (1 + 2, 2)


def test_a_cpu_that_is_off_is_named_beside_the_amounts() -> None:
    sets = AuditSettings(cpu_dedicated_set=frozenset({7, 8}))
    audit = report(snapshot(settings=sets))
    assert audit.content.capacity is not None
    assert (audit.content.capacity.vcpus, audit.content.capacity.pcpus) == (0, 1)
    assert [str(problem) for problem in audit.problems] == [
        "capacity pcpus: CPUs 8 of the dedicated set 7-8 are not online"
    ]


def test_m4_xens_domain_0_is_the_host_and_no_guest_but_its_memory_is_in_use() -> None:
    host_itself = replace(guest(balloon__current=1024 * 1024), uuid="00000000-0000-0000-0000-000000000000")
    seen = snapshot(driver="Xen", memory_kib=None, guests=(host_itself, guest(1, balloon__current=512 * 1024)))
    content = report(seen).content
    assert [one.uuid for one in content.guests] == [uuid_of(1)]
    assert content.measured is not None
    assert content.measured.memory_mib == 1536


@pytest.mark.parametrize("part", ["cpu", "guest_types", "numa_cells", "measured_pages"])
def test_an_unreadable_part_of_the_inventory_stays_as_it_was(part: str) -> None:
    document = capabilities("intel-2-sockets-smt")
    whole = report(snapshot(capabilities=document, free_pages={0: {2048: 1000}})).content
    assert getattr(whole, part)
    spoilt = document.replace("id='8'", "id='x'").replace("cores='4'", "cores='x'")
    seen = report(snapshot(capabilities=spoilt, free_pages=Unread("no")), whole)
    assert getattr(seen.content, part) == getattr(whole, part)
    assert {"cpu", "numaCells", "measuredPages"} <= {problem.part for problem in seen.problems}


@pytest.mark.parametrize("name", CAPABILITIES)
def test_every_recorded_host_is_the_same_report_again_without_a_problem(name: str) -> None:
    seen = snapshot(capabilities=capabilities(name), cpu_map=CpuMap(16, frozenset(range(16))))
    first = report(seen)
    assert first.problems == ()
    assert report(seen, first.content).content == first.content


# What is measured never stands still, and must not be news each time.


def test_a_measured_amount_that_moves_a_little_is_no_change() -> None:
    last = report(snapshot()).content
    calm = snapshot(disk_space=DiskSpace(total=1000 * MIB, free=700 * MIB, used=249 * MIB))
    assert report(calm, last).content == last


@pytest.mark.parametrize(
    "changed",
    [
        {"disk_space": DiskSpace(total=1000 * MIB, free=700 * MIB, used=250 * MIB)},
        {"disk_space": DiskSpace(total=1000 * MIB, free=700 * MIB, used=150 * MIB)},
        {"memory_kib": {"total": 16384 * 1024, "free": 2**30 // 1024}},
    ],
)
def test_a_measured_amount_that_moves_much_is_told(changed: dict[str, object]) -> None:
    last = report(snapshot()).content
    assert report(snapshot(**changed), last).content != last


PAGES = {"capabilities": capabilities("intel-2-sockets-smt")}


@pytest.mark.parametrize(
    ("changed", "is_news"),
    [
        ({"free_pages": {0: {2048: 1000}}}, False),
        ({"free_pages": {0: {2048: 900}}}, True),
        ({"guests": (guest(balloon__current=1000 * 1024, balloon__maximum=1024 * 1024),)}, False),
        ({"guests": (guest(balloon__current=800 * 1024, balloon__maximum=1024 * 1024),)}, True),
    ],
)
def test_pages_and_balloons_are_news_only_when_they_move_much(changed: dict[str, object], is_news: bool) -> None:
    full = guest(balloon__current=1024 * 1024, balloon__maximum=1024 * 1024)
    before: dict[str, object] = {**PAGES, "free_pages": {0: {2048: 1024}}, "guests": (full,)}
    last = report(snapshot(**before)).content
    assert (report(snapshot(**before | changed), last).content != last) is is_news


def test_small_steps_add_up_to_a_change() -> None:
    first = content = report(snapshot()).content
    for used in range(200, 260, 10):
        step = snapshot(disk_space=DiskSpace(total=1000 * MIB, free=700 * MIB, used=used * MIB))
        content = report(step, content).content
    assert content != first


def test_with_any_other_change_the_measured_amounts_are_fresh() -> None:
    last = report(snapshot()).content
    files = DiskSpace(total=1000 * MIB, free=700 * MIB, used=201 * MIB)
    content = report(snapshot(guests=(guest(1),), disk_space=files), last).content
    assert content.measured is not None
    assert content.measured.disk_mib == 201


# Whatever a host says

VALUES = st.one_of(st.integers(-(2**64), 2**64), st.text(max_size=8))
KEYS = st.sampled_from(
    ["state.state", "vcpu.current", "vcpu.maximum", "balloon.current", "balloon.maximum", "block.0.name"]
    + [f"block.{number}.{key}" for number in (0, 1) for key in ("path", "capacity", "rd.reqs")]
)
DOCUMENTS = st.one_of(
    st.none(),
    st.builds(Unread, st.text(max_size=8)),
    st.text(max_size=40),
    st.builds(
        "<domain><memory>{}</memory><vcpu current='{}'>{}</vcpu></domain>".format, st.integers(), st.integers(), VALUES
    ),
)


@st.composite
def facts(draw: st.DrawFn) -> GuestFacts:
    number = draw(st.integers(0, 20))
    stats = draw(st.dictionaries(KEYS, VALUES)) | {"block.count": draw(st.integers(0, 3))}
    document = as_read(draw(DOCUMENTS))
    return GuestFacts(uuid_of(number), draw(st.text(max_size=80)), draw(st.booleans()), stats, document)


GUESTS = st.lists(facts(), max_size=8, unique_by=lambda one: one.uuid)
LAST = st.none() | st.builds(
    Guest,
    uuid=st.integers(0, 20).map(uuid_of),
    name=st.just("guest"),
    state=st.sampled_from(GuestState),
    vcpus=st.integers(0, AMOUNT_MAX),
    memory_mib=st.integers(0, AMOUNT_MAX),
    disk_mib=st.integers(0, AMOUNT_MAX),
)


@given(GUESTS, LAST)
def test_whatever_guests_say_every_one_is_listed_within_bounds(guests: list[GuestFacts], known: Guest | None) -> None:
    base = report(snapshot()).content
    last = msgspec.structs.replace(base, guests=(known,)) if known else None
    content = report(snapshot(guests=tuple(guests)), last).content
    assert [one.uuid for one in content.guests] == sorted(one.uuid for one in guests)
    for one in content.guests:
        assert 1 <= one.vcpus <= AMOUNT_MAX or (known and known.uuid == one.uuid)
        assert 0 <= one.memory_mib <= AMOUNT_MAX
        assert 0 <= one.disk_mib <= AMOUNT_MAX


@given(GUESTS, st.randoms(use_true_random=False))
def test_the_order_in_which_guests_are_told_makes_no_difference(guests: list[GuestFacts], chance: Random) -> None:
    shuffled = list(guests)
    chance.shuffle(shuffled)
    in_order, in_disorder = (report(snapshot(guests=tuple(some))) for some in (guests, shuffled))
    assert msgspec.json.encode(in_order.content) == msgspec.json.encode(in_disorder.content)
    assert in_order.problems == in_disorder.problems


@given(GUESTS)
def test_an_unchanged_host_gives_the_same_report_again(guests: list[GuestFacts]) -> None:
    same = snapshot(guests=tuple(guests))
    first = report(same).content
    assert report(same, first).content == first
