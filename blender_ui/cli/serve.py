"""``blender-ui serve``: fetch what is missing, then open the app with its members and its worker."""

from __future__ import annotations

import argparse

from blender_ui.bootstrap import Services, build_services
from blender_ui.cli.ending import Ending
from blender_ui.cli.late_check import LateCheck
from blender_ui.cli.prepare import prepare_weights
from blender_ui.cli.quick_start import without_collecting, without_stubs
from blender_ui.logs import keep_logs
from blender_ui.services.archive.snapshots import Snapshots, open_repository, restore_newest
from blender_ui.services.people.access import Mode
from blender_ui.settings import Settings
from blender_ui.store import open_home_store
from blender_ui.worker.supervisor import WorkerSupervisor
from db.enums import Role


def run(settings: Settings, _options: argparse.Namespace) -> int:
    """Serve until the process is told to end."""
    serve(settings)
    return 0


def serve(settings: Settings) -> None:
    """Prepare, open the page and stay until SIGINT or SIGTERM.

    Raises:
        BlenderError: If a step failed; its message says which and what to do.
    """
    keep_logs(settings.log_level)
    # First: it takes a moment, and weights may take an hour before a failure is reported.
    print(f"1/4 database {settings.store_name}", flush=True)
    repository, restored = open_repository(settings), None
    engine = open_home_store(settings, leaves_large=True)
    if repository is not None:
        restored = restore_newest(engine, settings, repository)
        print(f"    {restored or 'no snapshot'} of {repository.name} was restored", flush=True)
    ending = Ending()
    services = build_services(settings, engine=engine)
    worker = snapshots = None
    try:
        print("2/4 page", flush=True)
        with without_collecting():
            with without_stubs():
                from blender_ui.ui.app import build_app
                from blender_ui.ui.quick_gradio import working_out_once
                from blender_ui.ui.serving.web import open_pages

            services.keep_start_ranker()
            services.keep_examples()
            with working_out_once():
                pages = build_app(services)
                address = open_pages(pages, settings)
        print(f"Blender UI is open at {address}", flush=True)
        for line in describe_access(services, address=address):
            print(line, flush=True)
        check = LateCheck(services.engine, name=settings.store_name, ending=ending)
        if repository is not None:
            snapshots = Snapshots(services.engine, settings, repository, restored=restored)
            snapshots.start()
        # After the page: recorded rounds are there to be seen while weights are fetched, which may take an
        # hour; and on two cores loading models beside it made it five seconds later.
        print("3/4 model weights", flush=True)
        if not prepare_weights(settings, is_over=lambda: ending.is_told):
            print("some weights are missing: their members say so, and `blender-ui doctor` has the commands")
        services.keep_start_ranker()
        print("4/4 members and worker start in the background", flush=True)
        services.start()
        worker = _start_worker(settings)
        ending.wait()
        pages.close(verbose=False)
        check.raise_found()
    finally:
        if worker is not None:
            worker.close()
        if snapshots is not None:
            snapshots.close()
        services.close()


def describe_access(services: Services, *, address: str) -> list[str]:
    """What the person who starts the app must know about access.

    Where people sign in and no admin can, a link that makes the first one, once. While the link of an earlier
    start is good there is no second one.
    """
    mode = services.access.mode
    if mode is not Mode.OPEN and not services.accounts.has_admin():
        end = services.invitations.find_set_up()
        if end is not None:
            return [
                "There is no admin yet. The link that an earlier start printed makes one until "
                f"{end:%H:%M} UTC; a start after that prints another. Without it: "
                "blender-ui account add NAME --role admin"
            ]
        token = services.invitations.invite(role=Role.ADMIN, by=None)
        return [
            "There is no admin yet. This link makes one, once, within an hour; earlier links are void:",
            f"{address.rstrip('/')}/?invite={token}",
        ]
    if mode is Mode.OPEN and not services.settings.is_on_loopback:
        return [
            f"Anybody who reaches {services.settings.host}:{services.settings.port} may do everything here; "
            "BLENDER_UI_ACCESS=accounts asks people to sign in"
        ]
    return []


def _start_worker(settings: Settings) -> WorkerSupervisor | None:
    if settings.worker == "none":
        return None
    worker = WorkerSupervisor()
    worker.start()
    return worker
