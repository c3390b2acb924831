"""Addresses open the view that they were written for, and nonsense opens the first tab."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from blender_ui.ui.inspecting.decisions.address import Address, read_address, write_address


@pytest.mark.parametrize(
    "address",
    [
        Address(),
        Address(tab="decision", prompt=3, ranking=7),
        Address(tab="what-if", prompt=3, first=5, second=6, version=2),
        Address(tab="versions", version=1, other=2),
        Address(tab="members", kind="code & more", style=True, best=True),
        Address(tab="members", criterion="correct", strength=True),
    ],
)
def test_an_address_reads_as_it_was_written(address: Address) -> None:
    parameters = dict(parse_qsl(urlsplit(write_address(address)).query))
    assert read_address(parameters) == address


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "٣", "9" * 30, "1 OR 1"])
def test_what_is_no_number_is_left_out(text: str) -> None:
    assert read_address({"prompt": text, "tab": "elsewhere"}) == Address()


def test_no_parameters_open_the_first_tab() -> None:
    assert read_address(None) == Address(tab="decision")
