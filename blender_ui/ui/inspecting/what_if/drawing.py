"""Opinions and attributions as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from blender_ui.language import say_number, tr
from blender_ui.ranking.attribution import PairAttribution, Token
from blender_ui.services.inspecting.decisions import PromptInspection
from blender_ui.services.inspecting.what_if import Opinion, SentenceEffect
from blender_ui.ui import marked, markup, words
from blender_ui.ui.inspecting.what_if.handlers import Said, groups_csv, sentences_csv, tokens_csv

WAITING = "This takes many readings by the model. Rankings go on meanwhile."


def say_waiting(seconds: float) -> str:
    """What is being done, and for how long already."""
    return tr("{waiting} {seconds:.0f} s so far.", waiting=WAITING, seconds=seconds)


def say_answer(prompt: PromptInspection, candidate_id: int) -> str:
    """An answer in a list to choose from."""
    one = next(one for one in prompt.candidates if one.candidate_id == candidate_id)
    return f"{one.member} ({one.candidate_id})"


def draw_opinion(opinion: Opinion) -> str:
    """How likely the first answer is better, and what the order does."""
    chance = 0.5 * (1 + math.tanh(opinion.mean / 2))
    entries = [
        ("logit, first shown first", say_number(opinion.logit, "+.3f")),
        ("logit, first shown second", say_number(opinion.swapped, "+.3f")),
        ("being shown first adds", say_number(opinion.position_gain, "+.3f")),
    ]
    if opinion.deviation is not None:
        entries.append(("deviation", say_number(opinion.deviation, ".3f")))
    drawn = markup.meter(chance, tr("The first answer is better: {chance:.0%}", chance=chance))
    return drawn + markup.figures(entries)


def draw_groups(opinion: Opinion) -> str:
    """What each feature group adds to a fast version's logit, exactly."""
    if not opinion.by_group:
        return ""
    rows = [(words.say(words.GROUP, name), say_number(value, "+.4f")) for name, value in opinion.by_group]
    rows.append(
        (tr("sum, which is the logit"), say_number(sum((value for _, value in opinion.by_group)), "+.4f"))
    )
    table = markup.table(("Feature group", "Log-odds for the first answer"), rows)
    saved = markup.download("Save this table (CSV)", name="groups.csv", text=groups_csv(opinion))
    return markup.figure_links("what-if-groups", name="groups") + markup.fold("As a table", table) + saved


def draw_sentences(said: Said) -> str:
    """Both answers, each sentence as deeply coloured as it carries its answer."""
    most = max((abs(one.effect) for one in (*said.first, *said.second)), default=0.0)
    drawn = markup.side_by_side(
        markup.section("First answer") + _draw_effects(said.first, most),
        markup.section("Second answer") + _draw_effects(said.second, most),
    )
    note = "Green and underlined: the answer does better with it. Orange: it does better without."
    saved = markup.download("Save this table (CSV)", name="sentences.csv", text=sentences_csv(said))
    return drawn + markup.remark(note) + _sentence_table(said) + saved


def draw_attribution(found: PairAttribution) -> str:
    """Both answers and the prompt, each token as deeply coloured as it moves the logit; and the sum."""
    parts = (found.first, found.second, found.prompt)
    most = max((abs(token.value) for part in parts for token in part), default=0.0)
    blocks = [
        markup.section("First answer") + _draw_tokens(found.first, most),
        markup.section("Second answer") + _draw_tokens(found.second, most),
    ]
    if found.prompt:
        blocks.append(markup.section("Prompt") + _draw_tokens(found.prompt, most))
    entries = [
        ("logit", say_number(found.logit, "+.3f")),
        ("with empty texts", say_number(found.baseline, "+.3f")),
        ("sum of all tokens", say_number(found.total, "+.3f")),
        ("gap", say_number(found.gap, "+.4f")),
    ]
    complete = say_whether_complete(found)
    note = tr(
        "{complete} Green and underlined speaks for the first answer, orange for the second. "
        "{method}; {n_steps} steps.",
        complete=complete,
        method=found.method.capitalize(),
        n_steps=found.n_steps,
    )
    rows = [
        (name, token.text, say_number(token.value, "+.4f"))
        for name, part in zip(("first", "second", "prompt"), parts, strict=True)
        for token in part
    ]
    table = markup.fold("As a table", markup.table(("Text", "Token", "Log-odds for the first"), rows))
    saved = markup.download("Save these tokens (CSV)", name="tokens.csv", text=tokens_csv(found))
    return markup.side_by_side(*blocks) + markup.figures(entries, note=note) + table + saved


def say_whether_complete(found: PairAttribution) -> str:
    """Whether the tokens' values add up to what moved the logit."""
    if found.is_complete:
        return tr("They add up.")
    return tr(
        "They do not add up: do not trust the colours. Which sentence carried it is exact at any length."
    )


def _draw_effects(effects: Sequence[SentenceEffect], most: float) -> str:
    return marked.weighed([marked.Weight(one.text, one.effect) for one in effects], most=most)


def _draw_tokens(tokens: Sequence[Token], most: float) -> str:
    return marked.weighed([marked.Weight(one.text, one.value) for one in tokens], most=most)


def _sentence_table(said: Said) -> str:
    rows = [
        (name, one.text.strip(), say_number(one.effect, "+.4f"))
        for name, effects in (("first", said.first), ("second", said.second))
        for one in sorted(effects, key=lambda one: -abs(one.effect))
    ]
    return markup.fold("As a table", markup.table(("Answer", "Sentence", "It adds for its answer"), rows))
