"""The ranking and the fused answer as HTML, through ``markup``. No Gradio, no decisions.

Invariant: a text, its provenance and its record are of the same answer, the fused one or the best
source's; where both are shown, each has its own. Non-goal: which of the two is shown.
"""

from __future__ import annotations

import math

from blender_ui.language import say_number, say_range, tr
from blender_ui.services.fusing.rows import FusionView
from blender_ui.services.ranking.rows import RankingView
from blender_ui.ui import marked, markup
from blender_ui.ui.asking.views import ResultView
from blender_ui.ui.claims import draw_claims
from blender_ui.ui.standing import draw_standing

OWN_WORDS = "the fuser's own words"
"""Not with its name: the fuser may be a member whose answer is also one of the sources."""
Z_95 = 1.96
"""Half-width of a 95 % interval of a normal distribution, in standard deviations."""


def draw_ranking(view: ResultView) -> str:
    """The ranking, or why there is none, and where the answers agree."""
    return _draw_ranking(view) + draw_claims(view.claims, view.members, colours=_colours(view))


def _colours(view: ResultView) -> dict[str, int] | None:
    """Of members, as the fused answer has them; before there is one, by rank."""
    if view.fusion is not None:
        return {source.member: source.position for source in view.fusion.sources}
    if view.ranking is not None:
        return {entry.member: place for place, entry in enumerate(view.ranking.entries)}
    return None


def _draw_ranking(view: ResultView) -> str:
    head = markup.section("The ranking")
    if view.ranking is None:
        return head + markup.notice(view.ranking_notice, links=view.ways)
    ranking = view.ranking
    damage = markup.notice(ranking.notice, tone="warning") if ranking.notice else ""
    return (
        head
        + damage
        + markup.side_by_side(
            markup.table(("Rank", "Member", "Score", "Wins"), _ranked_rows(ranking))
            + _verdict(ranking)
            + _say_start(ranking)
            + draw_standing(ranking.version),
            markup.matrix(
                [entry.member for entry in ranking.entries],
                _cells(ranking),
                caption=tr("How likely the row is preferred to the column"),
            ),
        )
    )


def _say_start(ranking: RankingView) -> str:
    """Whose votes are behind the ranks, as long as the start ranker gives them; nothing after that."""
    if not ranking.version.is_start:
        return ""
    moved = tr("moves with") if ranking.refitted_preference_id is None else tr("has moved with")
    return markup.remark(
        tr(
            "The start ranker put them in this order. Strangers' votes taught it, and it {moved} "
            "the votes here.",
            moved=moved,
        )
    )


def draw_fusion_notice(view: ResultView) -> str:
    """What is to be said of the fused answer."""
    waits = bool(view.fusion_notice) and not view.is_done
    return markup.notice(view.fusion_notice, tone="busy" if waits else "info")


def draw_title(fusion: FusionView | None) -> str:
    """Whose answer the card shows."""
    if fusion is None or fusion.shown == "fused":
        return markup.section("The fused answer")
    if fusion.candidate_id is None:
        return markup.section(tr("{member}'s answer (there is no fused one)", member=fusion.best.member))
    return markup.section(
        tr("Best answer: {member} (the fused one ranked below it)", member=fusion.best.member)
    )


def draw_record(fusion: FusionView | None) -> str:
    """Below the fused answer, how people like what this fuser writes."""
    return _record(fusion) if fusion is not None and fusion.shown == "fused" else ""


def draw_shares(fusion: FusionView | None) -> str:
    """Each member's share of the shown answer."""
    if fusion is None:
        return ""
    if fusion.shown == "best_source":
        return marked.share_bar([marked.Share(fusion.best.member, 1.0, fusion.best.position)])
    return _shares(fusion)


def draw_attributed(fusion: FusionView | None) -> str:
    """The answer that is shown, in the colours of its sources."""
    if fusion is None:
        return ""
    if fusion.shown == "best_source":
        best = fusion.best
        span = marked.Span(best.text, best.position, best.member, best.member)
        return marked.attributed([span]) + markup.remark(
            tr("All of it is {member}'s answer.", member=best.member)
        )
    return _attributed(fusion)


def draw_below(fusion: FusionView | None) -> str:
    """The fused answer with its provenance and record, where the ranker put it below what is shown."""
    if fusion is None or fusion.shown == "fused" or fusion.candidate_id is None:
        return ""
    return _shares(fusion) + _attributed(fusion) + _record(fusion)


def _record(fusion: FusionView) -> str:
    record = fusion.record
    if record is None:
        return markup.remark(
            tr(
                "Nobody has voted on an answer fused by {fuser} yet; its pairs are in the queue.",
                fuser=fusion.fuser,
            )
        )
    votes = (
        tr("one blind vote") if record.n_votes == 1 else tr("{n_votes:,} blind votes", n_votes=record.n_votes)
    )
    return markup.remark(
        tr(
            "People preferred answers fused by {fuser} in {win_rate:.0%} of {votes} against "
            "members' answers (95 % interval {low:.0%} to {high:.0%}; a tie counts half).",
            fuser=record.fuser,
            win_rate=record.win_rate,
            votes=votes,
            low=record.low,
            high=record.high,
        )
    )


def _shares(fusion: FusionView) -> str:
    parts = [marked.Share(source.member, source.share or 0.0, source.position) for source in fusion.sources]
    own = max(0.0, 1 - sum(part.share for part in parts))
    return marked.share_bar([*parts, marked.Share(OWN_WORDS, own, None)])


def _attributed(fusion: FusionView) -> str:
    """The fused answer in the colours of its sources."""
    return marked.attributed(
        marked.Span(
            fusion.text[span.start : span.end],
            span.position,
            span.member or OWN_WORDS,
            span.member or "",
        )
        for span in fusion.spans
    ) + markup.remark(_how_attributed(fusion))


def _how_attributed(fusion: FusionView) -> str:
    advice = tr("Point at a span, or reach it with Tab, to highlight the same words in its member's column.")
    if fusion.agreement is None:
        return tr(
            "By runs of words that both have; a paraphrase counts as the fuser's own. {advice}", advice=advice
        )
    return tr(
        "By the fuser's cross-attention; matching runs of words confirm {agreement:.0%} of it. {advice}",
        agreement=fusion.agreement,
        advice=advice,
    )


def _ranked_rows(ranking: RankingView) -> list[tuple[str, ...]]:
    n_rivals = len(ranking.entries) - 1
    rows: list[tuple[str, ...]] = []
    for place, entry in enumerate(ranking.entries):
        n_wins = sum(
            _margin(ranking, place, other) > 0 for other in range(len(ranking.entries)) if other != place
        )
        rows.append(
            (
                str(entry.rank),
                entry.member,
                say_number(entry.score, "+.2f"),
                tr("{n_wins} of {n_rivals}", n_wins=n_wins, n_rivals=n_rivals),
            )
        )
    return rows


def _margin(ranking: RankingView, first: int, second: int) -> float:
    """Log odds for ``first``, the mean of both orders of showing the two."""
    return (ranking.logits[first][second] - ranking.logits[second][first]) / 2


def _cells(ranking: RankingView) -> list[list[markup.Cell | None]]:
    size = range(len(ranking.entries))
    return [[None if i == j else _cell(ranking, i, j) for j in size] for i in size]


def _cell(ranking: RankingView, row: int, column: int) -> markup.Cell:
    logit = ranking.logits[row][column]
    spread = f" ± {say_number(ranking.uncertainty[row][column], '.2f')}" if ranking.uncertainty else ""
    names = tr(
        "{first} before {second}",
        first=ranking.entries[row].member,
        second=ranking.entries[column].member,
    )
    return markup.Cell(
        _probability(logit),
        tr("{names}: logit {logit:+.2f}{spread}", names=names, logit=logit, spread=spread),
    )


def _verdict(ranking: RankingView) -> str:
    version = ranking.version
    learnt = tr(
        "Version {version_id} ({kind}, {base_model}) decided",
        version_id=version.id,
        kind=tr(version.kind.value),
        base_model=version.base_model,
    )
    learnt += tr(", trained on {n_train:,} votes", n_train=version.n_train)
    if ranking.refitted_preference_id is not None:
        learnt += tr(" and refitted with the latest")
    sentences = [f"{learnt}."]
    if len(ranking.entries) > 1:
        first, second = ranking.entries[0].member, ranking.entries[1].member
        sentences.insert(
            0,
            tr(
                "{first} before {second}: {how_sure} sure.",
                first=first,
                second=second,
                how_sure=_how_sure(ranking),
            ),
        )
    return markup.remark(" ".join(sentences))


def _how_sure(ranking: RankingView) -> str:
    margin = _margin(ranking, 0, 1)
    if ranking.uncertainty is None:
        return say_number(_probability(margin), ".0%")
    reach = Z_95 * ranking.uncertainty[0][1]
    low, high = _probability(margin - reach), _probability(margin + reach)
    return f"{say_number(_probability(margin), '.0%')} ({say_range(low, high, '.0%')})"


def _probability(logit: float) -> float:
    return 0.5 * (1 + math.tanh(logit / 2))
