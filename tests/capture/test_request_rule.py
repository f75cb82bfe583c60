"""Rules: templates of paths, methods, and the resource that a path names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.capture.request_rule import RequestRule, first_match
from counterfoil.errors import ConfigurationError


@pytest.mark.parametrize(
    ("template", "path", "resource"),
    [
        ("/orders/{order_id}", "/orders/42", "42"),
        ("/orders/{order_id}", "/orders/a b.c", "a b.c"),
        ("/orders/{order_id}", "/orders/", None),
        ("/orders/{order_id}", "/orders/42/", None),
        ("/orders/{order_id}", "/orders/42/lines", None),
        ("/orders/{order_id}", "/orders/42\n", "42\n"),
        ("/orders/{order_id}/lines/{line}", "/orders/42/lines/7", "42"),
        ("/files/{order_id:path}", "/files/a/b/c.txt", "a/b/c.txt"),
        ("/a.b/{order_id}", "/axb/1", None),
        ("/a.b/{order_id}", "/a.b/1", "1"),
    ],
)
def test_a_template_names_the_resource(template: str, path: str, resource: str | None) -> None:
    rule = RequestRule("GET", template, "order.seen", resource_id="order_id")
    found = rule.match("GET", path)
    assert (None if found is None else found.resource_id) == resource


@given(
    st.lists(st.text(st.characters(blacklist_characters="/"), min_size=1), min_size=1, max_size=4)
)
def test_every_segment_that_is_filled_in_is_found_again(segments: list[str]) -> None:
    template = "".join(f"/{{p{n}}}" for n in range(len(segments)))
    for number, segment in enumerate(segments):
        rule = RequestRule("*", template, "order.seen", resource_id=f"p{number}")
        found = rule.match("GET", "/" + "/".join(segments))
        assert found is not None
        assert found.resource_id == segment


def test_methods_are_those_that_were_named() -> None:
    one = RequestRule("post", "/orders", "order.made")
    some = RequestRule(["PUT", "PATCH"], "/orders", "order.changed")
    rest = RequestRule("*", "/orders", "order.other")
    rules = (one, some, rest)

    def found(method: str) -> RequestRule | None:
        match = first_match(rules, method, "/orders")
        return match and match.rule

    assert [found(m) for m in ("POST", "PUT", "PATCH", "GET")] == [one, some, some, rest]
    assert first_match((one, some), "GET", "/orders") is None


@pytest.mark.parametrize(
    "template",
    [
        "orders",
        "/orders/{",
        "/orders/x{id}",
        "/{id}/{id}",
        "/{rest:path}/more",
        "/{id:int}",
        "/{1}",
    ],
)
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(ConfigurationError):
        RequestRule("GET", template, "order.seen")


def test_a_resource_that_the_path_does_not_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="order_id"):
        RequestRule("GET", "/orders/{id}", "order.seen", resource_id="order_id")
