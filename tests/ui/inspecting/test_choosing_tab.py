"""The tab of choosers, and why a prompt was asked of some members."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blender_ui.choosing.report import ALL, ALWAYS, CHOSEN, ChooserReport, CurvePoint
from blender_ui.services.choosing.kept import KeptChoice
from blender_ui.services.choosing.proposal import ExpectedMember, Proposal
from blender_ui.ui.inspecting.choosing import drawing
from blender_ui.ui.inspecting.choosing.plots import curve_plot, kinds_plot, map_plot


def point(way: str, quality: float, n_calls: float = 1.0) -> CurvePoint:
    return CurvePoint(way=way, n_calls=n_calls, quality=quality, low=0.4, high=0.9, shares=(n_calls / 2,) * 2)


REPORT = ChooserReport(
    members=("Ada", "Brahms"),
    kinds=("code", "poems"),
    quality=((0.9, 0.3), (0.3, 0.7)),
    margins=((0.1, 0.1), (0.5, 0.1)),
    n_votes=((40, 30), (1, 20)),
    prompts=("sort a list", "a <b>rose</b>", "a lily"),
    places=((0.1, 0.2), (0.3, 0.4), (0.5, 0.6)),
    kind_of=(0, 1, 1),
    curve=(point(CHOSEN, 0.8), point(ALWAYS, 0.7), point(ALL, 0.85, 2.0)),
    n_judged=30,
)


def test_it_says_plainly_whether_choosing_helps() -> None:
    assert drawing.say_help(REPORT).startswith("Choosing helps: on 30 held-out prompts")
    same = replace(REPORT, curve=(point(CHOSEN, 0.7), point(ALWAYS, 0.7)))
    assert "asking that one alone is as good" in drawing.say_help(same)
    led = replace(same, quality=((0.9, 0.3), (0.8, 0.7)))
    assert drawing.say_help(led).startswith("One member leads everywhere: asking Ada alone is as good")
    # Kinds are coarser than what it chooses by: what was measured on held-out prompts comes first.
    assert drawing.say_help(replace(led, curve=REPORT.curve)).startswith("Choosing helps")
    assert "nobody knows" in drawing.say_help(replace(REPORT, curve=()))


def test_cells_that_know_little_are_pale_and_say_their_interval_and_votes() -> None:
    heat = kinds_plot(REPORT).data[0]
    centre = (0.9 + 0.3 + 0.3 + 0.7) / 4
    assert heat.z[0][0] == pytest.approx((0.9 - centre) * 0.8)
    assert heat.z[1][0] == 0
    assert heat.zmax == pytest.approx(0.9 - centre)
    assert heat.hovertext[1][0] == "0.30 (0.00 to 0.80), 1 votes"
    assert "0.30" in heat.text[1][0]


def test_every_point_of_the_map_names_its_prompt() -> None:
    traces = map_plot(REPORT).data
    assert [trace.type for trace in traces] == ["scattergl", "scattergl"]
    assert list(traces[1].text) == ["a <b>rose</b>", "a lily"]
    assert "2" in drawing.draw_map(REPORT)


def test_every_way_of_asking_has_a_line() -> None:
    assert [trace.name for trace in curve_plot(REPORT).data] == [CHOSEN, ALWAYS, ALL]


def expect(name: str, propensity: float) -> ExpectedMember:
    return ExpectedMember(
        name=name, quality=0.7, low=0.5, high=0.9, cost=0.25, seconds=None, propensity=propensity
    )


def test_why_a_prompt_was_asked_of_some_members() -> None:
    proposal = Proposal(
        version_id=4,
        kind="code",
        asked=(expect("Ada", 1.0), expect("Brahms", 0.05)),
        left_out=(expect("Curie", 0.95),),
        is_explored=True,
        value=0.8,
        all_value=0.85,
    )
    drawn = drawing.draw_asked(KeptChoice(names=proposal.names, proposal=proposal))
    for told in ("version 4", "0.800", "0.850", "drawn at random", "left out", "0.950", "0.500 to 0.900"):
        assert told in drawn
    assert "Ada, Curie" in drawing.draw_asked(KeptChoice(names=("Ada", "Curie"), proposal=None))
    assert "every member" in drawing.draw_asked(None)
