"""Figures of decisions and the queue as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from blender_ui.conversations import read_prompt
from blender_ui.evidence.summary import list_claims
from blender_ui.language import say_number, say_range, tr, trn
from blender_ui.ranking.aggregation import score_deviations
from blender_ui.retelling import retell
from blender_ui.services.inspecting.decisions import ASKED_HERE, PromptEntry, RankingEntryView
from blender_ui.services.monitoring.queue_health import QueueHealth
from blender_ui.services.ranking.rows import RankingView
from blender_ui.statistics.bradley_terry import NORMAL_95
from blender_ui.statistics.shares import measure_share
from blender_ui.ui import markup, words
from blender_ui.ui.claims import draw_claims
from blender_ui.ui.csv_text import write_csv
from blender_ui.ui.inspecting.decisions.handlers import (
    Decision,
    JudgedVote,
    find_ranked,
    find_ranking_cycles,
    find_vote_cycles,
    list_disagreements,
    logits_csv,
    votes_csv,
)
from blender_ui.ui.standing import name_ranker
from blender_ui.votes.arrays import number_statements

NO_RANKING = "This prompt was not ranked yet. Rank it to see what a version would decide."
NO_VOTES = "Nobody has compared these answers yet."


def say_prompt(entry: PromptEntry) -> str:
    """A prompt in a list to choose from."""
    return f"#{entry.prompt_id} {entry.excerpt}"


def say_ranking(entry: RankingEntryView) -> str:
    """A ranking in a list to choose from."""
    learnt = (
        tr(
            ", learnt up to preference {refitted_preference_id}",
            refitted_preference_id=entry.refitted_preference_id,
        )
        if entry.refitted_preference_id
        else ""
    )
    return tr(
        "ranking {ranking_id}: version {version_id}{learnt} ({created_at:%Y-%m-%d %H:%M})",
        ranking_id=entry.ranking_id,
        version_id=entry.version_id,
        learnt=learnt,
        created_at=entry.created_at,
    )


def draw_ranks(decision: Decision) -> str:
    """Ranks and scores, or that there are none, and where the answers agree."""
    answers = find_ranked(decision)
    claims = list_claims(read_prompt(decision.prompt), [one.text for one in answers])
    return _draw_ranks(decision) + draw_claims(claims, [one.member for one in answers])


def _draw_ranks(decision: Decision) -> str:
    ranking = decision.ranking
    if ranking is None:
        return markup.notice(NO_RANKING)
    rows = [
        (str(entry.rank), entry.member, say_number(entry.score, ".3f"), interval, str(entry.candidate_id))
        for entry, interval in zip(ranking.entries, _say_intervals(ranking), strict=True)
    ]
    learnt = (
        tr(
            ", learnt up to preference {refitted_preference_id}",
            refitted_preference_id=ranking.refitted_preference_id,
        )
        if ranking.refitted_preference_id
        else ""
    )
    scored = words.say(words.SCORE, ranking.policy)
    caption = tr(
        "Ranking {ranking_id} by {version}{learnt}; {scored}",
        ranking_id=ranking.ranking_id,
        version=name_ranker(ranking.version),
        learnt=learnt,
        scored=scored,
    )
    headings = ("Rank", "Member", "Score", "95 % interval", "Answer")
    return markup.table(headings, rows, caption=caption)


def _say_intervals(ranking: RankingView) -> list[str]:
    """Of each score; empty where the ranker knows none."""
    if ranking.uncertainty is None or len(ranking.entries) < 2 or ranking.policy != "max_logits":
        return ["" for _ in ranking.entries]
    margins = NORMAL_95 * score_deviations(np.array(ranking.uncertainty))
    return [
        say_range(entry.score - margin, entry.score + margin, "+.2f")
        for entry, margin in zip(ranking.entries, margins.tolist(), strict=True)
    ]


def draw_logits(ranking: RankingView | None) -> str:
    """Both orders of every pair as a table, with what the order alone changes."""
    if ranking is None:
        return ""
    entries, logits = ranking.entries, ranking.logits
    rows = [
        (
            f"{entries[i].member} ({entries[i].candidate_id})",
            f"{entries[j].member} ({entries[j].candidate_id})",
            say_number(logits[i][j], "+.3f"),
            say_number(-logits[j][i], "+.3f"),
            say_number(logits[i][j] + logits[j][i], "+.3f"),
            say_number(ranking.uncertainty[i][j], ".3f") if ranking.uncertainty is not None else "",
        )
        for i in range(len(entries))
        for j in range(i + 1, len(entries))
    ]
    headings = ("Answer", "Against", "Shown first", "Shown second", "Gained by being first", "Deviation")
    table = markup.table(headings, rows, caption="Log-odds that the answer is better than the other one")
    name = f"ranking-{ranking.ranking_id}-logits.csv"
    saved = markup.download("Save these logits (CSV)", name=name, text=logits_csv(ranking))
    links = markup.figure_links("inspect-heat", name=f"ranking-{ranking.ranking_id}")
    return links + markup.fold("The same as a table", table) + saved


def draw_votes(decision: Decision) -> str:
    """What people and judges said, beside what the ranking says."""
    if not decision.votes:
        return markup.remark(NO_VOTES)
    judged = [one for one in decision.votes if one.agrees is not None and one.vote.is_human]
    n_agreed = sum(bool(one.agrees) for one in judged)
    ids = np.array([(one.vote.ballot_id or 0, one.vote.preference_id) for one in judged]).reshape(-1, 2)
    statement = np.unique(number_statements(ids[:, 0], ids[:, 1]), return_inverse=True)[1]
    share = measure_share([bool(one.agrees) for one in judged], statement)
    caption = (
        tr(
            "The ranking agrees with {n_agreed} of {n_judged} decided votes of people ({low:.0%} "
            "to {high:.0%}, if ballots and votes were independent)",
            n_agreed=n_agreed,
            n_judged=len(judged),
            low=share.low[0],
            high=share.high[0],
        )
        if judged
        else ""
    )
    headings = (
        "Preference", "Comparison", "Left", "Right", "Said", "Strength", "Criteria", "Ballot",
        "By", "Ranker: left is better", "Agrees",
        "Reason", "Seconds", "Chosen by",
    )  # fmt: skip
    table = markup.table(headings, [_vote_row(one) for one in decision.votes], caption=caption)
    name = f"prompt-{decision.prompt.prompt_id}-votes.csv"
    return table + markup.download("Save these votes (CSV)", name=name, text=votes_csv(decision))


def draw_failures(decision: Decision) -> str:
    """Members that gave no answer."""
    rows = [
        (str(one.failure_id), one.member, one.kind.value, retell(one.message), say_number(one.seconds, ".1f"))
        for one in decision.prompt.failures
    ]
    if not rows:
        return markup.remark("No member failed here.")
    thoughts = (
        markup.fold(
            tr("What {member} thought (failure {failure_id})", member=one.member, failure_id=one.failure_id),
            markup.thoughts(one.thinking),
        )
        for one in decision.prompt.failures
        if one.thinking
    )
    return markup.table(("Failure", "Member", "Kind", "What happened", "Seconds"), rows) + "".join(thoughts)


def draw_doubts(decision: Decision) -> str:
    """Circles, and pairs on which people differ among themselves or from the ranking."""
    names = {one.candidate_id: f"{one.member} ({one.candidate_id})" for one in decision.prompt.candidates}
    parts = []
    if decision.ranking is not None:
        ids = [entry.candidate_id for entry in decision.ranking.entries]
        cycles = find_ranking_cycles(decision.ranking)
        circles = [tuple(ids[place] for place in one) for one in cycles.triples]
        of = trn(" of {n:,} triple", " of {n:,} triples", cycles.n_triples)
        parts.append(_draw_circles(tr("The ranking"), circles, names, of=of))
    voted = find_vote_cycles(decision)
    if voted:
        parts.append(_draw_circles(tr("People's majorities"), voted, names))
    rows = [
        (
            names[one.first_id],
            names[one.second_id],
            tr("{n_first} to {n_second} of {n}", n_first=one.n_first, n_second=one.n_second, n=one.n),
            "" if one.probability is None else say_number(one.probability, ".0%"),
        )
        for one in list_disagreements(decision)
    ]
    if rows:
        headings = ("Answer", "Against", "People for it", "Ranker: it is better")
        caption = "Pairs on which people differ among themselves, or from the ranking"
        parts.append(markup.table(headings, rows, caption=caption))
    elif decision.votes:
        parts.append(markup.remark("Nobody differs on any pair."))
    return "".join(parts)


def draw_queue(queue: tuple[QueueHealth, ...], *, links: Sequence[tuple[str, str]]) -> str:
    """The queue's health by source; where it is empty, links to where it is filled."""
    if not queue:
        return markup.notice("There is nothing to compare yet.", links=links)
    headings = (
        "Source", "Comparisons", "Open", "Lent out", "Overdue", "Answered", "Skipped", "Expired",
        "Preferences",
    )  # fmt: skip
    rows = [(one.source or ASKED_HERE, *(say_number(value) for value in one[1:])) for one in queue]
    caption = "Comparisons and the leases on them; what is overdue comes back by itself"
    text = write_csv(QueueHealth._fields, queue)
    saved = markup.download("Save this table (CSV)", name="queue.csv", text=text)
    return markup.table(headings, rows, caption=caption) + saved


def _draw_circles(
    who: str, circles: Sequence[Sequence[int]], names: Mapping[int, str], *, of: str = ""
) -> str:
    if not circles:
        return markup.remark(tr("{who}: no circle{of}.", who=who, of=of))
    rows = [(" > ".join(names[one] for one in (*circle, circle[0])),) for circle in circles[:100]]
    return markup.fold(
        tr("{who}: {n_circles}{of} go round in a circle", who=who, n_circles=len(circles), of=of),
        markup.table(("Circle",), rows),
    )


def _vote_row(one: JudgedVote) -> tuple[str, ...]:
    vote = one.vote
    return (
        str(vote.preference_id),
        str(vote.comparison_id),
        f"{vote.left_member} ({vote.left_id})",
        f"{vote.right_member} ({vote.right_id})",
        vote.outcome.value.replace("_", " "),
        "" if vote.strength is None else say_number(vote.strength, ".2f"),
        ", ".join(f"{name}: {said}" for name, said in vote.criteria.items()),
        "" if vote.ballot_id is None else str(vote.ballot_id),
        vote.annotator if vote.is_human else tr("{annotator} (judge)", annotator=vote.annotator),
        "" if one.probability is None else say_number(one.probability, ".0%"),
        {None: "", True: "yes", False: "no"}[one.agrees],
        vote.reason or "",
        "" if vote.seconds is None else say_number(vote.seconds, ".1f"),
        "imported" if vote.policy is None else f"{vote.policy}, p = {vote.propensity:.3g}",
    )
