"""Code that a model wrote can do nothing but compute."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_ui.evaluation.sandbox import find_obstacle, run_tests

pytestmark = pytest.mark.skipif(bool(find_obstacle()), reason=find_obstacle())
RIGHT = "def double(n):\n    return 2 * n\n"


def test_right_code_passes_and_wrong_code_says_why() -> None:
    assert run_tests(RIGHT, "assert double(2) == 4") == (True, "")
    wrong = run_tests(RIGHT, "assert double(2) == 5")
    assert not wrong.passed
    assert "AssertionError" in wrong.reason
    assert "SyntaxError" in run_tests("def (", "").reason


def test_what_honest_code_needs_still_works() -> None:
    code = (
        "import collections, json, math, re, threading\n"
        "def f():\n"
        "    found = []\n"
        "    thread = threading.Thread(target=lambda: found.append(math.gcd(12, 18)))\n"
        "    thread.start(); thread.join()\n"
        "    print('noise')\n"
        "    return found\n"
    )
    assert run_tests(code, "assert f() == [6]").passed


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit(0)", "import os; os._exit(0)", "raise SystemExit", "print('ok')\nexit()"]
)
def test_leaving_before_the_tests_is_not_passing(code: str) -> None:
    assert not run_tests(code, "assert False").passed


def test_the_network_is_out_of_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        verdict = run_tests(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=2)", "")
        assert not verdict.passed
        assert "PermissionError" in verdict.reason
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "code",
    [
        "import os\nwhile True:\n    os.fork()",
        "import subprocess\nsubprocess.run(['/bin/true'])",
        "import os\nos.execv('/bin/true', ['true'])",
        "import os\nos.posix_spawn('/bin/true', ['true'], {})",
        "import multiprocessing as m\np = m.get_context('fork').Process(target=print)\np.start()",
    ],
)
def test_no_process_can_be_started_so_there_is_no_fork_bomb(code: str) -> None:
    verdict = run_tests(code, "")
    assert not verdict.passed
    assert "Operation not permitted" in verdict.reason or "PermissionError" in verdict.reason


def test_other_processes_cannot_be_signalled() -> None:
    verdict = run_tests(f"import os\nos.kill({os.getpid()}, 15)", "")
    assert "PermissionError" in verdict.reason


def test_files_can_be_read_and_neither_written_nor_removed(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("as it was")
    for code in (
        f"open({str(kept)!r}, 'w')",
        f"open({str(kept)!r}, 'a')",
        f"import os\nos.remove({str(kept)!r})",
        f"import os\nos.rename({str(kept)!r}, {str(tmp_path / 'moved')!r})",
        f"import os\nos.truncate({str(kept)!r}, 0)",
        f"import os\nos.chmod({str(kept)!r}, 0)",
        "open('new.txt', 'w')",
        "import os\nos.mkdir('new')",
    ):
        verdict = run_tests(code, "")
        assert not verdict.passed, code
        assert "PermissionError" in verdict.reason, code
    assert kept.read_text() == "as it was"
    assert run_tests(f"text = open({str(kept)!r}).read()", "assert text == 'as it was'").passed


CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    ctypes.set_errno(0)
    result = libc.syscall(*map(ctypes.c_long, arguments))
    return result, errno.errorcode.get(ctypes.get_errno(), "")
"""


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("72, 1, 8, os.getppid()", id="fcntl F_SETOWN, who gets a signal"),
        pytest.param("72, 1, 10, 9", id="fcntl F_SETSIG, which signal"),
        pytest.param("72, 1, 15, 0", id="fcntl F_SETOWN_EX"),
        pytest.param("16, 1, 0x5412, 0", id="ioctl TIOCSTI, typing for somebody"),
        pytest.param("29, 0, 4096, 0o1600", id="shmget, memory that outlives it"),
        pytest.param("304, 0, 0, 2", id="open_by_handle_at"),
        pytest.param("302, os.getppid(), 7, 0x100000000, 0", id="prlimit64 with a pointer above 4 GiB"),
        pytest.param("302, os.getppid(), 7, 4096, 0", id="prlimit64"),
        pytest.param("240, 0, 0, 0, 0", id="mq_open"),
        pytest.param("463, 0", id="a call newer than the filter"),
        pytest.param("56, 0, 0, 0, 0, 0", id="clone of a process"),
    ],
)
def test_calls_that_reach_beyond_the_process_are_refused(arguments: str) -> None:
    verdict = run_tests(
        f"{CALL}\nimport os\nfound = call({arguments})", "assert found == (-1, 'EPERM'), found"
    )
    assert verdict.passed, verdict.reason


def test_descriptors_and_threads_go_on_working() -> None:
    code = (
        "import os, sys, queue, threading, time, random, datetime, tempfile, functools, asyncio\n"
        "reading, writing = os.pipe()\n"
        "os.write(writing, b'x')\n"
        "assert os.read(reading, 1) == b'x' and not os.get_inheritable(reading)\n"
        "os.set_inheritable(reading, True); os.set_blocking(reading, False)\n"
        "assert not sys.stdout.isatty() and os.listdir('.') == [] and os.getcwd()\n"
        "items = queue.Queue()\n"
        "for n in range(3):\n    threading.Thread(target=items.put, args=(n,)).start()\n"
        "time.sleep(.01); random.seed(); datetime.datetime.now()\n"
    )
    verdict = run_tests(code, "assert sorted(items.get(timeout=5) for _ in range(3)) == [0, 1, 2]")
    assert verdict.passed, verdict.reason


HARNESS = """
import os, threading, time
from pathlib import Path
from blender_ui.evaluation.sandbox import run_tests
def end_once_it_runs():
    while not (found := [stat.parent.name for stat in Path("/proc").glob("[0-9]*/stat") if is_child(stat)]):
        time.sleep(0.05)
    print(*found, flush=True)
    os._exit(0)
def is_child(stat):
    try:
        return int(stat.read_text().rpartition(") ")[2].split()[1]) == os.getpid()
    except OSError:  # it has ended
        return False
threading.Thread(target=end_once_it_runs).start()
run_tests("import time\\nwhile True: time.sleep(1)", "", wall_seconds=600)
"""


def test_the_child_dies_with_the_harness() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HARNESS], check=True, timeout=120, stdout=subprocess.PIPE, text=True
    )
    (child,) = (Path("/proc") / process_id / "stat" for process_id in done.stdout.split())
    deadline = time.monotonic() + 60
    while is_alive(child):
        assert time.monotonic() < deadline, "the child outlived the harness"
        time.sleep(0.05)


def is_alive(stat: Path) -> bool:
    with contextlib.suppress(OSError):
        return stat.read_text().rpartition(") ")[2][0] != "Z"
    return False


def test_limits_cannot_be_lifted() -> None:
    code = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1000, 1000))"
    assert "Error" in run_tests(code, "").reason


def test_memory_is_bounded() -> None:
    verdict = run_tests("block = bytearray(3 << 30)", "")
    assert "MemoryError" in verdict.reason


def test_output_is_bounded_and_so_is_time() -> None:
    assert not run_tests("while True:\n    print('x' * 10_000)", "").passed
    began = time.monotonic()
    verdict = run_tests("import time\ntime.sleep(60)", "", wall_seconds=2)
    assert "more than 2 seconds" in verdict.reason
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_a_busy_loop_ends_by_processor_time() -> None:
    assert "signal" in run_tests("while True: pass", "", wall_seconds=60).reason
