"""What whoever operates the app asks: health, readiness, figures, log lines with the request's id."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from blender_ui.faults import keep_log
from blender_ui.logs import keep_logs
from blender_ui.ui.app import BUILDERS, HOME
from db.engine import transaction
from db.models import Job, JobKind, JobStatus, Role, utc_now
from tests.api.house import QUESTION, House, Shop, make_members
from tests.builders.scripted_members import ScriptedMember, failing

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, *make_members(), ScriptedMember("Broken", failing("crashed", "it crashed")))
    yield shop
    shop.close()


def read_metrics(shop: Shop) -> dict[str, float]:
    lines = shop.ask("GET", "/metrics").text.splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")
    }


def test_the_figures_count_what_members_did_and_what_programs_asked(shop: Shop) -> None:
    shop.chats().create(model="blender/best", messages=QUESTION)
    found = read_metrics(shop)
    assert found['blender_asks_total{end="answered",member="Long"}'] == 1
    assert found['blender_asks_total{end="crashed",member="Broken"}'] == 1
    assert found['blender_tokens_total{member="Long",side="read"}'] == 7
    assert found['blender_tokens_total{member="Long",side="written"}'] == 2
    assert found['blender_requests_total{route="POST /v1/chat/completions",status="200"}'] == 1
    assert found["blender_open_pairs"] == 1
    assert found['blender_active_version{role="ranker"}'] == 1
    assert found['blender_jobs{status="failed"}'] == 0


def test_unknown_paths_make_no_label_of_their_own(shop: Shop) -> None:
    for path in ("/v1/a", "/v1/b", "/v1/c/d"):
        shop.ask("GET", path)
    found = read_metrics(shop)
    assert found['blender_requests_total{route="other",status="404"}'] == 3
    assert not any("/v1/a" in name for name in found)


def test_it_is_ready_while_the_store_and_a_member_answer(shop: Shop) -> None:
    told = shop.ask("GET", "/readyz", key=None)
    assert told.json() == {"is_ready": True, "store": True, "members": True, "worker": True, "ranker": True}
    for member in shop.services.members.by_name.values():
        member.pauses = [9.0] * 3
    told = shop.ask("GET", "/readyz", key=None)
    assert (told.status_code, told.json()["members"]) == (503, False)


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        (JobStatus.RUNNING, {"heartbeat_at": LONG_AGO}),
        (JobStatus.WAITING, {"created_at": LONG_AGO}),
        (JobStatus.WAITING, {"created_at": LONG_AGO, "heartbeat_at": LONG_AGO}),
    ],
)
def test_a_job_without_a_sign_of_life_is_a_silent_worker(
    shop: Shop, status: JobStatus, seen: dict[str, datetime]
) -> None:
    with transaction(shop.services.engine, immediate=True) as session:
        session.add(Job(kind=JobKind.FAST, status=status, **seen))
    assert shop.ask("GET", "/readyz", key=None).json()["worker"] is False
    assert read_metrics(shop)["blender_worker_silent"] == 1


def test_a_job_that_waits_behind_a_living_worker_or_has_ended_is_none(shop: Shop) -> None:
    with transaction(shop.services.engine, immediate=True) as session:
        session.add(Job(kind=JobKind.FAST, status=JobStatus.FAILED, created_at=LONG_AGO))
        session.add(Job(kind=JobKind.FAST, status=JobStatus.WAITING, created_at=utc_now()))
        waits = Job(kind=JobKind.JOINT, status=JobStatus.WAITING, created_at=LONG_AGO, heartbeat_at=utc_now())
        session.add(waits)
    assert shop.ask("GET", "/readyz", key=None).json()["worker"] is True


def test_a_store_that_fails_is_told_without_a_reason_to_strangers(shop: Shop) -> None:
    with transaction(shop.services.engine, immediate=True) as session:
        session.execute(text("DROP TABLE promotion"))
    told = shop.ask("GET", "/readyz", key=None)
    assert told.status_code >= 500
    assert "promotion" not in told.text


def test_an_unforeseen_error_has_the_requests_id_in_its_answer_and_in_the_file(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_log(tmp_path / "faults.log")
    monkeypatch.setattr(type(shop.services.serving), "begin", lambda *_: 1 / 0)
    headers = shop.headers(Role.ADMIN) | {"x-request-id": b"from-a-proxy"}
    body = {"model": "blender/best", "messages": QUESTION}

    told = httpx.post(f"{shop.url}/v1/chat/completions", json=body, headers=headers)
    assert told.status_code == 500
    assert told.headers["x-request-id"] == "from-a-proxy"
    assert told.json()["error"]["request_id"] == "from-a-proxy"
    assert "from-a-proxy" in told.json()["error"]["message"]
    assert "ZeroDivisionError: division by zero" in (tmp_path / "faults.log").read_text()
    assert "fault from-a-proxy" in (tmp_path / "faults.log").read_text()


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b'{"model": "blender/best", "messages": [], "note": "a secret"}', "application/json", "messages: "),
        (b'{"secret": "a secret"', "application/json", "the body is not JSON: "),
        (b'["a secret"]', "application/json", "expected the body as an object of JSON"),
        (b'{"secret": "a secret"}', "text/plain", "with the header Content-Type: application/json"),
        (b"", "application/json", "came none"),
    ],
)
def test_a_request_of_another_form_is_told_and_leaves_nothing_in_the_file(
    shop: Shop, tmp_path: Path, content: bytes, kind: str, said: str
) -> None:
    keep_log(tmp_path / "faults.log")
    headers = shop.headers(Role.ANNOTATOR) | {"content-type": kind.encode()}
    told = httpx.post(f"{shop.url}/v1/chat/completions", content=content, headers=headers)
    assert (told.status_code, told.json()["error"]["code"]) == (400, "malformed")
    assert said in told.json()["error"]["message"]
    log = tmp_path / "faults.log"
    assert not log.exists() or "a secret" not in log.read_text()
    assert not log.exists() or "fault" not in log.read_text()


def test_a_log_line_is_json_and_has_neither_key_nor_text(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_logs("info")
    shop.chats().create(model="blender/best", messages=QUESTION)
    said = ""
    deadline = time.monotonic() + 30  # the line is written once the answer has been sent
    while "chat/completions" not in said and time.monotonic() < deadline:
        time.sleep(0.05)
        said += capsys.readouterr().err
    (line,) = [json.loads(one) for one in said.splitlines() if "chat/completions" in one]
    assert (line["event"], line["route"], line["status"]) == ("request", "POST /v1/chat/completions", 200)
    assert line["level"] == "info"
    assert line["request_id"]
    assert line["key_id"] == 2
    assert "blue" not in said
    assert shop.keys[Role.RESEARCHER] not in said


def test_a_request_id_stands_on_a_pages_errors_too(tmp_path: Path) -> None:
    house = House(tmp_path, mode="accounts", builders={HOME: BUILDERS[HOME]})
    sent = {"x-request-id": "from-a-proxy"}
    for path in ("/nowhere", "/", "/gradio_api/run/people_open", "/v1/nowhere"):
        assert house.ask("GET", path, headers=sent).headers["x-request-id"] == "from-a-proxy", path
    house.close()
