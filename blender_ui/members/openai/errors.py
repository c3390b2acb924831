"""Endpoints' error responses, in their many forms.

Invariant: the endpoint's own words reach the person, short and never as a page of HTML; the kind is
one of ``db.models.FailureKind``. Non-goal: what is done about it.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from blender_ui.errors import MemberError

_MAX_WORDS = 600
_MESSAGE_FIELDS = ("message", "detail", "error", "error_msg", "error_message", "msg", "Message", "status_msg")
_BUSY = {408, 425, 502, 503, 504, 520, 521, 522, 523, 524, 529, 530}
"""Of a server or gateway that may answer a moment later; above 504 they are Cloudflare's and others'."""
_MOVED = {301, 302, 307, 308}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_AGAIN = re.compile(
    r"(?:try again|retry|come back) (?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|s|m|h)[a-z]*\s*)+)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class EndpointError:
    """One error, whatever its form was."""

    message: str
    status: int | None = None
    """Of HTTP, or of a code of its kind within the error."""
    param: str = ""
    """The parameter that it is about, where the endpoint says so in a field of its own."""
    labels: str = ""
    """Its type and code, for telling kinds apart."""
    wait_seconds: float | None = None
    """How long the endpoint asks to be left alone."""
    location: str = ""
    """Where the address has moved."""
    is_page: bool = False
    """A web page came in the place of an answer."""
    is_worded: bool = True
    """The endpoint said it in its protocol; not so a web page, a plain text or a bare status."""

    @property
    def kind(self) -> str:
        """The kind of failure."""
        said = f"{self.labels} {self.message}".lower().replace("_", " ")
        if "out of memory" in said:
            return "out_of_memory"
        if self.status is not None:
            return _kind_of_status(self.status)
        if re.search(r"rate ?limit|too many requests|quota", said):
            return "rate_limited"
        if re.search(r"overloaded|unavailable|gateway timeout", said):
            return "unreachable"
        if re.search(r"invalid request|bad ?request|authentication|permission|not ?found|context size", said):
            return "refused"
        return "bad_response"

    @property
    def is_loading(self) -> bool:
        """Whether a server says that it is there and its model is not yet, or when it will be."""
        words = r"loading|starting|warming|not ready|initiali[sz]ing|is down"
        is_told = self.wait_seconds is not None or bool(re.search(words, self.message, re.IGNORECASE))
        return self.status == 503 and is_told

    @property
    def is_no_such_place(self) -> bool:
        """Whether there may be nothing of the protocol at that address."""
        words = r"unexpected endpoint|invalid url|no such (path|route|endpoint)|page not found"
        return (
            self.is_page or self.status in (404, 405) or bool(re.search(words, self.message, re.IGNORECASE))
        )

    @property
    def reason(self) -> str:
        """A sentence for people."""
        reason = f"{self.message} (HTTP {self.status})" if self.status else self.message
        if self.wait_seconds:
            reason += f"; it asks to come back in {_span(self.wait_seconds)}"
        return reason


class EndpointFailure(MemberError):
    """A member did not answer, because its endpoint said so."""

    def __init__(self, message: str, *, error: EndpointError, partial_text: str) -> None:
        super().__init__(message, kind=error.kind, partial_text=partial_text)
        self.error = error


def find_error(document: object) -> Any:
    """The part of a document that is an error; None where it is none."""
    if isinstance(document, Sequence) and not isinstance(document, str):
        return next((error for item in document if (error := find_error(item)) is not None), None)
    if not isinstance(document, Mapping):
        return None
    if error := document.get("error"):
        return document if error is True else error
    if document.get("errors") and isinstance(document["errors"], Sequence):
        return document["errors"][0]
    inner = document.get("base_resp")
    if isinstance(inner, Mapping) and inner.get("status_code"):
        return inner
    if any(key in document for key in ("choices", "usage", "delta")):
        return None
    is_error = "error" in (document.get("object"), document.get("type"), document.get("status"))
    return document if is_error or any(_is_words(document.get(key)) for key in _MESSAGE_FIELDS) else None


def read_error(
    error: object, *, status: int | None = None, wait_seconds: float | None = None
) -> EndpointError:
    """Read one error.

    Args:
        error: As ``find_error`` gives it, or a text.
        status: Of the HTTP response; None for an error within an answer.
        wait_seconds: As its headers say.
    """
    fields: Mapping[str, Any] = error if isinstance(error, Mapping) else {"message": error}
    message = next((words for key in _MESSAGE_FIELDS if (words := _words(fields.get(key)))), "")
    metadata = fields.get("metadata")
    if isinstance(metadata, Mapping) and (raw := _words(metadata.get("raw"))):
        message = f"{message}: {raw}"  # A router's words, and those of the endpoint behind it.
    param = fields.get("param")
    detail = fields.get("detail")
    if not param and isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        param = ".".join(str(part) for part in detail[0].get("loc") or () if part != "body")
    labels = " ".join(str(fields[key]) for key in ("type", "code", "status", "error_type") if fields.get(key))
    return EndpointError(
        message=message or "the endpoint gave no reason",
        status=status or _status_of(fields),
        param=param if isinstance(param, str) else "",
        labels=labels,
        wait_seconds=_wait_in(message) if wait_seconds is None else wait_seconds,
    )


def read_refusal(status: int, headers: Mapping[str, str], body: str) -> EndpointError:
    """Read a response whose status is no success."""
    wait_seconds = _retry_after(headers)
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if (found := find_error(document)) is not None:
        return read_error(found, status=status, wait_seconds=wait_seconds)
    if 300 <= status < 400:
        message = (
            f"the address has moved to {headers.get('location') or 'another place'}; write that into base_url"
        )
    elif body.lstrip("\ufeff \t\r\n").startswith("<"):
        message = f"a web page came: {page_words(body)!r}"
    else:
        message = _shortened(body) or "the endpoint gave no reason"
    return EndpointError(
        message=message,
        status=status,
        wait_seconds=wait_seconds,
        is_worded=False,
        location=headers.get("location", "") if status in _MOVED else "",
    )


def page_words(page: str) -> str:
    """The title of a web page, or else its first words."""
    title = re.search(r"<title[^>]*>(.*?)</title", page, re.IGNORECASE | re.DOTALL)
    visible = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", " ", page)
    words = " ".join(html.unescape(title[1] if title and title[1].strip() else visible).split())
    return words[:100] or "without a title"


def _kind_of_status(status: int) -> str:
    if status == 429:
        return "rate_limited"
    if status in _BUSY:
        return "unreachable"
    return "refused" if 400 <= status < 500 else "bad_response"


def _status_of(fields: Mapping[str, Any]) -> int | None:
    for key in ("code", "status", "status_code", "error_code"):
        value = fields.get(key)
        if isinstance(value, int | str) and re.fullmatch(r"[45]\d\d", str(value)):
            return int(value)
    return None


def _is_words(value: object) -> bool:
    return bool(value) and isinstance(value, str | list)


def _words(value: object) -> str:
    """Text as it is, a checker's list of faults as sentences, anything else as JSON."""
    if not value or value is True:
        return ""
    if isinstance(value, str):
        return _shortened(value)
    if isinstance(value, list) and all(isinstance(item, Mapping) and "msg" in item for item in value):
        places = (".".join(map(str, item.get("loc") or ())) for item in value)
        return _shortened(
            "; ".join(f"{place}: {item['msg']}" for place, item in zip(places, value, strict=True))
        )
    if isinstance(value, Mapping) and (
        inner := next((_words(value.get(key)) for key in _MESSAGE_FIELDS if value.get(key)), "")
    ):
        return inner
    return _shortened(json.dumps(value, default=str))


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _MAX_WORDS else f"{words[:_MAX_WORDS]}..."


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for key, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(key, "").strip()
        try:
            seconds = float(value) * unit
        except ValueError:
            seconds = _seconds_until(value)
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def _seconds_until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    now = datetime.now(UTC)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()


def _wait_in(message: str) -> float | None:
    """The time in "Please try again in 2m59.5s" and its like."""
    found = _AGAIN.search(message)
    if found is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", found[1], re.IGNORECASE)
    return sum(float(number) * _UNITS[unit.lower()] for number, unit in parts)


def _span(seconds: float) -> str:
    if seconds < 600:
        return f"{math.ceil(seconds)} s"
    return f"{math.ceil(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
