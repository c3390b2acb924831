"""Code that a model wrote can do nothing but compute."""

from __future__ import annotations

import os
import socket
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
