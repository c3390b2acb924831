"""The OpenAPI file as a page, without scripts and without another host's files.

Invariant: every text is escaped. Non-goal: trying routes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any


def draw_page(described: Mapping[str, Any]) -> str:
    """Every route with its role, its parameters and its forms.

    Args:
        described: From ``routing.Routes.describe``.
    """
    info = described["info"]
    forms = described.get("components", {}).get("schemas", {})
    body = "".join(
        [
            f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['summary'])}</p>",
            "<p>Send a key as the header <code>Authorization: Bearer KEY</code>. Programs read <a href="
            '"openapi.json">openapi.json</a>.</p>',
            *(_route(method, path, one) for path, method, one in _operations(described)),
            "<h2>Forms</h2>",
            *(_form(name, form) for name, form in sorted(forms.items())),
        ]
    )
    head = f"<meta charset=utf-8><title>{escape(info['title'])}: API</title>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _operations(described: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _route(method: str, path: str, operation: Mapping[str, Any]) -> str:
    role = operation["x-required-role"]
    rows = [_field(one["name"], one.get("schema", {}), one["in"]) for one in operation.get("parameters", ())]
    sent = operation.get("requestBody", {}).get("content", {})
    rows += [_field("body", one.get("schema", {}), kind) for kind, one in sent.items()]
    answered = operation.get("responses", {}).get("200", {}).get("content", {})
    rows += [_field("answer", one.get("schema", {}), kind) for kind, one in answered.items()]
    return (
        f"<h2><code>{escape(method)} {escape(path)}</code></h2><p>{escape(operation.get('summary', ''))} "
        f"Role: {escape(role)}.</p><p>{escape(operation.get('description', ''))}</p>{_table(rows)}"
    )


def _form(name: str, form: Mapping[str, Any]) -> str:
    needed = form.get("required", ())
    rows = [
        _field(field, one, "required" if field in needed else "")
        for field, one in form.get("properties", {}).items()
    ]
    said = f"<p>{escape(form.get('description', ''))}</p>"
    return f'<h3 id="{escape(name)}">{escape(name)}</h3>{said}{_table(rows)}'


def _field(name: str, form: Mapping[str, Any], where: str) -> str:
    said = form.get("description", "")
    return f"<tr><td><code>{escape(name)}</code><td>{escape(where)}<td>{_type(form)}<td>{escape(said)}"


def _type(form: Mapping[str, Any]) -> str:
    if "$ref" in form:
        name = escape(str(form["$ref"]).rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in form:
        return " or ".join(_type(one) for one in form["anyOf"])
    if form.get("type") == "array":
        return f"list of {_type(form.get('items', {}))}"
    words = (
        form.get("enum") or [form["const"]]
        if "const" in form or "enum" in form
        else [form.get("type", "any")]
    )
    return escape(", ".join(map(str, words)))


def _table(rows: list[str]) -> str:
    return f"<table>{''.join(rows)}</table>" if rows else ""
