"""The tabs of one version and of two: what is shown, saved and decided."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import MalformedInput, NotFound
from blender_ui.ui.identity import presented_key
from blender_ui.ui.inspecting.versions import drawing
from blender_ui.ui.inspecting.versions.handlers import (
    VersionHandlers,
    changes_csv,
    curve_csv,
    mistakes_csv,
    reliability_csv,
    shares_csv,
)
from blender_ui.ui.report_plots import learning_plot, reliability_plot, shares_plot
from db.models import Role
from tests.builders.people import PASSWORD
from tests.builders.trained import copy_trained_store
from tests.ui.scripted_services import build_scripted_services


class VersionsTab:
    """Handlers over a store with a good version and a misled one."""

    def __init__(self, home: Path, *, mode: str = "open") -> None:
        _, self.good, self.misled = copy_trained_store(home)
        self.services: Any = build_scripted_services(home, access_mode=mode)
        self.handlers = VersionHandlers(
            self.services.version_inspection,
            self.services.versions,
            self.services.training,
            self.services.labeling,
            access=self.services.access,
        )


@pytest.fixture(scope="module")
def versions_tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VersionsTab]:
    versions_tab = VersionsTab(tmp_path_factory.mktemp("home"))
    yield versions_tab
    versions_tab.services.engine.dispose()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_page_holds_report_lineage_and_both_curves(versions_tab: VersionsTab) -> None:
    page = versions_tab.handlers.page(versions_tab.good)
    assert page.version.id == page.report.version_id == versions_tab.good
    assert page.curve
    assert [point.version_id for point in page.learning] == [versions_tab.good, versions_tab.misled]
    drawn = drawing.draw_summary(page)
    assert f"{page.report.n_judged:,} of {page.report.n_votes:,}" in drawn
    lineage = drawing.draw_lineage(page)
    assert page.version.fingerprint in lineage
    assert "controls_length" in lineage


def test_mistakes_lead_to_their_decisions(versions_tab: VersionsTab) -> None:
    report = versions_tab.handlers.page(versions_tab.misled).report
    drawn = drawing.draw_mistakes(report)
    first = report.mistakes[0]
    assert f"tab=decision&amp;prompt={first.prompt_id}&amp;version={versions_tab.misled}" in drawn
    rows = read_csv(mistakes_csv(report.mistakes))
    assert int(rows[0]["preference_id"]) == first.preference_id
    assert len(rows) == len(report.mistakes)


def test_what_is_saved_is_what_is_drawn(versions_tab: VersionsTab) -> None:
    report = versions_tab.handlers.page(versions_tab.good).report
    rows = read_csv(shares_csv(report.by_length))
    figure = shares_plot(report.by_length, overall=report.accuracy.share, title="accuracy")
    (dots,) = figure.data
    assert [float(row["share"]) for row in rows] == list(dots.x)
    ends = [float(row["high"]) for row in rows]
    assert [x + up for x, up in zip(dots.x, dots.error_x.array, strict=True)] == pytest.approx(ends)
    line, curve = reliability_plot(report.reliability).data
    saved = read_csv(reliability_csv(report.reliability))
    assert [float(row["accuracy"]) for row in saved] == list(curve.y)
    assert list(line.x) == [0.5, 1]
    assert sum(int(row["n"]) for row in saved) == report.n_judged
    page = versions_tab.handlers.page(versions_tab.good)
    assert len(read_csv(curve_csv(page.curve))) == len(page.curve)
    (learnt,) = learning_plot(page.learning).data
    assert list(learnt.x) == [point.n_train for point in page.learning]


def test_two_versions_say_which_decisions_changed(versions_tab: VersionsTab) -> None:
    contrast = versions_tab.handlers.contrast(versions_tab.misled, versions_tab.good)
    drawn = drawing.draw_contrast(contrast)
    assert "McNemar" in drawn
    assert f"{contrast.test.p_value:.3g}" in drawn
    assert len(read_csv(changes_csv(contrast.changes))) == len(contrast.changes)
    assert "better" in drawing.draw_changes(contrast)


def test_a_version_beside_itself_is_refused_and_one_that_is_not_there_is_an_error(
    versions_tab: VersionsTab,
) -> None:
    with pytest.raises(MalformedInput):
        versions_tab.handlers.contrast(versions_tab.good, versions_tab.good)
    with pytest.raises(NotFound):
        versions_tab.handlers.page(99)


def test_a_version_is_promoted_with_a_reason_and_by_someone(versions_tab: VersionsTab) -> None:
    memory = {"annotator": "secret-of-annotator-1"}
    assert "reason" in versions_tab.handlers.promote(memory, versions_tab.misled, "  ")
    assert versions_tab.handlers.promote(memory, None, "why") == "Choose the version that is to rank."
    assert versions_tab.handlers.promote(memory, True, "why") == "Choose the version that is to rank."
    said = versions_tab.handlers.promote(memory, versions_tab.misled, "to see what it does")
    assert said == f"Version {versions_tab.misled} ranks from now on."
    assert "to see what it does" in drawing.draw_lineage(versions_tab.handlers.page(versions_tab.misled))
    assert versions_tab.handlers.promote(memory, versions_tab.good, "back").startswith(
        f"Version {versions_tab.good}"
    )


def test_a_lineage_tells_who_decided_to_researchers_only(tmp_path: Path) -> None:
    versions_tab = VersionsTab(tmp_path, mode="demo")
    accounts = versions_tab.services.accounts
    grace = accounts.add(username="grace", password=PASSWORD, role=Role.RESEARCHER, by=None).id
    versions_tab.services.versions.activate(
        version_id=versions_tab.misled, decided_by_id=grace, reason="a test"
    )
    stranger = drawing.draw_lineage(versions_tab.handlers.page(versions_tab.misled))
    asked = presented_key.set(accounts.sign_in(username="grace", password=PASSWORD).token)
    researcher = drawing.draw_lineage(versions_tab.handlers.page(versions_tab.misled))
    presented_key.reset(asked)
    assert "a researcher" in stranger
    assert "grace" not in stranger
    assert "grace" in researcher
    versions_tab.services.engine.dispose()


def test_before_a_version_there_is_a_sentence(tmp_path: Path) -> None:
    services = build_scripted_services(tmp_path)
    handlers = VersionHandlers(
        services.version_inspection,
        services.versions,
        services.training,
        services.labeling,
        access=services.access,
    )
    assert handlers.list_versions() == ()
    services.engine.dispose()
