"""``blender-ui key``: make, list and revoke the keys of programs, without the pages.

A person who can run this can read the database anyway, so the command asks for no sign-in.
"""

from __future__ import annotations

import argparse
import sys

from blender_ui.errors import SettingsError
from blender_ui.outside import read_id
from blender_ui.services.people.keys import ApiKeys, KeyTerms, KeyView
from blender_ui.settings import Settings
from blender_ui.store import open_home_store
from db.models import Role, utc_now


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do one of the acts: make, revoke, list."""
    if options.act != "list" and not options.name.strip():
        what = "name" if options.act == "make" else "number"
        raise SettingsError(f"say which {what}: blender-ui key {options.act} {what.upper()}")
    engine = open_home_store(settings)
    try:
        keys = ApiKeys(engine, clock=utc_now)
        if options.act == "list":
            for key in keys.list_keys():
                print(_describe(key))
        elif options.act == "revoke":
            keys.revoke(key_id=read_id(options.name, "key"), by=None)
            print(f"key {options.name} lets nobody in any more")
        else:
            print(keys.make(_read_terms(options), by=None))
            print("This is shown only now.", file=sys.stderr)
    finally:
        engine.dispose()
    return 0


def _read_terms(options: argparse.Namespace) -> KeyTerms:
    return KeyTerms(
        name=options.name,
        role=Role(options.role),
        project_id=None if options.project is None else read_id(options.project, "project"),
        requests_a_minute=options.requests,
        tokens_a_day=options.tokens,
    )


def _describe(key: KeyView) -> str:
    state = "  revoked" if key.revoked_at else ""
    return (
        f"{key.id}  {key.start}…  {key.name}  {key.role.value}  {key.project or 'every project'}  "
        f"{key.ever.n_requests:,} requests, {key.ever.n_tokens:,} tokens{state}"
    )
