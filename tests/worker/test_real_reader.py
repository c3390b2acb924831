"""Training and ranking with the real frozen reader: the weights, torch and two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blender_ui.bootstrap import build_services
from blender_ui.settings import load_settings
from blender_ui.weights.resolver import find_reader
from db.models import JobStatus
from tests.builders.preferences import add_labeled_prompts
from tests.worker.test_worker import wait_for

REPOSITORY = Path(__file__).parents[2]


RANK = """
import os, sys
from blender_ui.bootstrap import build_services
from blender_ui.settings import load_settings
services = build_services(load_settings(os.environ))
view = services.ranking.rank(prompt_id=1)
services.close()
print(*sorted(entry.rank for entry in view.entries))
print("uncertain:yes" if view.uncertainty else "uncertain:no")
print("torch:yes" if "torch" in sys.modules else "torch:no")
"""
"""A page's process: the models are held by a child of it."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_worker_trains_with_the_real_reader_and_the_page_ranks_with_what_it_made(tmp_path: Path) -> None:
    environ = {**os.environ, "BLENDER_UI_HOME": str(tmp_path), "BLENDER_UI_TRAIN_EVERY": "0"}
    environ["BLENDER_UI_MEMBERS"] = str(REPOSITORY / "members.toml")
    settings = load_settings(environ)
    if not (find_reader(settings.reader, cache_path=settings.weights_path) / "config.json").is_file():
        pytest.skip("the reader's weights are absent; `make weights` fetches and prepares them")
    services = build_services(settings)
    worker = subprocess.Popen(
        [sys.executable, "-m", "blender_ui.worker", "--with-parent"],
        cwd=REPOSITORY,
        env=environ,
        stdin=subprocess.PIPE,
    )
    try:
        add_labeled_prompts(services.engine, n_prompts=24)
        job = services.training.request()
        job = wait_for(services.training, job.id, lambda view: view.status.is_finished(), worker)
        assert (job.status, job.error) == (JobStatus.COMPLETE, None)
        (version,) = (one for one in services.versions.list_versions() if not one.is_start)
        assert version.base_model == "smollm2-135m"
        if not version.is_active:
            services.versions.activate(version_id=version.id, decided_by_id=None, reason="to rank with it")
        ranked = subprocess.run(
            [sys.executable, "-c", RANK],
            cwd=REPOSITORY,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ranked.stdout.split() == ["1", "2", "uncertain:yes", "torch:no"]
    finally:
        worker.communicate()
        services.close()
