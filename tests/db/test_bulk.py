"""Many rows at once are kept as one at a time would be."""

from datetime import UTC, datetime, timedelta, timezone

from sqlmodel import select

from db.engine import transaction
from db.models import Candidate, Member, Prompt, Purpose
from db.models import Comparison as Compared
from db.queries import bulk
from tests.builders.stores import make_store

NOW = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)


def test_rows_have_ids_in_order_and_the_defaults_times_and_json_of_their_columns(tmp_path):
    engine = make_store(tmp_path)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    with transaction(engine, immediate=True) as session:
        members = [
            {"name": name, "backend": "import", "model": name, "options": {"n": [1, None]},
             "fingerprint": name * 64, "created_at": elsewhere}
            for name in "ab"
        ]  # fmt: skip
        ids = bulk.insert_rows(session, model=Member, rows=members)
        prompt = {
            "instruction": "Why?", "fingerprint": "f" * 64, "created_at": NOW, "history": [],
            "project_id": 1, "source": None,
        }  # fmt: skip
        (prompt_id,) = bulk.insert_rows(session, model=Prompt, rows=[prompt])
        answers = [{"prompt_id": prompt_id, "member_id": id_, "text": "☃", "created_at": NOW} for id_ in ids]
        sides = bulk.insert_rows(session, model=Candidate, rows=answers)
        pair = {"prompt_id": prompt_id, "left_id": sides[0], "right_id": sides[1], "origin": "import",
                "created_at": NOW}  # fmt: skip
        bulk.insert_rows(session, model=Compared, rows=[pair])
    with transaction(engine) as session:
        stored = {member.id: member for member in session.exec(select(Member)) if member.name in "ab"}
        assert [stored[id_].name for id_ in ids] == ["a", "b"]
        assert stored[ids[0]].options == {"n": [1, None]}
        assert stored[ids[0]].created_at == NOW  # the same moment, by another clock
        answer = session.exec(select(Candidate)).first()
        assert (answer.text, answer.thinking) == ("☃", "")
        compared = session.exec(select(Compared)).one()
        assert (compared.purpose, compared.is_open, compared.n_taken) == (Purpose.LABEL, True, 0)
    engine.dispose()


def test_no_rows_have_no_ids(tmp_path):
    engine = make_store(tmp_path)
    with transaction(engine) as session:
        assert bulk.insert_rows(session, model=Member, rows=[]) == []
    engine.dispose()
