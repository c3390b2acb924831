import torch

from blender_ui.ranking.packed.rows import Branch, Tree, pack, plan

TREES = [Tree([1, 2], [[3], [4, 5]]), Tree([6], [[7, 8, 9]])]
PLACE = {"dtype": torch.float32, "device": torch.device("cpu")}


def test_a_row_has_each_prompt_once_and_positions_as_if_an_answer_stood_alone():
    row = pack(TREES, at_once=100, **PLACE)
    assert row.ids.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert row.positions.tolist() == [0, 1, 2, 2, 3, 0, 1, 2, 3]
    assert row.branches == (Branch(0, 2, 2, 3), Branch(0, 2, 3, 5), Branch(5, 6, 6, 9))


def test_a_token_sees_its_prompt_and_what_stands_before_it_in_its_own_answer():
    # By hand: the prompts see themselves up to each token, and no answer sees another.
    expected = {
        0: {0},
        1: {0, 1},
        2: {0, 1, 2},
        3: {0, 1, 3},
        4: {0, 1, 3, 4},
        5: {5},
        6: {5, 6},
        7: {5, 6, 7},
        8: {5, 6, 7, 8},
    }
    for at_once in (1, 4, 100):
        seen: dict[int, set[int]] = {}
        for group in pack(TREES, at_once=at_once, **PLACE).groups:
            for queries, keys, mask in zip(group.queries, group.keys, group.mask[:, 0], strict=True):
                for query, sees in zip(queries.tolist(), mask, strict=True):
                    assert query not in seen or query == 9  # 9, the row's length, is padding
                    seen[query] = set(keys[sees == 0].tolist())
        seen.pop(9, None)
        assert seen == expected


def test_pieces_that_attend_at_once_stay_within_their_number_of_tokens():
    trees = [Tree(range(5), [range(n) for n in (1, 2, 3, 40)])]
    sizes = [group.queries.numel() for group in pack(trees, at_once=8, **PLACE).groups]
    assert max(sizes) == 40
    assert sorted(sizes)[:-1] == sorted(size for size in sizes if size <= 8)


def test_rows_keep_to_the_budget_and_every_answer_is_in_one():
    trees = [Tree(range(3), [range(4)] * 2), Tree(range(2), [range(1)]), Tree(range(4), [range(9)] * 5)]
    rows = list(plan(trees, 12))
    assert rows == [[(0, [0, 1])], [(1, [0])], [(2, [0, 1, 2])], [(2, [3, 4])]]
    assert list(plan([], 12)) == []


def test_short_answers_stand_together():
    (row,) = plan([Tree([1], [range(9), range(2), range(5)])], 100)
    assert row == [(0, [1, 2, 0])]
