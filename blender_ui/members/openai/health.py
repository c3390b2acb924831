"""Whether an endpoint can be asked, at the least cost.

Invariant: "ready" is said of an endpoint that lists the model or has answered, and of no other.
Non-goal: asking, which is handed in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from blender_ui.members import network
from blender_ui.members.openai.endpoint import Endpoint
from blender_ui.members.protocol import MemberHealth, MemberStatus

HEALTH_SECONDS = 3.0
FAULT_SECONDS = 60.0
"""How long it is believed that an endpoint does not answer, before it is asked another tiny question."""
N_NAMED = 8


class Listing(NamedTuple):
    """What an endpoint says of its models."""

    status: int
    models: tuple[str, ...] | None
    """None where what came is no list of models."""


def look(endpoint: Endpoint, *, ask: Callable[[Endpoint], str], serves_one: bool) -> MemberHealth:
    """The state of an endpoint.

    Args:
        endpoint: What is looked at.
        ask: Puts a tiny question; gives why it was not answered, or nothing.
        serves_one: It has one model, by whatever name it is asked.
    """
    try:
        listing = list_models(endpoint)
    except httpx.HTTPError as error:
        return MemberHealth(endpoint.name, MemberStatus.FAILED, endpoint.silence(error))
    except Exception as error:  # noqa: BLE001 - one member's edge: the others are still to be heard
        reason = f"{endpoint.base_url} cannot be asked ({type(error).__name__}: {error})"
        return MemberHealth(endpoint.name, MemberStatus.FAILED, reason)
    if listing.status == 401:
        return _keyless(endpoint, listing.status)
    if listing.status >= 500 or listing.status == 429:
        reason = f"{endpoint.base_url} says HTTP {listing.status}"
        return MemberHealth(endpoint.name, MemberStatus.FAILED, reason)
    is_listed = listing.models is not None and (serves_one or _is_among(endpoint.model, listing.models))
    if is_listed or endpoint.habits.is_proven:
        return MemberHealth(endpoint.name, MemberStatus.READY)
    # Many gateways list no models, or other names than they answer to.
    fault = _ask(endpoint, ask)
    if not fault:
        return MemberHealth(endpoint.name, MemberStatus.READY)
    if listing.status == 403:
        return _keyless(endpoint, listing.status)
    if listing.models:
        more = ", ..." if len(listing.models) > N_NAMED else ""
        fault += f"; it lists {', '.join(listing.models[:N_NAMED])}{more}"
    return MemberHealth(endpoint.name, MemberStatus.FAILED, fault)


def _keyless(endpoint: Endpoint, status: int) -> MemberHealth:
    reason = f"{endpoint.base_url} refused the key (HTTP {status})"
    return MemberHealth(endpoint.name, MemberStatus.UNAVAILABLE, reason)


def _ask(endpoint: Endpoint, ask: Callable[[Endpoint], str]) -> str:
    habits = endpoint.habits
    if not habits.fault or time.monotonic() - habits.fault_at > FAULT_SECONDS:
        habits.fault, habits.fault_at = ask(endpoint), time.monotonic()
    return habits.fault


def list_models(endpoint: Endpoint) -> Listing:
    """Ask an endpoint for its models, at each of its roots until one tells them.

    Raises:
        httpx.HTTPError: If nobody answers.
        ValueError: If the key cannot be sent.
    """
    listings = []
    trust_env, verify = not endpoint.is_local, network.ssl_context(endpoint.is_encrypted)
    with httpx.Client(timeout=HEALTH_SECONDS, trust_env=trust_env, verify=verify) as client:
        for name in endpoint.extra.remove_headers:
            client.headers.pop(name, None)
        for root in endpoint.roots:
            response = client.get(root.url("models"), headers=endpoint.headers)
            listings.append(Listing(response.status_code, _models(response)))
            if listings[-1].models is not None:
                return listings[-1]
    # What tells most: a refused key rather than a place where nothing is.
    return next((one for one in listings if one.status not in (200, 404, 405)), listings[0])


def _models(response: httpx.Response) -> tuple[str, ...] | None:
    try:
        document: Any = response.json()
        entries = document if isinstance(document, list) else document.get("data", document.get("models"))
        names = [str(entry.get("id") or entry.get("name")) for entry in entries]
    except (ValueError, TypeError, AttributeError):
        return None
    return tuple(names) if response.is_success else None


def _is_among(model: str, models: tuple[str, ...]) -> bool:
    return _plain(model) in {_plain(other) for other in models}


def _plain(model: str) -> str:
    """A model's name without what some servers write around it, and others do not."""
    return model.removeprefix("models/").removesuffix(":latest")
