"""Which role every route of the API needs: the one table that says so.

Invariant: a route that is not listed here cannot be built, and below ``/v1`` nothing else is answered to a
program without a key. Non-goal: whose key it is, which ``gate`` finds.
"""

from __future__ import annotations

from functools import cache
from re import Pattern
from typing import NamedTuple

from starlette.routing import compile_path

from db.enums import Role

BELOW = "/v1"
"""Where the routes that need a key lie."""


class Rule(NamedTuple):
    """What a route needs.

    Attributes:
        path: As FastAPI writes it, with its parameters in braces.
        role: None where everybody may ask, without a key.
    """

    method: str
    path: str
    role: Role | None


RULES = (
    Rule("GET", "/healthz", None),
    Rule("GET", "/readyz", None),
    Rule("GET", "/metrics", Role.RESEARCHER),
    # What can be asked for tells nothing of what is there.
    Rule("GET", "/v1/openapi.json", None),
    Rule("GET", "/v1/docs", None),
    Rule("GET", "/v1/models", Role.ANNOTATOR),
    Rule("GET", "/v1/models/{model:path}", Role.ANNOTATOR),
    Rule("POST", "/v1/chat/completions", Role.ANNOTATOR),
    Rule("POST", "/v1/rerank", Role.ANNOTATOR),
    Rule("POST", "/v1/score", Role.ANNOTATOR),
    Rule("POST", "/v1/reward", Role.ANNOTATOR),
    Rule("POST", "/v1/feedback", Role.ANNOTATOR),
    Rule("GET", "/v1/projects", Role.RESEARCHER),
    Rule("POST", "/v1/projects", Role.RESEARCHER),
    Rule("GET", "/v1/projects/{project_id}", Role.RESEARCHER),
    Rule("GET", "/v1/prompts", Role.RESEARCHER),
    Rule("POST", "/v1/prompts", Role.RESEARCHER),
    Rule("GET", "/v1/candidates", Role.RESEARCHER),
    Rule("GET", "/v1/preferences", Role.RESEARCHER),
    Rule("GET", "/v1/jobs", Role.RESEARCHER),
    Rule("GET", "/v1/jobs/{job_id}", Role.RESEARCHER),
    Rule("GET", "/v1/versions", Role.RESEARCHER),
    Rule("GET", "/v1/leaderboard", Role.RESEARCHER),
    Rule("POST", "/v1/imports", Role.RESEARCHER),
    Rule("GET", "/v1/exports/{form}", Role.RESEARCHER),
    Rule("GET", "/v1/webhooks", Role.ADMIN),
    Rule("POST", "/v1/webhooks", Role.ADMIN),
    Rule("DELETE", "/v1/webhooks/{webhook_id}", Role.ADMIN),
    Rule("POST", "/v1/webhooks/{webhook_id}/test", Role.ADMIN),
    Rule("GET", "/v1/webhooks/{webhook_id}/messages", Role.ADMIN),
)


def get_rule(method: str, path: str) -> Rule:
    """The rule of a route, by its path as FastAPI writes it.

    Raises:
        LookupError: If nobody has said which role it needs.
    """
    for rule in RULES:
        if (rule.method, rule.path) == (method, path):
            return rule
    raise LookupError(f"say in blender_ui/api/rules.py which role {method} {path} needs")


def find_rule(method: str, path: str) -> Rule | None:
    """The rule of a request; None where it is of no route of the API.

    Another method than a route's, and an unknown path below ``/v1``, need a key of any role.
    """
    for rule, pattern in _patterns():
        if rule.method == method and pattern.match(path):
            return rule
    is_ours = path == BELOW or path.startswith(f"{BELOW}/")
    if is_ours or any(pattern.match(path) for _, pattern in _patterns()):
        return Rule(method, path, Role.ANNOTATOR)
    return None


@cache
def _patterns() -> tuple[tuple[Rule, Pattern[str]], ...]:
    return tuple((rule, compile_path(rule.path)[0]) for rule in RULES)
