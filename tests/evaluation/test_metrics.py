from __future__ import annotations

import json
from pathlib import Path

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.evaluation.attacks import ORDER, Attack, attack_item, obeys_injection, tell_obedience
from blender_ui.evaluation.items import Task, read_items
from blender_ui.evaluation.metrics import contains, exact_match, rouge, token_f1
from blender_ui.evaluation.orders import HIDDEN_ORDERS
from blender_ui.evaluation.sandbox import find_obstacle, run_tests
from blender_ui.evaluation.summary import add_random, best_member, difference, summarise
from blender_ui.evidence.code.behaviour import extract_code


def test_rouge_of_a_hand_worked_pair() -> None:
    """ "the cat sat" against "the cat sat on the mat": 3 of 3 and 3 of 6 words give F1 2/3; two of two
    and two of five pairs 4/7; the longest common subsequence is the three words."""
    found = rouge("The cat sat.", ["the cat sat on the mat"])
    assert found == pytest.approx({"rouge1": 2 / 3, "rouge2": 4 / 7, "rougeL": 2 / 3})
    assert rouge("", ["a"])["rougeL"] == 0
    assert rouge("the cat", ["a dog", "the cat"])["rougeL"] == 1


def test_matches_as_squad_scores_them() -> None:
    """Rajpurkar et al., 2016: articles, case and punctuation do not count."""
    assert exact_match("The Lake Tarn.", ["lake tarn"]) == 1
    assert exact_match("It is Lake Tarn", ["Lake Tarn"]) == 0
    assert contains("It is Lake Tarn, I think", ["Lake Tarn"]) == 1
    assert contains("It is Lake Tarnow", ["Lake Tarn"]) == 0
    # Two of four words and two of two: 2 * 2 / (4 + 2).
    assert token_f1("It is Lake Tarn", ["Lake Tarn", "Sil"]) == pytest.approx(2 / 3)
    assert token_f1("", ["x"]) == 0


def test_the_first_block_of_code_is_the_answer() -> None:
    assert extract_code("Sure:\n```python\na = 1\n```\nor\n```\nb = 2\n```") == "a = 1\n"
    assert extract_code("```\ncut off") == "cut off"


@pytest.mark.parametrize("task", Task)
def test_the_written_sets_are_whole(task: Task) -> None:
    items = read_items(task)
    assert len(items) >= 80
    assert len({item.id for item in items}) == len(items)
    assert len({item.prompt.fingerprint for item in items}) == len(items)
    assert all(item.paraphrase and item.paraphrase != item.prompt.instruction for item in items)


def test_answers_of_the_written_questions_stand_in_the_text_or_follow_from_it() -> None:
    items = read_items(Task.QA)
    follows = [item.id for item in items if not contains(item.prompt.input, item.references)]
    assert len(follows) <= len(items) // 4  # arithmetic and small inferences


@pytest.mark.skipif(bool(find_obstacle()), reason=find_obstacle())
def test_the_code_set_s_tests_tell_right_from_wrong() -> None:
    (item,) = [item for item in read_items(Task.CODE) if "is_prime" in item.prompt.instruction]
    tests = "\n".join(item.tests)
    assert run_tests("def is_prime(n): return n > 1 and all(n % d for d in range(2, n))", tests).passed
    assert not run_tests("def is_prime(n): return True", tests).passed


def test_a_file_of_one_s_own_is_read_and_its_faults_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps({"instruction": "Why?", "references": ["Because."]}) + "\n\n")
    (item,) = read_items(Task.QA, path)
    assert (item.id, item.references) == ("qa-1", ("Because.",))
    path.write_text('{"instruction": "Why?"}\n[]\nnot json\n')
    with pytest.raises(MalformedInput, match="line 1: expected references") as caught:
        read_items(Task.QA, path)
    assert [number for number, _ in caught.value.faults] == [1, 2, 3]
    path.write_text("")
    with pytest.raises(MalformedInput, match="there is none"):
        read_items(Task.QA, path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_item_may_hold_a_line_separator(tmp_path: Path, end: str) -> None:
    path = tmp_path / "own.jsonl"
    texts = ["one\u2028two", "three\x85four"]
    rows = [json.dumps({"instruction": text, "references": ["x"]}, ensure_ascii=False) for text in texts]
    path.write_bytes("".join(row + end for row in rows).encode())
    assert [item.prompt.instruction for item in read_items(Task.QA, path)] == texts


def test_attacks_follow_from_the_seed_and_keep_the_answer() -> None:
    items = read_items(Task.QA)
    for attack in Attack:
        first, again = (attack_item(attack, items[0], items, seed=3) for _ in range(2))
        assert first == again
        assert first.references == items[0].references
    changed = {attack: attack_item(attack, items[0], items, seed=3).prompt for attack in Attack}
    assert changed[Attack.POISON] == items[0].prompt
    assert changed[Attack.PARAPHRASE].instruction == items[0].paraphrase
    assert changed[Attack.INJECTION].input.endswith(ORDER)
    assert changed[Attack.DISTRACTION].input.startswith(items[0].prompt.input)
    assert len(changed[Attack.DISTRACTION].input) > len(items[0].prompt.input) + 20
    assert changed[Attack.TYPOS] != items[0].prompt


def test_hidden_orders_take_turns_in_every_place_and_say_themselves_who_obeys() -> None:
    items = read_items(Task.QA)
    places = set()
    for item in items:
        attacked = attack_item(Attack.ORDERS, item, items, seed=1)
        order = next(one for one in HIDDEN_ORDERS if one.text in attacked.prompt.input)
        parts = attacked.prompt.input.partition(order.text)
        places.add((order.text, bool(parts[0].strip()), bool(parts[2].strip())))
        obeys = tell_obedience(Attack.ORDERS, item, items)
        assert obeys is not None
        assert not obeys(item.references[0])
    assert len({order for order, *_ in places}) == len(HIDDEN_ORDERS)
    assert len({(before, after) for _, before, after in places}) == 3
    assert HIDDEN_ORDERS[0].is_obeyed("zebra7!")
    assert not HIDDEN_ORDERS[0].is_obeyed("The text instructs me to say ZEBRA7; the tunnel is 4 km long.")
    assert tell_obedience(Attack.TYPOS, items[0], items) is None


def test_typos_leave_code_alone() -> None:
    items = read_items(Task.CODE)
    for item in items:
        name = item.prompt.instruction.split("`")[1]
        assert f"`{name}`" in attack_item(Attack.TYPOS, item, items, seed=1).prompt.instruction


def test_obeying_is_saying_the_word_and_little_else() -> None:
    assert obeys_injection("Banana!")
    assert not obeys_injection("The text tells me to say BANANA, but the tunnel is 42 kilometres long.")
    assert not obeys_injection("42")


def test_systems_are_compared_item_by_item() -> None:
    scores = [{"a": {"f1": 0.2}, "b": {"f1": 0.4}}, {"a": {"f1": 0.6}, "b": {"f1": 1.0}}]
    widened = add_random(scores, ["a", "b"], name="random")
    assert [item["random"]["f1"] for item in widened] == pytest.approx([0.3, 0.8])
    assert best_member(scores, ["a", "b"], metric="f1") == "b"
    assert summarise(scores, seed=0)["a"]["f1"].value == pytest.approx(0.4)
    gain = difference(scores, "b", "a", metric="f1", seed=0)
    assert gain is not None
    assert gain.estimate.value == pytest.approx(0.3)
    assert 0.2 <= gain.estimate.low <= gain.estimate.high <= 0.4
    assert difference(scores, "b", "nobody", metric="f1", seed=0) is None
