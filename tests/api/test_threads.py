"""Decoding from several threads at once, each for the first time."""

import subprocess
import sys

RACE = """
import sys, threading
sys.setswitchinterval(1e-6)
from hypertally.api.compute_node import ReportContent
from hypertally.api.decode import decode
together = threading.Barrier(4)
def go():
    together.wait()
    decode({"hypervisor": {"type": "QEMU", "version": "1", "libvirtVersion": "2"}, "guests": []}, ReportContent)
threads = [threading.Thread(target=go) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_threads_that_decode_a_kind_for_the_first_time_at_once_do_not_crash() -> None:
    """One of six runs ended in a segmentation fault before the kinds were prepared at import."""
    codes = [subprocess.run([sys.executable, "-c", RACE], check=False, timeout=30).returncode for _ in range(20)]
    assert codes == [0] * 20
