"""Whole conversations in one text, with a mark before what each speaker says.

    \\n\\nHuman: ...\\n\\nAssistant: ...            (Anthropic's HH, Nectar)
    <|im_start|>user\\n...<|im_end|>              (ChatML)
    ... <extra_id_1>Assistant\\n... <extra_id_1>User\\n...   (HelpSteer)

Invariant: a text is taken for a conversation only if it begins with a mark, or holds HelpSteer's. Non-goal:
what a chat asks and answers (``exchange.cells.chats``).
"""

from __future__ import annotations

import re

from blender_ui.exchange.cells.words import Turn, role_of

_COLON = re.compile(
    r"(?:^|\n)[#*\s]{0,6}(human|user|assistant|system)\s*\*{0,2}:\*{0,2}[ \t]*", re.IGNORECASE
)
_BEGINS = re.compile(r"\s*(?:###\s*|\*\*)?(?:human|user|system)\s*\*{0,2}:", re.IGNORECASE)
_CHATML = re.compile(r"<\|im_start\|>\s*(\w+)\s*\n?")
_TAGS = re.compile(r"<\|(user|assistant|system|end_of_text|end|endoftext)\|>\s*", re.IGNORECASE)
_EXTRA_ID = re.compile(r"\n?<extra_id_1>(user|assistant|system)[ \t]*\n?", re.IGNORECASE)
_ENDS = re.compile(r"<\|im_end\|>|</s>|<\|end(?:oftext|_of_text)?\|>|<\|eot_id\|>")


def read_transcript(text: str) -> list[Turn] | None:
    """The turns of a text that marks its speakers; None for any other text.

    A last mark with nothing after it, such as "Assistant:", says who is to speak next, and is no turn.
    """
    if "<|im_start|>" in text:
        return _cut(text, _CHATML)
    if re.match(r"\s*<\|(?:user|system)\|>", text):
        return _cut(text, _TAGS)
    if "<extra_id_1>" in text:
        return _cut(text if text.startswith("<extra_id_1>") else f"<extra_id_1>User\n{text}", _EXTRA_ID)
    if _BEGINS.match(text) and re.search(r"(?:^|\n)[#*\s]{0,6}assistant\s*\*{0,2}:", text, re.IGNORECASE):
        return _cut("\n" + text.strip(), _COLON)
    return None


def _cut(text: str, mark: re.Pattern[str]) -> list[Turn] | None:
    found = [match for match in mark.finditer(text) if match[1] and not match[1].startswith("end")]
    if not found or text[: found[0].start()].strip():
        return None
    ends = [match.start() for match in found[1:]] + [len(text)]
    turns: list[Turn] = []
    for match, end in zip(found, ends, strict=True):
        said = _ENDS.sub("", text[match.end() : end]).strip()
        role = role_of(match[1])
        if said or end < len(text):
            turns.append(Turn(role, said))
    return turns or None
