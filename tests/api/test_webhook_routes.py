"""Webhooks by the package's client, by the command and on the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_ui.cli import main
from blender_ui.client import ApiError, Client
from blender_ui.services.notifying.posting import Poster
from db.models import Role
from tests.api.house import Shop
from tests.builders.receiver import Receiver

TOLD = ["version.promoted"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "home")
    for one in (shop.services.webhooks, shop.services.delivering):
        one._poster = Poster(frozenset({"127.0.0.1"}), timeout=5)
    yield shop
    shop.close()


def test_a_program_makes_tries_reads_and_removes_a_webhook(shop: Shop, receiver: Receiver) -> None:
    with Client(shop.url, shop.keys[Role.ADMIN]) as client:
        made = client.create_webhook(receiver.url, TOLD)
        assert client.test_webhook(made["id"])["state"] == "delivered"
        assert receiver.verify(made["secret"])["type"] == "test"
        (one,) = client.webhooks()
        assert (one["url"], one["events"]) == (receiver.url, TOLD)
        assert made["secret"] not in json.dumps([one, client.webhook_messages(made["id"])])
        assert [message["status"] for message in client.webhook_messages(made["id"])] == [204]
        client.remove_webhook(made["id"])
        assert client.webhooks() == []
        with pytest.raises(ApiError) as gone:
            client.test_webhook(made["id"])
        assert gone.value.code == "not_found"


def test_an_address_of_the_house_and_a_key_of_one_project_are_refused(shop: Shop) -> None:
    with Client(shop.url, shop.keys[Role.ADMIN]) as client, pytest.raises(ApiError, match="WEBHOOK_HOSTS"):
        client.create_webhook("http://10.1.2.3/x", TOLD)
    key = shop.make_key("of one", role=Role.ADMIN, project_id=1)
    with Client(shop.url, key) as client, pytest.raises(ApiError, match="every project"):
        client.webhooks()


def test_the_command_makes_tries_lists_and_removes_a_webhook(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path))
    assert main(["webhook", "make", receiver.url]) == 1
    assert "BLENDER_UI_WEBHOOK_HOSTS" in capsys.readouterr().err
    monkeypatch.setenv("BLENDER_UI_WEBHOOK_HOSTS", "nas, 127.0.0.1")
    assert main(["webhook", "make", receiver.url, "--events", *TOLD]) == 0
    secret = capsys.readouterr().out.strip()
    assert main(["webhook", "test", "1"]) == 0
    assert receiver.verify(secret)["type"] == "test"
    assert main(["webhook", "list"]) == 0
    assert main(["webhook", "log", "1"]) == 0
    said = capsys.readouterr().out
    assert f"1  {receiver.url}  version.promoted" in said
    assert "test  delivered, 1 try" in said
    assert secret not in said
    receiver.status = 500
    assert main(["webhook", "test", "1"]) == 1
    assert main(["webhook", "remove", "1"]) == 0
    assert main(["webhook", "remove", "1"]) == 1
    assert main(["webhook", "make"]) == 1
