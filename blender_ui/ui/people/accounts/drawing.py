"""Accounts, links and the audit trail as HTML, through ``rows``. No Gradio, no decisions."""

from __future__ import annotations

import json
from collections.abc import Sequence

from blender_ui.language import tr
from blender_ui.services.people.accounts import PersonView
from blender_ui.services.people.auditing import AuditView
from blender_ui.services.people.invitations import InvitationView
from blender_ui.ui import markup
from blender_ui.ui.rows import Act, Badge, Cell, Pick, acted_table
from db.enums import Role

_TIME = "%Y-%m-%d %H:%M"
_ROLES = [(role.value, role.value) for role in Role]
_DONE = {
    "account.create": "made an account",
    "account.name": "changed their name",
    "account.password": "changed a password",
    "account.reset_link": "made a link for a new password",
    "account.role": "gave a role",
    "account.disable": "locked an account out",
    "account.enable": "let an account in again",
    "invitation.create": "made an invitation",
    "invitation.withdraw": "withdrew an invitation",
    "key.create": "made a key",
    "key.revoke": "revoked a key",
    "project.create": "made a project",
    "project.change": "changed a project",
    "project.archive": "archived a project",
    "project.member": "joined a project",
    "project.prompts": "added prompts",
    "data.import": "imported a file",
    "data.export": "exported a file",
    "round.unshare": "took the link to a round back",
    "training.request": "asked for a training",
}
"""What a person would say of an action; others are shown as they are kept."""


def draw_people(people: Sequence[PersonView]) -> str:
    """Every account, with what can be done to it."""
    if not people:
        return markup.notice(
            "There is no account yet. Make an invitation link below, or run: blender-ui account add NAME"
        )
    return acted_table(
        ("Signs in as", "Called", "Role", "Signs in by", "Since", "State", ""),
        [_row(person) for person in people],
        name="Accounts",
    )


def _row(person: PersonView) -> tuple[Cell, ...]:
    number, name = person.annotator_id, person.username
    if person.is_disabled:
        state, acts = Badge("locked out", "warning"), [Act("open", "Let in", number, name)]
    else:
        ask = tr("Lock {name} out at once? Labels stay, and you can let the account in again.", name=name)
        state = Badge("can sign in", "good")
        acts = [Act("reset", "New password", number, name), Act("lock", "Lock out", number, name, ask)]
    return (
        name,
        person.name,
        Pick("role", number, tr("Role of {name}", name=name), _ROLES, person.role.value),
        "Hugging Face" if person.hub_name else "password",
        person.created_at.strftime(_TIME),
        state,
        acts,
    )


def draw_invitations(invitations: Sequence[InvitationView]) -> str:
    """The links that can still be taken."""
    if not invitations:
        return markup.remark("No link is open.")
    rows: list[tuple[Cell, ...]] = [
        (
            f"{one.id}",
            one.role.value,
            one.project or tr("every one"),
            f"{one.n_left}",
            one.expires_at.strftime(_TIME),
            [Act("withdraw", "Withdraw", one.id, tr("link {id}", id=one.id))],
        )
        for one in invitations
    ]
    return acted_table(
        ("Link", "Role", "Project", "Accounts left", "Until (UTC)", ""), rows, name="Open links"
    )


def draw_events(events: Sequence[AuditView], *, containing: str = "") -> str:
    """The latest changes, or those that were searched for."""
    if not events:
        return markup.remark(
            "No change has that in it." if containing.strip() else "Nothing has been changed yet."
        )
    rows = [
        (
            event.at.strftime(_TIME),
            event.by or tr("command line"),
            tr(_DONE.get(event.action, event.action)),
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
