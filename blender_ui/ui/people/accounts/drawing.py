"""Accounts, links and the audit trail as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

import json
from collections.abc import Sequence

from blender_ui.services.people.accounts import PersonView
from blender_ui.services.people.auditing import AuditView
from blender_ui.services.people.invitations import InvitationView
from blender_ui.ui import markup

_TIME = "%Y-%m-%d %H:%M"


def draw_people(people: Sequence[PersonView]) -> str:
    """Every account."""
    if not people:
        return markup.notice(
            "There is no account yet. Make an invitation link below, or run: blender-ui account add NAME"
        )
    rows = [
        (
            person.username,
            person.name,
            person.role.value,
            "Hugging Face" if person.hub_name else "password",
            person.created_at.strftime(_TIME),
            "locked out" if person.is_disabled else "can sign in",
        )
        for person in people
    ]
    return markup.table(("Signs in as", "Called", "Role", "By", "Since", "State"), rows)


def draw_invitations(invitations: Sequence[InvitationView]) -> str:
    """The links that can still be taken."""
    if not invitations:
        return markup.remark("No link is open.")
    rows = [
        (
            f"{one.id}",
            one.role.value,
            one.project or "–",
            f"{one.n_left}",
            one.expires_at.strftime(_TIME),
        )
        for one in invitations
    ]
    return markup.table(("Link", "Role", "Project", "Accounts left", "Until (UTC)"), rows)


def draw_events(events: Sequence[AuditView]) -> str:
    """The latest changes."""
    if not events:
        return markup.remark("Nothing has been changed yet.")
    rows = [
        (
            event.at.strftime(_TIME),
            event.by or "command line",
            event.action,
            event.object_id,
            _told(event.before),
            _told(event.after),
        )
        for event in events
    ]
    return markup.table(("At (UTC)", "Who", "What", "Which", "Before", "After"), rows)


def _told(value: dict[str, object] | None) -> str:
    if value is None:
        return "–"
    parts = [f"{key}: {json.dumps(item, ensure_ascii=False)}" for key, item in value.items()]
    told = ", ".join(parts)
    return told if len(told) <= 160 else told[:157] + "..."
