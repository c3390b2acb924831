"""Children that start, crash, start again and never stay behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from blender_ui.errors import MemberError, WeightsUnavailable
from blender_ui.members.local import servers as local_servers
from blender_ui.members.local.servers import LocalServer
from blender_ui.members.protocol import MemberStatus, Message, Sampling
from blender_ui.members.registry import LocalMember, Members
from tests.members.test_configuration import member

pytestmark = pytest.mark.slow

OBEDIENT = """
    import json, sys
    key = sys.stdin.readline().strip()
    print(json.dumps({"base_url": "http://127.0.0.1:1/v1"}), flush=True)
    sys.stdin.read()
"""
CRASHING = """
    import sys
    print("the model is broken", file=sys.stderr)
    sys.exit(3)
"""
SLOW = """
    import sys
    sys.stdin.read()
"""


def child(script: str) -> list[str]:
    return ["-c", textwrap.dedent(script)]


@pytest.fixture
def serve() -> Iterator[Callable[[str], LocalServer]]:
    servers: list[LocalServer] = []

    def make(script: str) -> LocalServer:
        servers.append(LocalServer("Ann", lambda: child(script)))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def wait_for(is_true: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_true()


def is_alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_it_is_idle_until_asked_and_then_ready(serve: Callable[[str], LocalServer]) -> None:
    server = serve(OBEDIENT)
    assert server.health().status is MemberStatus.IDLE
    address = server.address(timeout_seconds=20)
    assert address.base_url == "http://127.0.0.1:1/v1"
    assert len(address.key) > 30
    assert server.health().status is MemberStatus.READY


def test_starting_does_not_wait(serve: Callable[[str], LocalServer]) -> None:
    server = serve(SLOW)
    server.start()
    assert server.health().status is MemberStatus.STARTING


def test_many_askers_share_one_child(serve: Callable[[str], LocalServer]) -> None:
    server = serve(OBEDIENT)
    keys: set[str] = set()
    threads = [
        threading.Thread(target=lambda: keys.add(server.address(timeout_seconds=20).key)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 1


def test_the_key_is_not_among_the_arguments(serve: Callable[[str], LocalServer]) -> None:
    server = serve(OBEDIENT)
    key = server.address(timeout_seconds=20).key
    process_id = server.process_id()
    for name in ("cmdline", "environ"):
        assert key.encode() not in Path(f"/proc/{process_id}/{name}").read_bytes()


def test_a_child_that_fails_at_its_start_is_told_with_its_last_words(
    serve: Callable[[str], LocalServer],
) -> None:
    server = serve(CRASHING)
    with pytest.raises(MemberError, match=r"exit code 3; it said: the model is broken") as caught:
        server.address(timeout_seconds=20)
    assert caught.value.kind == "crashed"
    assert server.health().status is MemberStatus.FAILED


def test_after_crashes_in_a_row_it_pauses_before_the_next_start(
    serve: Callable[[str], LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_servers, "FIRST_PAUSE_SECONDS", 30.0)
    server = serve(CRASHING)
    for _ in range(2):
        with pytest.raises(MemberError, match="ended at its start"):
            server.address(timeout_seconds=20)
    with pytest.raises(MemberError, match="crashed 2 times in a row and is started again in"):
        server.address(timeout_seconds=20)


def test_a_killed_child_is_started_again_for_the_next_question(serve: Callable[[str], LocalServer]) -> None:
    server = serve(OBEDIENT)
    first = server.address(timeout_seconds=20)
    process_id = server.process_id()
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)
    assert wait_for(lambda: server.crash_reason() is not None)
    assert "killed by signal 9" in str(server.crash_reason())
    assert server.address(timeout_seconds=20).key != first.key


def test_a_child_that_is_started_again_leaves_no_pipe_open(serve: Callable[[str], LocalServer]) -> None:
    server = serve(OBEDIENT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(2):
            server.address(timeout_seconds=20)
            process_id = server.process_id()
            assert process_id is not None
            os.kill(process_id, signal.SIGKILL)
            assert wait_for(lambda: server.crash_reason() is not None)
            server.note_success()
        server.address(timeout_seconds=20)
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


def test_a_start_that_takes_too_long_is_a_timeout(serve: Callable[[str], LocalServer]) -> None:
    with pytest.raises(MemberError) as caught:
        serve(SLOW).address(timeout_seconds=0.2)
    assert caught.value.kind == "timeout"


def test_a_stop_is_heard_during_the_start(serve: Callable[[str], LocalServer]) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(MemberError) as caught:
        serve(SLOW).address(timeout_seconds=20, stop=stop)
    assert caught.value.kind == "stopped"


def test_closing_ends_the_child_and_refuses_another(serve: Callable[[str], LocalServer]) -> None:
    server = serve(OBEDIENT)
    server.address(timeout_seconds=20)
    process_id = server.process_id()
    assert process_id is not None
    server.close()
    assert not is_alive(process_id)
    with pytest.raises(MemberError, match="closing"):
        server.start()


def test_what_is_missing_is_told_and_looked_for_again() -> None:
    missing = [True]

    def command() -> list[str]:
        if missing:
            raise WeightsUnavailable("not here; fetch them by: a command")
        return child(OBEDIENT)

    with closing(LocalServer("Ann", command)) as server:
        with pytest.raises(WeightsUnavailable):
            server.start()
        assert server.health().status is MemberStatus.UNAVAILABLE
        assert "fetch them by" in server.health().reason
        missing.clear()
        assert server.address(timeout_seconds=20)


def test_a_crash_in_the_middle_of_an_answer_keeps_its_text_and_the_next_answer_comes(
    smollm2_path: Path,
) -> None:
    with closing(Members([member(model=str(smollm2_path))], find_weights=Path, environ={})) as members:
        ann = members.get("Ann")
        assert isinstance(ann, LocalMember)
        stream = ann.stream([Message("user", "Count to one thousand.")], options=Sampling(max_tokens=1000))
        text = next(stream).text
        process_id = ann.server.process_id()
        assert process_id is not None
        os.kill(process_id, signal.SIGKILL)
        with pytest.raises(MemberError, match="killed by signal 9") as caught:
            list(stream)
        assert caught.value.kind == "crashed"
        assert caught.value.partial_text.startswith(text)
        *_, last = ann.stream([Message("user", "Say hello.")], options=Sampling(max_tokens=4))
        assert last.usage is not None


@pytest.mark.parametrize("server", ["llama_server", "transformers_server"])
def test_no_child_outlives_a_killed_parent(server: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue("smollm2_path" if server == "llama_server" else "tiny_checkpoint")
    script = f"""
        import time
        from blender_ui.members.local.servers import LocalServer
        server = LocalServer("Ann", lambda: ["-m", "blender_ui.members.local.{server}", {str(model)!r}])
        server.address(timeout_seconds=120)
        print(server.process_id(), flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, *child(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    process_id = int(parent.stdout.readline())
    assert is_alive(process_id)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_for(lambda: not is_alive(process_id))
