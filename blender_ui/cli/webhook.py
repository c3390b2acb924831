"""``blender-ui webhook``: make, list, try and remove webhooks, and read their log, without the pages.

A person who can run this can read the database anyway, so the command asks for no sign-in.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from blender_ui.bootstrap import Services, build_services
from blender_ui.errors import SettingsError
from blender_ui.outside import read_id
from blender_ui.services.notifying.webhooks import MessageView
from blender_ui.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do one of the acts: make, list, test, log, remove."""
    what = "URL" if options.act == "make" else "NUMBER"
    if options.act not in ("list", "log") and not options.of.strip():
        raise SettingsError(f"say which {what.lower()}: blender-ui webhook {options.act} {what}")
    services = build_services(settings)
    try:
        return _ACTS[options.act](services, options)
    finally:
        services.close()


def _make(services: Services, options: argparse.Namespace) -> int:
    made = services.webhooks.make(options.of, options.events, by=None)
    print(made.secret)
    print(f"webhook {made.id}; what its messages are signed with is shown only now.", file=sys.stderr)
    return 0


def _list(services: Services, _options: argparse.Namespace) -> int:
    for one in services.webhooks.list_webhooks():
        print(f"{one.id}  {one.url}  {', '.join(event.value for event in one.events)}")
    return 0


def _test(services: Services, options: argparse.Namespace) -> int:
    message = services.delivering.test(read_id(options.of, "webhook"))
    print(_describe(message))
    return 0 if message.state == "delivered" else 1


def _log(services: Services, options: argparse.Namespace) -> int:
    webhook_id = read_id(options.of, "webhook") if options.of else None
    for message in services.webhooks.list_messages(webhook_id=webhook_id):
        print(_describe(message))
    return 0


def _remove(services: Services, options: argparse.Namespace) -> int:
    services.webhooks.remove(read_id(options.of, "webhook"), by=None)
    print(f"nothing is sent to webhook {options.of} any more")
    return 0


_ACTS: dict[str, Callable[[Services, argparse.Namespace], int]] = {
    "make": _make,
    "list": _list,
    "test": _test,
    "log": _log,
    "remove": _remove,
}


def _describe(message: MessageView) -> str:
    tries = f"{message.n_tries} {'try' if message.n_tries == 1 else 'tries'}"
    problem = f": {message.problem}" if message.problem else ""
    return (
        f"{message.created_at:%Y-%m-%d %H:%M}  webhook {message.webhook_id}  {message.event.value}  "
        f"{message.state}, {tries}{problem}"
    )
