"""Finds what the app says and keeps the catalogues: ``python -m blender_ui.messages``.

A message is what stands in ``tr``, ``trn`` or ``mark``; in the pages' modules also any other text constant
that reads as words, because titles, headings, notices, labels and hints go straight to what says them; a
sentence that is raised as it stands; a script's ``tr``; the text of a file of HTML, and of the guidelines. Of
modules that say reasons to be stored, each sentence with its values, as ``retelling`` needs it.
Invariant: a message of a catalogue whose translation is there is never lost while the code says it.
Non-goal: what a message is in another language.
"""

from __future__ import annotations

import ast
import html
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blender_ui.language import ENGLISH, LANGUAGES
from blender_ui.shipped import find_shipped

if TYPE_CHECKING:
    from babel.messages import Catalog
    from babel.messages.catalog import Message as BabelMessage

CODE = Path(__file__).resolve().parent
RAISING = ("services", "ui", "outside.py", "faults.py")
"""Where a sentence that is raised as it stands can reach a page."""
STORED = (
    "exchange/cells/", "exchange/shapes/", "exchange/fields.py", "exchange/jsonl.py", "exchange/intake.py",
    "exchange/files/sheets.py", "members/openai/answer.py",
    "members/openai/client.py", "members/openai/endpoint.py", "members/openai/errors.py",
    "members/openai/events.py", "members/openai/health.py", "members/gate.py", "members/registry.py",
    "members/local/servers.py", "services/asking/answering.py", "ranking/promotion.py",
    "services/training/chooser_judging.py", "services/training/fuser.py", "services/training/rankers.py",
    "worker/reasons.py", "worker/worker.py",
)  # fmt: skip
"""Modules whose reasons are stored, or collected before they are shown."""
NOT_SAID = frozenset(
    {
        "api_name", "api_visibility", "concurrency_id", "dash", "elem_classes", "elem_id", "font", "format",
        "hovertemplate", "js", "js_on_load", "key", "mode", "name", "rel", "size", "type", "variant",
    }
)  # fmt: skip
"""Keywords whose texts nobody reads."""
_SCRIPT = re.compile(r"""\b(?:trn?|trParts|inWords)\(\s*"((?:[^"\\]|\\.)+)"(?:,\s*"((?:[^"\\]|\\.)+)")?""")
_WORDS = re.compile(r"[A-Z][a-z]+|.*[A-Za-z]+ +[A-Za-z(“‘].*|.*[a-z]{2}[.?…!]$", re.DOTALL)
_CODE = re.compile(
    r"IBM Plex|[<>]|=>|://|__|%[YHs]|\{\w*\}|^[#.]|^(bu|key)-|\b(bu|key)-|^'|\.(js|css|svg|py)$|^[a-z-]+/"
)


class Message(NamedTuple):
    """What is said, and for any number but one, where it depends on one."""

    text: str
    many: str = ""


def find_messages() -> dict[Message, list[str]]:
    """Every message, with the files that say it."""
    found: dict[Message, list[str]] = {}
    for path, message in (*_read_code(), *_read_assets()):
        files = found.setdefault(message, [])
        if path not in files:
            files.append(path)
    return found


@cache
def list_script_messages() -> tuple[str, ...]:
    """The messages of the pages' scripts."""
    assets = find_shipped("assets")
    texts = (path.read_text(encoding="utf-8") for path in sorted(assets.glob("*.js")))
    return tuple(message.text for text in texts for message in _read_script(text))


def _read_code() -> Iterator[tuple[str, Message]]:
    for path in sorted(CODE.rglob("*.py")):
        name = path.relative_to(CODE).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        reader = _Reader(is_page=name.startswith("ui/"), may_raise=name.startswith(RAISING))
        reader.visit(tree)
        if name.startswith(STORED):
            reader.found += _read_stored(tree)
        yield from ((f"blender_ui/{name}", message) for message in reader.found)


def _read_stored(tree: ast.Module) -> Iterator[Message]:
    """Sentences of a module, with a number in braces where a value stands."""
    unsaid = set(_find_unsaid(tree))
    for node in ast.walk(tree):
        if id(node) in unsaid:
            continue
        if isinstance(node, ast.JoinedStr):
            words = "".join(str(one.value) for one in node.values if isinstance(one, ast.Constant))
            said = _number_places(node) if re.search(r"[a-z]{2}.* .*[a-z]{2}", words) else ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_said = re.search(r"[a-z]{2} .*[a-z]{2} ", node.value) and not re.search(
                r"[{}|]|%s", node.value
            )
            said = node.value if is_said else ""
        else:
            continue
        if said.strip(" ;"):
            yield Message(said.strip(" ;"))


def _find_unsaid(tree: ast.Module) -> Iterator[int]:
    """Texts that are none, or parts of others: docstrings, patterns, names in lists, words of f-strings."""
    for node in ast.walk(tree):
        inner: Iterable[ast.AST] = ()
        if isinstance(node, ast.Expr):
            inner = [node.value]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("compile", "search", "sub"):
            inner = ast.walk(node)
        elif isinstance(node, ast.JoinedStr):
            inner = node.values
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            inner = [one for one in node.elts if isinstance(one, ast.Constant)]
        yield from (id(one) for one in inner if isinstance(one, ast.Constant | ast.JoinedStr))


def _number_places(node: ast.JoinedStr) -> str:
    places = iter(range(len(node.values)))
    return "".join(
        str(one.value).replace("{", "{{").replace("}", "}}")
        if isinstance(one, ast.Constant)
        else f"{{{next(places)}{_spec(one)}}}"
        for one in node.values
    )


def _spec(place: ast.expr) -> str:
    found = place.format_spec if isinstance(place, ast.FormattedValue) else None
    parts = found.values if isinstance(found, ast.JoinedStr) else []
    return (
        "".join([":", *(str(one.value) for one in parts if isinstance(one, ast.Constant))]) if parts else ""
    )


def _read_assets() -> Iterator[tuple[str, Message]]:
    assets = find_shipped("assets")
    for path in sorted(assets.iterdir()):
        read = {".js": _read_script, ".html": _read_html, ".md": _read_guidelines}.get(path.suffix)
        if read is not None:
            for message in read(path.read_text(encoding="utf-8")):
                yield f"assets/{path.name}", message


def _read_script(text: str) -> Iterator[Message]:
    for found in _SCRIPT.finditer(text):
        is_counted = found[0].startswith("trn(")
        yield Message(_unquote(found[1]))
        if is_counted:
            yield Message(_unquote(found[2]))  # a script chooses between the two by itself


def _unquote(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\")


def _read_html(text: str) -> Iterator[Message]:
    drawn = re.sub(r"<(script|style)\b.*?</\1>|<!--.*?-->", "", text, flags=re.DOTALL)
    texts = re.findall(r">([^<>]+)<", drawn)
    texts += re.findall(r'(?<=\s)(?:aria-label|title|placeholder)="([^"]+)"', drawn)
    for one in texts:
        said = " ".join(html.unescape(one).split())
        if re.search(r"[A-Za-z]{2}", said) and "${" not in said:
            yield Message(said)


def _read_guidelines(text: str) -> Iterator[Message]:
    """Each run of plain or strong text of Markdown, as its HTML will have it."""
    for line in text.splitlines():
        for part in line.removeprefix("- ").split("**"):
            if part.strip():
                yield Message(part.strip())


class _Reader(ast.NodeVisitor):
    """Collects the messages of a module."""

    def __init__(self, *, is_page: bool, may_raise: bool) -> None:
        self.found: list[Message] = []
        self._is_page = is_page
        self._may_raise = may_raise

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [
            one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
        if name in ("tr", "mark") and texts:
            self.found.append(Message(texts[0]))
        elif name == "trn" and len(texts) >= 2:
            self.found.append(Message(texts[0], texts[1]))
        else:
            self.visit(node.func)
            for argument in node.args:
                self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in NOT_SAID:
                self.visit(keyword.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        if self._may_raise and isinstance(node.exc, ast.Call):
            for one in node.exc.args:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    self.found.append(Message(one.value))
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        for part in node.values:  # its own words are none: a message with values is a ``tr``
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """The name of a figure is said even where it is one small word."""
        first = node.elts[0] if len(node.elts) == 2 and not isinstance(node.elts[1], ast.Constant) else None
        text = first.value if isinstance(first, ast.Constant) else None
        if self._is_page and isinstance(text, str) and re.fullmatch(r"[a-z]{2,}", text):
            self.found.append(Message(text))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        pass

    def visit_Constant(self, node: ast.Constant) -> None:
        if self._is_page and isinstance(node.value, str) and reads_as_words(node.value):
            self.found.append(Message(node.value))


def reads_as_words(text: str) -> bool:
    """Whether a text constant of a page's module is something that a person may read."""
    return bool(_WORDS.fullmatch(text)) and not _CODE.search(text)


def main() -> int:
    """Bring every catalogue up to what the code says; exit status 1 where something is not translated."""
    from babel.messages.pofile import read_po, write_po

    lacking = 0
    for code in LANGUAGES:
        if code == ENGLISH:
            continue
        path = find_shipped("assets") / "languages" / f"{code}.po"
        with path.open("rb") as file:
            catalogue = read_po(file, locale=code)
        template = make_template()
        template.creation_date = catalogue.creation_date  # a date would part the file of every branch
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, catalogue, sort_output=True, omit_header=False, width=0, include_lineno=False)
        missing = [one.id for one in catalogue if one.id and not is_translated(one)]
        lacking += len(missing)
        print(f"{path.name}: {len(catalogue)} messages, {len(missing)} without a translation")
    return 1 if lacking else 0


def make_template() -> Catalog:
    """A catalogue without translations."""
    from babel.messages import Catalog

    template = Catalog(project="Blender UI", charset="utf-8")
    for message, files in find_messages().items():
        text = (message.text, message.many) if message.many else message.text
        template.add(text, locations=[(file, 0) for file in files])
    return template


def is_translated(message: BabelMessage) -> bool:
    """Whether a catalogue has it, and all its forms where it depends on a number."""
    said = message.string
    return all(said) if isinstance(said, list | tuple) else bool(said)


if __name__ == "__main__":
    sys.exit(main())
