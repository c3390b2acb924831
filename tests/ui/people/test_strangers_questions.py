"""What a visitor of a demo asks is shown to nobody but researchers: every page, tab and address is tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import select

from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.identity import presented_key
from db.engine import transaction
from db.models import Prompt, Role
from tests.builders.scripted_members import ScriptedMember, saying
from tests.builders.stores import key_of
from tests.ui.people.test_roles import House
from tests.ui.people.test_walks import Walker

pytestmark = pytest.mark.slow

ASKER, OTHER = key_of(1), key_of(2)
QUESTION, ANSWER = "Why does my neighbour Xaver snore", "Because of Yolanda"


class AskedDemo(House):
    """A demo in which one visitor has asked, with a ranking of the answers."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder, mode="demo", n_prompts=1)
        services = self.services
        services.members.configs = ()
        for name in ("Ada", "Brahms"):
            member = ScriptedMember(name, saying(f"{ANSWER}, says {name}"))
            services.members.by_name[name] = member
        services.members.configs = type(services.members)(*services.members.by_name.values()).configs
        blend, token = Blend(services), presented_key.set(ASKER)
        visit = blend.ask(blend.open({}).visit, QUESTION, "", {}).visit
        for number in range(2):
            list(blend.stream(visit, number))
        visit = blend.settle(visit)
        presented_key.reset(token)
        assert visit.prompt_id is not None
        assert visit.pair is not None
        self.prompt_id = visit.prompt_id
        services.ranking.train()
        self.ranking_id = services.ranking.rank(prompt_id=self.prompt_id).ranking_id


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AskedDemo]:
    demo = AskedDemo(tmp_path_factory.mktemp("asked"))
    yield demo
    demo.services.engine.dispose()


def everything(demo: AskedDemo, key: str) -> Iterator[tuple[str, str]]:
    """What the keeper of a key is told by every page as it opens, and by asking for the prompt itself."""
    prompt, ranking = demo.prompt_id, demo.ranking_id
    addresses = ["", f"prompt={prompt}", f"prompt={prompt}&ranking={ranking}", f"prompt={prompt}&tab=what-if"]
    addresses += [f"project={number}" for number in (1, 2, 3, "all")]
    walker = Walker(demo, key)
    for path in walker.pages:
        for name, reply in walker.loads(path):
            yield name, reply.text
    for endpoint, data in (
        ("inspect_search", ["Xaver"]),
        ("inspect_search", [f"#{prompt}"]),
        ("inspect_search", [""]),
        ("what_if_prompt", [str(prompt), None]),
    ):
        yield endpoint, demo.post(endpoint, *data, key=key).text
    for endpoint in ("inspect_open", "what_if_open", "blend_open"):
        for address in addresses:
            memory = [{"prompt_id": prompt, "is_revealed": True}] if endpoint == "blend_open" else []
            yield f"{endpoint}?{address}", demo.post(endpoint, *memory, key=key, address=address).text
    for project_id in (None, 1, 2, 3):
        yield f"label {project_id}", demo.post("label_open", key, project_id).text


@pytest.mark.parametrize("who", ["another visitor", "an annotator"])
def test_nobody_else_is_shown_it(demo: AskedDemo, who: str) -> None:
    key = OTHER if who == "another visitor" else demo.tokens[Role.ANNOTATOR]
    n_told = 0
    for where, told in everything(demo, key):
        n_told += bool(told)
        assert "Xaver" not in told, where
        assert "Yolanda" not in told, where
    assert n_told > 30


def test_another_visitor_is_lent_no_pair_of_it(demo: AskedDemo) -> None:
    seen = []
    for _ in range(4):
        turn = demo.post("label_open", OTHER, None).json()["data"][0]["turn"]
        if turn["pair"] is None:
            break
        seen.append(json.dumps(turn))
        demo.post("label_skip", OTHER, turn["pair"]["lease_id"], {"project_id": 1})
    assert len(seen) == 1, "the one pair that everybody may label"
    assert not any("Yolanda" in one for one in seen)


def test_who_asked_sees_it_and_so_does_a_researcher(demo: AskedDemo) -> None:
    for key in (ASKER, demo.tokens[Role.RESEARCHER]):
        assert "Xaver" in demo.post("inspect_search", "", key=key).text
        assert "Yolanda" in demo.post("inspect_open", key=key, address=f"prompt={demo.prompt_id}").text
        assert "Yolanda" in demo.post("what_if_prompt", str(demo.prompt_id), None, key=key).text
    researcher = demo.tokens[Role.RESEARCHER]
    with transaction(demo.services.engine) as session:
        asked = session.exec(select(Prompt).where(Prompt.id == demo.prompt_id)).one()
    told = demo.post("label_open", researcher, asked.project_id).json()["data"][0]
    assert told["project"]["name"] == "Questions of visitors"
