"""The search language: what is read, what is refused and where, and that reading undoes writing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import SearchError
from counterfoil.search.fields import FIELDS, OBJECTS
from counterfoil.search.language import MAX_LENGTH, MAX_TERMS, format_terms, parse, value_of
from counterfoil.search.terms import FieldTerm, Term, TextTerm, Value


def field(name: str, *texts: str, negated: bool = False) -> FieldTerm:
    return FieldTerm(name, tuple(map(Value, texts)), negated)


def text(typed: str, *, quoted: bool = False, negated: bool = False) -> TextTerm:
    return TextTerm(Value(typed, quoted), negated)


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("", ()),
        ("  \t\n", ()),
        ("type:user_login", (field("type", "user_login"),)),
        ("type:a,b  user:u-1", (field("type", "a", "b"), field("user", "u-1"))),
        ("-outcome:failure", (field("outcome", "failure", negated=True),)),
        ("supplier", (text("supplier"),)),
        ("-supplier -", (text("supplier", negated=True), text("-"))),
        ('"new supplier"', (text("new supplier", quoted=True),)),
        (r'user:"a \"b\" \\ c"', (FieldTerm("user", (Value('a "b" \\ c', True),)),)),
        (
            'user:"a,b",c',
            (FieldTerm("user", (Value("a,b", True), Value("c"))),),
        ),
        ("12:30", (text("12:30"),)),
        ("ip:2001:db8::1", (field("ip", "2001:db8::1"),)),
        ("details.reason:supplier", (field("details.reason", "supplier"),)),
        ("changes./price.new:13", (field("changes./price.new", "13"),)),
        ("USER:u-1 actor:u-2", (field("user", "u-1"), field("user", "u-2"))),
        ("since:2026-11-01T12:00:00Z", (field("since", "2026-11-01T12:00:00Z"),)),
        ("type:user_*", (field("type", "user_*"),)),
        ("a,b", (text("a,b"),)),
    ],
)
def test_what_is_read(typed: str, terms: tuple[Term, ...]) -> None:
    assert parse(typed) == terms


@pytest.mark.parametrize(
    ("typed", "place", "suggestion"),
    [
        ("usr:u-7", "usr:", "user:u-7"),
        ("a  tpye:user_login b", "tpye:", "a  type:user_login b"),
        ("-levle:info", "levle:", "-level:info"),
        ("xyzzy:1", "xyzzy:", None),
        ("https://example.com", "https:", None),
        ("a user:", "user:", None),
        ("user:,b", "user:", None),
        ("user:a, b", "user:a,", None),
        ('user:"a b', '"a b', 'user:"a b"'),
        ('a "b', '"b', 'a "b"'),
        ('user:"a"b', '"a"b', None),
        ('a"b"', 'a"', None),
    ],
)
def test_what_is_refused_and_where(typed: str, place: str, suggestion: str | None) -> None:
    with pytest.raises(SearchError) as refused:
        parse(typed)
    error = refused.value
    assert typed[error.start : error.end] == place
    assert error.suggestion == suggestion
    assert error.remedy


@pytest.mark.parametrize("typed", ["a" * (MAX_LENGTH + 1), "a " * (MAX_TERMS + 1)])
def test_a_search_is_bounded(typed: str) -> None:
    with pytest.raises(SearchError, match="more than"):
        parse(typed)


PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters='",\\'))
BARE = PLAIN.filter(lambda word: word and not any(char.isspace() for char in word))
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.one_of(
    BARE.map(Value), ANY.map(lambda typed: Value(typed, quoted=True)), ANY.map(value_of)
)
NAMES = st.one_of(
    st.sampled_from(FIELDS),
    st.tuples(st.sampled_from(OBJECTS), st.from_regex(r"[a-z_]{1,9}", fullmatch=True)).map(
        ".".join
    ),
)
TERMS = st.one_of(
    st.builds(FieldTerm, NAMES, st.lists(VALUES, min_size=1, max_size=4).map(tuple), st.booleans()),
    # Unquoted text that looks like a field or a minus sign would be one.
    st.builds(
        TextTerm,
        st.one_of(
            BARE.filter(lambda word: ":" not in word and word[0] != "-").map(Value),
            ANY.map(lambda typed: Value(typed, quoted=True)),
        ),
        st.booleans(),
    ),
)


@given(st.lists(TERMS, max_size=8).map(tuple))
def test_what_is_written_is_read_as_the_same(terms: tuple[Term, ...]) -> None:
    assert parse(format_terms(terms)) == terms


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused_with_a_place(typed: str) -> None:
    try:
        terms = parse(typed)
    except SearchError as error:
        places = [(error.start, error.end)]
    else:
        places = [(term.start, term.end) for term in terms]
        assert parse(format_terms(terms)) == terms
        assert [parse(typed[start:end]) for start, end in places] == [(term,) for term in terms]
    assert all(0 <= start < end <= len(typed) for start, end in places)


def test_every_field_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "search-language.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in FIELDS if f"| `{name}:` |" not in text] == []
    assert [name for name in OBJECTS if f"`{name}" not in text] == []
