"""Webhooks: told what happened, signed, tried again, and never sent where they may not go."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import select
from standardwebhooks import WebhookVerificationError

from blender_ui.errors import MalformedInput, NotFound, Refused
from blender_ui.services.monitoring.drift import Drift, What
from blender_ui.services.notifying import watching
from blender_ui.services.notifying.delivering import WAITS, Delivering
from blender_ui.services.notifying.posting import Poster, sign
from blender_ui.services.notifying.webhooks import Webhooks
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.versions.model_versions import activate_version
from blender_ui.statistics.drift import Change
from db.engine import transaction
from db.models import CandidateFailure, FailureKind, ModelKind, ModelRole, ModelVersion, utc_now
from tests.builders.receiver import Receiver
from tests.builders.rows import answer, member, prompt, save
from tests.builders.scripted_members import ScriptedEnsemble, ScriptedMember, saying
from tests.builders.stores import Clock, add_prompts, make_labeling

ALL = ("version.promoted", "queue.empty", "member.failing", "drift.found")


class Office:
    """A store, its webhooks, a receiver, and a clock that begins with the real time."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, Clock()
        self.clock.now = utc_now()  # a receiver refuses messages that are minutes old
        self.receiver = Receiver()
        self.drifts: tuple[Drift, ...] = ()
        self.members = ScriptedEnsemble(ScriptedMember("Ada", saying("yes")))
        self.open()

    def open(self, *, secret: int = 7, hosts: frozenset[str] = frozenset({"127.0.0.1"})) -> None:
        """As another process would, on the same store."""
        poster = Poster(hosts, timeout=5)
        self.webhooks = Webhooks(self.engine, poster=poster, secret=secret, clock=self.clock)
        self.delivering = Delivering(
            self.engine,
            webhooks=self.webhooks,
            poster=poster,
            members=self.members,
            find_drifts=lambda: self.drifts,
            clock=self.clock,
        )

    def promote(self, role: ModelRole = ModelRole.RANKER, kind: ModelKind = ModelKind.FAST) -> int:
        with transaction(self.engine, immediate=True) as session:
            row = ModelVersion(
                role=role, kind=kind, base_model="b", base_fingerprint="b", fingerprint="f", path="p",
                cut_off_preference_id=0, n_train=1, n_held_out=1, code_version="0",
            )  # fmt: skip
            session.add(row)
            session.flush()
            activate_version(session, version_id=row.id or 0, reason="it is better", decided_by_id=None)
            return row.id or 0

    def fail(self, n: int, *, kind: FailureKind = FailureKind.CRASHED) -> None:
        for _ in range(n):
            failed = {"prompt_id": self.prompt_id, "member_id": self.member_id, "seconds": 1.0}
            self.save(CandidateFailure(**failed, kind=kind, message="it crashed"))

    def add_member(self) -> None:
        self.prompt_id = self.save(prompt("Why?"))
        self.member_id = self.save(member("Ada", backend="openai"))

    def save(self, row: Any) -> int:
        with transaction(self.engine, immediate=True) as session:
            return int(save(session, [row])[0].id)

    def close(self) -> None:
        self.receiver.close()


@pytest.fixture
def office(either_store: Engine) -> Iterator[Office]:
    office = Office(either_store)
    yield office
    office.close()


def test_a_promotion_is_told_once_signed_as_the_receivers_library_checks_it(office: Office) -> None:
    office.promote()
    office.delivering.notice()
    made = office.webhooks.make(office.receiver.url, ALL, by=None)
    version_id = office.promote()
    assert office.delivering.notice() == 1
    assert office.delivering.notice() == 0
    assert office.delivering.send_due() == 1
    assert office.delivering.send_due() == 0

    told = office.receiver.verify(made.secret)
    assert told["type"] == "version.promoted"
    assert (told["data"]["version_id"], told["data"]["previous_id"]) == (version_id, version_id - 1)
    assert told["data"]["reason"] == "it is better"
    (message,) = office.webhooks.list_messages()
    assert (message.state, message.status, message.n_tries) == ("delivered", 204, 1)
    with pytest.raises(WebhookVerificationError):
        office.receiver.verify("whsec_" + "A" * 43 + "=")


def test_what_happened_while_the_app_was_off_is_told_by_the_next_process(office: Office) -> None:
    office.delivering.notice()
    made = office.webhooks.make(office.receiver.url, ["version.promoted"], by=None)
    first, second = office.promote(), office.promote()
    office.open()
    assert office.delivering.notice() == 2
    office.delivering.send_due()
    told = [office.receiver.verify(made.secret, number)["data"]["version_id"] for number in (0, 1)]
    assert sorted(told) == [first, second]


def test_an_empty_queue_is_told_when_it_becomes_empty_and_again_after_it_was_filled(office: Office) -> None:
    office.delivering.notice()
    made = office.webhooks.make(office.receiver.url, ["queue.empty"], by=None)
    (prompt_id,) = add_prompts(office.engine, n_prompts=1)
    make_labeling(office.engine, office.clock).queue_prompt(prompt_id=prompt_id)
    for told in (1, 2):
        with transaction(office.engine, immediate=True) as session:
            session.execute(text("UPDATE comparison SET overlap = n_taken + 1, is_open = true"))
        assert office.delivering.notice() == 0
        with transaction(office.engine, immediate=True) as session:
            session.execute(text("UPDATE comparison SET n_taken = overlap, is_open = false"))
        assert office.delivering.notice() == 1
        office.delivering.send_due()
        assert len(office.receiver.came) == told
        assert office.receiver.verify(made.secret)["data"] == {"project_id": 1, "project": "Default project"}


def test_a_member_fails_with_three_failures_in_a_row_and_is_well_after_an_answer(office: Office) -> None:
    office.add_member()
    office.delivering.notice()
    made = office.webhooks.make(office.receiver.url, ["member.failing"], by=None)
    office.fail(2)
    office.fail(3, kind=FailureKind.STOPPED)  # by people, which is no fault of the member
    assert office.delivering.notice() == 0
    office.fail(1)
    assert office.delivering.notice() == 1
    office.fail(2)
    assert office.delivering.notice() == 0
    office.delivering.send_due()
    told = office.receiver.verify(made.secret)["data"]
    assert told == {"member": "Ada", "n_failures": 3, "failure": "crashed", "message": "it crashed"}
    office.save(answer(office.prompt_id, office.member_id, "yes"))
    assert office.delivering.notice() == 0
    office.fail(3)
    assert office.delivering.notice() == 1


def test_drift_is_told_once_and_again_once_it_turns_or_was_steady(office: Office) -> None:
    made = office.webhooks.make(office.receiver.url, ["drift.found"], by=None)

    def look(*drifts: Drift) -> int:
        office.drifts = drifts
        return office.delivering.notice()

    since = datetime(2026, 3, 1, tzinfo=UTC)
    slow = Drift(what=What.SECONDS, member="Ada", change=Change(2.0, 6.0, 300, 50, 0.001), since=since)
    fast = Drift(what=What.SECONDS, member="Ada", change=Change(2.0, 1.0, 300, 50, 0.001), since=since)
    split = Drift(what=What.AGREEMENT, member="", change=Change(0.8, 0.4, 300, 50, 0.001), since=since)
    assert look(split) == 0, "it was so when it was first looked at"
    assert look(split, slow) == 1
    assert look(split, slow) == 0
    assert look(split, fast) == 1
    assert look() == 0
    assert look(split) == 1
    office.delivering.send_due()
    told = [office.receiver.verify(made.secret, number)["data"] for number in range(3)]
    assert {"what": "agreement", "member": None, "before": 0.8, "recent": 0.4,
            "n_before": 300, "n_recent": 50, "since": since.isoformat()} in told  # fmt: skip
    assert sorted(one["recent"] for one in told if one["member"] == "Ada") == [1.0, 6.0]


def test_a_message_is_tried_again_later_each_time_and_then_given_up(office: Office) -> None:
    made = office.webhooks.make(office.receiver.url, ALL, by=None)
    office.receiver.status = 500
    assert office.delivering.test(made.id).state == "waiting"
    for number, wait in enumerate(WAITS, start=1):
        (message,) = office.webhooks.list_messages()
        assert (message.n_tries, message.status, message.state) == (number, 500, "waiting")
        assert message.problem == "expected a status from 200 to 299, came 500"
        office.clock.now += wait - timedelta(seconds=1)
        assert office.delivering.send_due() == 0
        office.clock.now += timedelta(seconds=1)
        assert office.delivering.send_due() == 1
    (message,) = office.webhooks.list_messages()
    assert (message.state, message.n_tries) == ("given up", 1 + len(WAITS))
    assert len({headers["webhook-id"] for headers, _ in office.receiver.came}) == 1


def test_a_message_whose_process_was_killed_in_the_middle_is_sent_again(office: Office) -> None:
    made = office.webhooks.make(office.receiver.url, ALL, by=None)
    office.delivering._poster.post = lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        office.delivering.test(made.id)
    office.open()
    assert office.delivering.send_due() == 0
    office.clock.pass_by(61)
    assert office.delivering.send_due() == 1
    office.clock.now = utc_now()
    assert office.receiver.came[0][0]["webhook-id"] == office.webhooks.list_messages()[0].name


def test_the_secret_is_in_no_row_and_the_trail_has_who_made_and_removed_it(office: Office) -> None:
    made = office.webhooks.make(f" {office.receiver.url} ", ALL, by=None)
    with office.engine.connect() as connection:
        rows = repr(connection.execute(text("SELECT * FROM webhook")).all())
    assert made.secret not in rows
    assert made.secret.removeprefix("whsec_") not in rows
    office.receiver.status = 500
    office.delivering.test(made.id)
    office.webhooks.remove(made.id, by=None)
    office.clock.pass_by(10)
    assert office.delivering.send_due() == 0
    with pytest.raises(NotFound):
        office.delivering.test(made.id)
    actions = [event.action for event in Auditing(office.engine).list_latest()]
    assert actions == ["webhook.remove", "webhook.create"]


def test_another_installations_webhook_is_not_signed_with_a_wrong_secret(office: Office) -> None:
    made = office.webhooks.make(office.receiver.url, ALL, by=None)
    office.open(secret=8)
    assert "another installation" in office.delivering.test(made.id).problem
    assert office.receiver.came == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://127.0.0.1/x", "private network"),
        ("https://localhost/x", "private network"),
        ("https://[::1]/x", "private network"),
        ("https://10.0.0.7/x", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[::ffff:192.168.1.1]/x", "private network"),
        ("https://[64:ff9b::a00:1]/x", "private network"),
        ("https://[2002:7f00:1::]/x", "private network"),
        ("https://[64:ff9b:1::a00:1]/x", "private network"),  # of a network that wraps its own addresses
        ("https://[::10.0.0.7]/x", "private network"),
        ("https://[fec0::1]/x", "private network"),
        ("https://0/x", "private network"),
        ("https://224.0.0.1/x", "private network"),
        ("http://8.8.8.8/x", "expected https"),
        ("https://ada:secret@8.8.8.8/x", "without a name and a password"),
        ("ftp://8.8.8.8/x", "such as https"),
        ("file:///etc/passwd", "such as https"),
        ("https:///x", "such as https"),
        ("https://8.8.8.8/" + "x" * 2048, "such as https"),
    ],
)
def test_an_address_of_the_house_is_refused_unless_the_settings_name_it(url: str, said: str) -> None:
    with pytest.raises(MalformedInput, match=said):
        Poster(frozenset()).check(url)


def test_a_public_address_is_taken_and_a_named_host_also_by_http() -> None:
    assert Poster(frozenset()).check("https://8.8.8.8/x") == "https://8.8.8.8/x"
    assert Poster(frozenset({"127.0.0.1"})).check("http://127.0.0.1:9/x") == "http://127.0.0.1:9/x"


def test_a_name_that_leads_into_the_house_by_now_is_not_sent_to(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(address: str) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    answer("8.8.8.8")
    made = office.webhooks.make("https://hooks.example/x", ALL, by=None)
    answer("127.0.0.1")
    message = office.delivering.test(made.id)
    assert (message.state, message.status) == ("waiting", None)
    assert "private network" in message.problem


def test_a_name_that_is_not_ascii_is_looked_up_as_the_request_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(host: str, *_: object, **__: object) -> Any:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    Poster(frozenset()).check("https://straße.example/x")
    assert asked == ["xn--strae-oqa.example"]  # Python makes strasse.example of it, which is another's


def test_a_receiver_that_answers_a_byte_at_a_time_holds_nobody_up() -> None:
    """Each byte comes in time; the whole would take two seconds and more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def drip() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 204 No Content\r\n\r\n":
                    connection.send(bytes([byte]))
                    time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        came = Poster(frozenset({"127.0.0.1"}), timeout=0.5).post(
            f"http://127.0.0.1:{port}/x", body="{}", headers={}
        )
        thread.join()
    assert came == (None, "no answer within 0.5 seconds")


def test_two_processes_tell_a_change_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.delivering.notice()
    office.webhooks.make(office.receiver.url, ALL, by=None)
    office.promote()
    looks, look = threading.Barrier(2), watching.look

    def look_beside(*args: Any, **options: Any) -> Any:
        """Both have looked before either goes on, unless one waits for the other."""
        found = look(*args, **options)
        with contextlib.suppress(threading.BrokenBarrierError):
            looks.wait(timeout=1)
        return found

    monkeypatch.setattr(watching, "look", look_beside)
    threads = [threading.Thread(target=office.delivering.notice) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(office.webhooks.list_messages()) == 1


def test_what_waits_is_sent_also_where_a_look_fails(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made = office.webhooks.make(office.receiver.url, ALL, by=None)
    office.receiver.status = 500
    office.delivering.test(made.id)
    office.receiver.status = 204
    office.clock.now += WAITS[0]
    monkeypatch.setattr("blender_ui.services.notifying.delivering.LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watching, "look", lambda *_, **__: 1 / 0)
    office.delivering.start()
    deadline = time.monotonic() + 10
    while len(office.receiver.came) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    office.delivering.close()
    (message,) = office.webhooks.list_messages()
    assert message.state == "delivered"


def test_a_redirect_is_not_followed(office: Office) -> None:
    made = office.webhooks.make(office.receiver.url, ALL, by=None)
    office.receiver.status, office.receiver.location = 307, office.receiver.url + "/elsewhere"
    assert "came 307" in office.delivering.test(made.id).problem
    assert len(office.receiver.came) == 1


def test_a_signature_is_the_one_that_the_specification_shows() -> None:
    # The example of Standard Webhooks' reference libraries.
    headers = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        name="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        body='{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("events", [[], ["version.promotd"], ["test"]])
def test_unknown_events_are_refused(office: Office, events: list[str]) -> None:
    with pytest.raises(MalformedInput, match=r"expected events of version\.promoted"):
        office.webhooks.make(office.receiver.url, events, by=None)


def test_there_is_a_most_of_webhooks(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blender_ui.services.notifying.webhooks.MOST_WEBHOOKS", 1)
    office.webhooks.make(office.receiver.url, ALL, by=None)
    with pytest.raises(Refused, match="remove one first"):
        office.webhooks.make(office.receiver.url, ALL, by=None)
    with transaction(office.engine) as session:
        assert len(session.exec(select(ModelVersion)).all()) == 0
