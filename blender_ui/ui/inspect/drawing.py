"""Decisions and ratings as HTML, through ``markup`` and ``prose``. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.services.inspection import PromptEntry, RankingEntryView
from blender_ui.services.ranking_rows import RankingView
from blender_ui.services.ratings import RatingsView
from blender_ui.ui import markup
from blender_ui.ui.inspect.handlers import Decision, JudgedVote, logits_csv, ratings_csv, votes_csv
from blender_ui.ui.prose import render_prose

NO_RANKING = "This prompt was not ranked yet. Rank it with the active version to see what it would decide."
NO_VOTES = "Nobody has compared these answers yet."
NO_RATINGS = "No two members were compared by people yet."


def say_prompt(entry: PromptEntry) -> str:
    """A prompt in a list to choose from."""
    return f"#{entry.prompt_id} {entry.excerpt}"


def say_ranking(entry: RankingEntryView) -> str:
    """A ranking in a list to choose from."""
    learnt = (
        f", learnt up to preference {entry.refitted_preference_id}" if entry.refitted_preference_id else ""
    )
    return (
        f"ranking {entry.ranking_id}: version {entry.version_id}{learnt} ({entry.created_at:%Y-%m-%d %H:%M})"
    )


def draw_prompt(decision: Decision) -> str:
    """The question, and every answer to unfold."""
    prompt = decision.prompt
    ranks = {entry.candidate_id: entry.rank for entry in decision.ranking.entries} if decision.ranking else {}
    answers = sorted(prompt.candidates, key=lambda one: (ranks.get(one.candidate_id, 1000), one.candidate_id))
    question = render_prose(prompt.instruction) + render_prose(prompt.input)
    return markup.fold(f"Prompt {prompt.prompt_id} ({prompt.source})", question) + "".join(
        markup.fold(f"Answer {one.candidate_id} by {one.member}", render_prose(one.text)) for one in answers
    )


def draw_ranks(decision: Decision) -> str:
    """Ranks and scores, or that there are none."""
    ranking = decision.ranking
    if ranking is None:
        return markup.notice(NO_RANKING)
    rows = [
        (str(entry.rank), entry.member, f"{entry.score:.3f}", str(entry.candidate_id))
        for entry in ranking.entries
    ]
    learnt = (
        f", learnt up to preference {ranking.refitted_preference_id}"
        if ranking.refitted_preference_id
        else ""
    )
    caption = (
        f"Ranking {ranking.ranking_id} by version {ranking.version.id}{learnt}; scores by {ranking.policy}"
    )
    return markup.table(("Rank", "Member", "Score", "Answer"), rows, caption=caption)


def draw_logits(ranking: RankingView | None) -> str:
    """Both orders of every pair as a table, with what the order alone changes."""
    if ranking is None:
        return ""
    entries, logits = ranking.entries, ranking.logits
    rows = [
        (
            f"{entries[i].member} ({entries[i].candidate_id})",
            f"{entries[j].member} ({entries[j].candidate_id})",
            f"{logits[i][j]:+.3f}",
            f"{-logits[j][i]:+.3f}",
            f"{logits[i][j] + logits[j][i]:+.3f}",
            f"{ranking.uncertainty[i][j]:.3f}" if ranking.uncertainty is not None else "",
        )
        for i in range(len(entries))
        for j in range(i + 1, len(entries))
    ]
    headings = ("Answer", "Against", "Shown first", "Shown second", "Gained by being first", "Deviation")
    table = markup.table(headings, rows, caption="Log-odds that the answer is better than the other one")
    name = f"ranking-{ranking.ranking_id}-logits.csv"
    saved = markup.download("Save these logits (CSV)", name=name, text=logits_csv(ranking))
    return markup.fold("The same as a table", table) + saved


def draw_votes(decision: Decision) -> str:
    """What people and judges said, beside what the ranking says."""
    if not decision.votes:
        return markup.remark(NO_VOTES)
    judged = [one for one in decision.votes if one.agrees is not None and one.vote.is_human]
    n_agreed = sum(bool(one.agrees) for one in judged)
    caption = f"The ranking agrees with {n_agreed} of {len(judged)} decided votes of people" if judged else ""
    headings = (
        "Preference", "Comparison", "Left", "Right", "Said", "By", "Ranker: left is better", "Agrees",
        "Reason", "Seconds", "Chosen by",
    )  # fmt: skip
    table = markup.table(headings, [_vote_row(one) for one in decision.votes], caption=caption)
    name = f"prompt-{decision.prompt.prompt_id}-votes.csv"
    return table + markup.download("Save these votes (CSV)", name=name, text=votes_csv(decision))


def draw_failures(decision: Decision) -> str:
    """Members that gave no answer."""
    rows = [
        (str(one.failure_id), one.member, one.kind.value, one.message, f"{one.seconds:.1f}")
        for one in decision.prompt.failures
    ]
    if not rows:
        return markup.remark("No member failed here.")
    return markup.table(("Failure", "Member", "Kind", "What happened", "Seconds"), rows)


def draw_ratings(view: RatingsView) -> str:
    """The members' ratings."""
    if not view.members:
        return markup.notice(NO_RATINGS, links=[("Label", "./label")])
    rows = [
        (
            str(place),
            one.member,
            f"{one.rating:+.2f}",
            f"{one.low:+.2f} to {one.high:+.2f}",
            f"{one.n:,}",
            f"{one.n_wins:,}",
            f"{one.n_losses:,}",
            f"{one.n_ties:,}",
            ", ".join(map(str, one.member_ids)),
        )
        for place, one in enumerate(view.members, start=1)
    ]
    headings = (
        "Place",
        "Member",
        "Rating",
        "95 % interval",
        "Preferences",
        "Won",
        "Lost",
        "Ties",
        "Member rows",
    )
    caption = (
        f"Bradley-Terry ratings (log-odds) from {view.n_preferences:,} preferences of people, up to id "
        f"{view.last_preference_id:,}; intervals allow for preferences of one prompt going together"
    )
    saved = markup.download("Save these ratings (CSV)", name="ratings.csv", text=ratings_csv(view))
    return markup.table(headings, rows, caption=caption) + saved


def draw_wins(view: RatingsView) -> str:
    """Who won how often against whom."""
    if not view.members:
        return ""
    names = [one.member for one in view.members]
    cells = [
        [_win_cell(names[i], names[j], view.wins[i][j], view.counts[i][j]) for j in range(len(names))]
        for i in range(len(names))
    ]
    return markup.matrix(names, cells, caption="How often people preferred the row to the column, a tie half")


def _win_cell(row: str, column: str, wins: float, count: int) -> markup.Cell | None:
    if not count:
        return None
    return markup.Cell(wins / count, f"{row} against {column}: {wins:g} of {count:,}")


def _vote_row(one: JudgedVote) -> tuple[str, ...]:
    vote = one.vote
    return (
        str(vote.preference_id),
        str(vote.comparison_id),
        f"{vote.left_member} ({vote.left_id})",
        f"{vote.right_member} ({vote.right_id})",
        vote.outcome.value.replace("_", " "),
        vote.annotator if vote.is_human else f"{vote.annotator} (judge)",
        "" if one.probability is None else f"{one.probability:.0%}",
        {None: "", True: "yes", False: "no"}[one.agrees],
        vote.reason or "",
        "" if vote.seconds is None else f"{vote.seconds:.1f}",
        "imported" if vote.policy is None else f"{vote.policy}, p = {vote.propensity:.3g}",
    )
