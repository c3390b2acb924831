"""Who sits at the browser: a secret key that the browser keeps, and the annotator behind it.

Invariant: what a browser sends is input from outside; an annotator is only ever found by the key,
never by an id that a page sent. Non-goal: passwords, and what a role may do.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blender_ui.errors import MalformedInput
from blender_ui.services.labeling import AnnotatorView, Labeling

SHORTEST_KEY, LONGEST_KEY = 16, 256


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """An annotator, and what their browser is to remember.

    Attributes:
        memory: The browser's memory as it came, with the annotator's key in it.
    """

    annotator: AnnotatorView
    memory: dict[str, Any]


def welcome(labeling: Labeling, memory: object) -> Visitor:
    """Find the annotator of a browser, or make one where the browser has no key yet.

    Args:
        labeling: Where annotators are kept.
        memory: From ``shell.browser_memory``, in whatever state it is; one without a key is a new
            visitor, never an error.
    """
    remembered: dict[str, Any] = dict(memory) if isinstance(memory, Mapping) else {}
    key = remembered.get("annotator")
    if not isinstance(key, str) or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        key = secrets.token_urlsafe(32)
    return Visitor(annotator=labeling.sign_in(key=key), memory={**remembered, "annotator": key})


def recognise(labeling: Labeling, key: object) -> AnnotatorView:
    """The annotator whose key came with a request.

    Raises:
        MalformedInput: If what came cannot be a key.
    """
    if not isinstance(key, str) or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise MalformedInput("expected this browser's key; reload the page to sign in")
    return labeling.sign_in(key=key)
