"""members.toml: what it says, and what is said about its mistakes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import SettingsError
from blender_ui.members.configuration import Backend, Limits, MemberConfig, Price, load_members, parse_members
from blender_ui.members.protocol import Sampling
from blender_ui.weights.catalogue import default_models, get_model

SHIPPED = Path(__file__).parents[2] / "members.toml"
ENDPOINT = """
[[member]]
name = "Ann"
backend = "openai"
model = "m"
base_url = "http://host:8000/v1"
key_env = "ANN_KEY"

[member.sampling]
temperature = 0
stop = ["###"]
seed = 7

[member.limits]
timeout_seconds = 30
"""


def member(**changes: Any) -> MemberConfig:
    return replace(MemberConfig(name="Ann", backend=Backend.LLAMA_CPP, model="a.gguf"), **changes)


def test_every_key_arrives() -> None:
    (config,) = parse_members(ENDPOINT)
    assert config.backend is Backend.OPENAI
    assert (config.name, config.model, config.base_url, config.key_env) == (
        "Ann",
        "m",
        "http://host:8000/v1",
        "ANN_KEY",
    )
    assert config.sampling == Sampling(temperature=0, stop=("###",), seed=7)
    assert config.limits.timeout_seconds == 30
    assert config.enabled
    assert config.can_fuse


def test_what_a_member_costs_takes_and_is_told() -> None:
    own = 'system = "Be brief."\nsamples = 3\n[member.price]\ninput = 0.5\noutput = 2\n[member.sampling]'
    (config,) = parse_members(ENDPOINT.replace("[member.sampling]", own))
    assert (config.system, config.samples, config.n_at_once) == ("Be brief.", 3, 16)
    assert config.price is not None
    assert config.price.of(2_000_000, 500_000) == 2.0
    assert [member(backend=backend).n_at_once for backend in Backend] == [2, 1, 16]
    assert member(limits=Limits(n_parallel=7)).n_at_once == 7
    with pytest.raises(SettingsError, match=r"price.input: expected a number from 0"):
        parse_members(ENDPOINT.replace("[member.sampling]", own.replace("0.5", '"cheap"')))


def test_the_shipped_file_asks_the_default_weights_and_each_has_a_catalogue_entry() -> None:
    members = load_members(SHIPPED)
    assert [config.backend for config in members] == [Backend.LLAMA_CPP] * 3
    asked = {get_model(config.model).name for config in members}
    assert {model.name for model in default_models()} - asked == {"all-minilm-l6-v2"}  # which sorts prompts
    assert asked <= {model.name for model in default_models()}


def test_every_commented_example_of_the_shipped_file_is_valid() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    start = text.index("# [[member]]")
    lines = [line.removeprefix("#").removeprefix(" ") for line in text[start:].splitlines()]
    examples = "\n".join(line for line in lines if line.startswith("[") or " = " in line)
    assert len(parse_members(examples)) == examples.count("[[member]]") >= 4


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('backend = "openai"', 'backend = "opena"', r"line 4, member 1: backend: 'opena' is not one of"),
        ('model = "m"\n', "", r"line 2, member 1: model: is missing"),
        (
            "temperature = 0",
            "temperature = 9",
            r"line 10, member 1: sampling.temperature: expected a number from",
        ),
        (
            "temperature = 0",
            "heat = 0",
            r"line 10, member 1: sampling.heat: is not known; known are temperature",
        ),
        ('stop = ["###"]', 'stop = "###"', r"sampling.stop: expected a list of texts"),
        ("timeout_seconds = 30", "timeout_seconds = true", r"limits.timeout_seconds: expected a number"),
        ("timeout_seconds = 30", "timeout_seconds = nan", r"expected a number from 1 to 86400, found nan"),
        ("seed = 7", "seed = 7.0", r"sampling.seed: expected a whole number from 0 to 2147483647, found 7.0"),
        (
            "[member.sampling]",
            "price = 3\n[member.sampling]",
            r"line 9, .*: price: expected a table, found",
        ),
        (
            "[member.sampling]",
            "modle = 3\n[member.sampling]",
            r"line 9, .*: modle: is not known; known are",
        ),
        ("http://host", "ftp://host", r"base_url: expected http\(s\)://host"),
        ("http://host", "http://me:secret@host", r"base_url: holds a secret"),
        ("http://host:8000", "http://[::1", r"line 6, member 1: base_url: expected http\(s\)://host"),
        ("http://host:8000", "host:8000", r"base_url: .*write http://host:8000/v1 or https://"),
        ("http://host:8000", "http://host: 8000", r"base_url: expected http"),
        ('name = "Ann"', 'name = ""', r"name: expected a text that is not empty"),
        ("[[member]]", "[[members]]", r"unknown table or key 'members'"),
        ("seed = 7", "seed = ", r"not valid TOML"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_expected(before: str, after: str, message: str) -> None:
    assert before in ENDPOINT
    with pytest.raises(SettingsError, match=message):
        parse_members(ENDPOINT.replace(before, after))


EXTRA = """
[member.extra]
remove = ["temperature"]
remove_headers = ["User-Agent"]
parameters = { reasoning_effort = "low", chat_template_kwargs = { enable_thinking = false } }

[member.extra.headers]
"X-Title" = "Blender UI"
api-key = "$ANN_KEY"
"""


def test_what_requests_have_besides_the_usual_arrives() -> None:
    (config,) = parse_members(ENDPOINT + EXTRA)
    assert config.extra.remove == ("temperature",)
    assert config.extra.remove_headers == ("User-Agent",)
    assert config.extra.parameters["chat_template_kwargs"] == {"enable_thinking": False}
    assert config.extra.headers["X-Title"] == "Blender UI"
    assert config.header_variables == {"api-key": "ANN_KEY"}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('remove = ["temperature"]', 'remove = "temperature"', r"line 18, .*extra.remove: expected a list"),
        ("remove_headers", "headers_off", r"extra.headers_off: is not known; known are parameters, remove"),
        ('"Blender UI"', "7", r"extra.headers: expected a table of headers"),
        ('"$ANN_KEY"', '"s3cret"', r"extra.headers: .*written as \$VARIABLE"),
        ('"Blender UI"', '"$s3cret"', r"extra.headers: .*written as \$VARIABLE"),
        ("reasoning_effort", "api_key", r"extra.parameters: .*no secret"),
        ("reasoning_effort", "model", r"extra.parameters: .*not model"),
        ('"low"', "2026-01-01", r"extra.parameters: expected a table of parameters"),
    ],
)
def test_a_mistake_in_what_requests_have_is_told_without_its_secret(
    before: str, after: str, message: str
) -> None:
    assert before in EXTRA
    with pytest.raises(SettingsError, match=message) as caught:
        parse_members(ENDPOINT + EXTRA.replace(before, after))
    assert "s3cret" not in str(caught.value)


def test_only_an_endpoint_has_requests_to_change() -> None:
    local = ENDPOINT.replace('"openai"', '"llama_cpp"').replace('base_url = "http://host:8000/v1"\n', "")
    with pytest.raises(SettingsError, match="extra: only the backend openai has one"):
        parse_members(local.replace('key_env = "ANN_KEY"\n', "") + EXTRA)


def test_blanks_around_an_address_are_no_part_of_it() -> None:
    (config,) = parse_members(ENDPOINT.replace("http://host:8000/v1", " http://host:8000/v1 "))
    assert config.base_url == "http://host:8000/v1"


def test_what_a_body_has_is_part_of_who_the_member_is_and_headers_are_not() -> None:
    (plain,), (extra,) = parse_members(ENDPOINT), parse_members(ENDPOINT + EXTRA)
    headers = replace(extra, extra=replace(extra.extra, headers={}, remove_headers=()))
    assert plain.fingerprint != extra.fingerprint == headers.fingerprint
    assert "extra" not in plain.options


def test_a_key_in_the_place_of_its_variable_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="environment variable") as caught:
        parse_members(ENDPOINT.replace("ANN_KEY", "sk-12345"))
    assert "sk-12345" not in str(caught.value)


def test_the_line_is_that_of_the_member_at_fault() -> None:
    second = ENDPOINT.replace('"Ann"', '"Bob"').replace("temperature = 0", "temperature = 9")
    with pytest.raises(SettingsError, match=r"line 25, member 2: sampling.temperature"):
        parse_members(ENDPOINT + second)


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"member 2: name: 'Ann' is used twice"):
        parse_members(ENDPOINT + ENDPOINT)


def test_a_name_that_would_be_anothers_second_answer_is_refused() -> None:
    two = ENDPOINT.replace("[member.sampling]", "samples = 2\n[member.sampling]")
    (config,) = parse_members(two)
    assert [seat.label for seat in config.seats] == ["Ann", "Ann (2)"]
    other = ENDPOINT.replace('"Ann"', '"Ann (2)"')
    for text in (two + other, other + two):
        with pytest.raises(SettingsError, match=r"'Ann \(2\)' would be two members' answers; rename one"):
            parse_members(text)
    assert len(parse_members(ENDPOINT + other)) == 2


def test_only_an_endpoint_has_a_url() -> None:
    with pytest.raises(SettingsError, match="only the backend openai has one"):
        parse_members(ENDPOINT.replace('"openai"', '"llama_cpp"'))


def test_one_member_at_most_fuses_first_and_only_one_that_may() -> None:
    first = ENDPOINT.replace("[member.sampling]", "fuses_first = true\n[member.sampling]")
    assert [config.fuses_first for config in parse_members(first + ENDPOINT.replace("Ann", "Bob"))] == [
        True,
        False,
    ]
    with pytest.raises(SettingsError, match=r"member 2: fuses_first: 'Ann' fuses first already"):
        parse_members(first + first.replace('"Ann"', '"Bob"'))
    with pytest.raises(SettingsError, match=r"member 1: fuses_first: this member has can_fuse = false"):
        parse_members(first.replace("fuses_first = true", "fuses_first = true\ncan_fuse = false"))


def test_the_shipped_file_lets_the_member_fuse_that_kept_most_facts() -> None:
    assert [config.name for config in load_members(SHIPPED) if config.fuses_first] == ["Qwen2.5 Coder 0.5B"]


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*nothing\.toml"):
        load_members(tmp_path / "nothing.toml")


def test_the_fingerprint_follows_what_shapes_the_answers_and_nothing_else() -> None:
    base = member()
    assert base.fingerprint == member(name="Bob", can_fuse=False).fingerprint
    assert base.fingerprint == member(samples=2, price=Price(input=1)).fingerprint
    assert base.fingerprint != member(system="Be brief.").fingerprint
    assert base.fingerprint != member(model="b.gguf").fingerprint
    assert base.fingerprint != member(sampling=Sampling(temperature=0)).fingerprint
    assert base.fingerprint != member(backend=Backend.TRANSFORMERS).fingerprint
