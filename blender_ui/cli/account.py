"""``blender-ui account``: make accounts and change passwords and roles, without the pages.

A person who can run this can read the database anyway, so the command asks for no sign-in.
"""

from __future__ import annotations

import argparse
import getpass
import os

from blender_ui.errors import NotFound, SettingsError
from blender_ui.services.people.accounts import Accounts, PersonView
from blender_ui.settings import Settings
from blender_ui.store import open_home_store
from db.columns import utc_now
from db.enums import Role

PASSWORD_VARIABLE = "ACCOUNT_PASSWORD"


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do one of the acts: add, password, role, list."""
    if options.act != "list" and not options.name.strip():
        raise SettingsError(f"say which name: blender-ui account {options.act} NAME")
    engine = open_home_store(settings)
    try:
        accounts = Accounts(engine, clock=utc_now)
        if options.act == "list":
            for person in accounts.list_people():
                state = "  locked out" if person.is_disabled else ""
                print(f"{person.username}  {person.role.value}{state}")
        elif options.act == "add":
            accounts.add(
                username=options.name,
                password=_ask_password(),
                role=Role(options.role or "annotator"),
                by=None,
            )
            print(f"{options.name} can sign in as {options.role or 'annotator'}")
        elif options.act == "password":
            found = _find(accounts, options.name)
            accounts.set_password(annotator_id=found.annotator_id, password=_ask_password(), by=None)
            print(f"{options.name} has another password and is signed out everywhere")
        else:
            if options.role is None:
                raise SettingsError("say which role: blender-ui account role NAME --role admin")
            found = _find(accounts, options.name)
            accounts.set_role(annotator_id=found.annotator_id, role=Role(options.role), by=None)
            print(f"{options.name} has the role {options.role}")
    finally:
        engine.dispose()
    return 0


def _find(accounts: Accounts, name: str) -> PersonView:
    wanted = name.strip().lower()
    found = next((person for person in accounts.list_people() if person.username == wanted), None)
    if found is None:
        raise NotFound(f"there is no account {wanted!r}; `blender-ui account list` names them")
    return found


def _ask_password() -> str:
    """From the variable, for scripts; else typed twice, unseen."""
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    first = getpass.getpass("Password, 10 characters or more: ")
    if getpass.getpass("Again: ") != first:
        raise SettingsError("the two passwords are not the same; nothing was changed")
    return first
