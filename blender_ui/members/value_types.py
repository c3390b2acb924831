"""What a value of members.toml may be, in types that pydantic checks.

Invariant: a type says what it expects: by its bounds, by its ``description``, or by the ``ValueError``
of its check, which quotes nothing. Non-goal: where the value stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, StringConstraints(strict=True, pattern=r"\S")]
Texts = tuple[Annotated[str, StringConstraints(strict=True, min_length=1)], ...]
Address = Annotated[Text, AfterValidator(str.strip)]
Variable = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Z][A-Z0-9_]*$"),
    Field(description="the name of an environment variable in capitals, such as OPENAI_API_KEY"),
]

_PARAMETERS = "a table of parameters for the body, each a text, number, truth value, list or table"
_HEADERS = "a table of headers, each a text in printable ASCII"


def _check_parameters(value: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        raise ValueError(_PARAMETERS) from None
    for name in value.keys() & {"model", "messages"}:
        raise ValueError(f"{_PARAMETERS}, and not {name}, which has its own place")
    if any(re.search(r"api_?key|secret|password|access_token", name, re.IGNORECASE) for name in value):
        raise ValueError(f"{_PARAMETERS}, and no secret; put it into a header whose value is $VARIABLE")
    return value


def _check_headers(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in value.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~\w-]+", name, re.ASCII) or not re.fullmatch(r"[ -~]+", text):
            raise ValueError(_HEADERS)
        # A secret pasted here would be stored in a file that people share.
        is_secret = re.search(r"key|token|secret|password|authorization|cookie", name, re.IGNORECASE)
        if (is_secret or text.startswith("$")) and not re.fullmatch(r"\$[A-Z][A-Z0-9_]*", text):
            raise ValueError(f"{_HEADERS}; a secret stands in an environment variable, written as $VARIABLE")
    return value


Parameters = Annotated[Mapping[str, Any], AfterValidator(_check_parameters), Field(description=_PARAMETERS)]
Headers = Annotated[Mapping[str, str], AfterValidator(_check_headers), Field(description=_HEADERS)]


def describe(schema: Mapping[str, Any]) -> str:
    """What a field expects, in words, from its JSON schema."""
    schema = schema.get("anyOf", (schema,))[0]  # the second one says that the field may be left out
    low, high = (f"{schema.get(bound, 0):.10g}" for bound in ("minimum", "maximum"))
    of_type = {
        "boolean": "true or false",
        "array": "a list of texts that are not empty",
        "string": "a text that is not empty",
        "number": f"a number from {low} to {high}",
        "integer": f"a whole number from {low} to {high}",
    }
    return str(schema.get("description") or of_type.get(schema.get("type", ""), "a table"))
