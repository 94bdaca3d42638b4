"""Markup: every string is escaped on its way into a page, whoever named the column."""

import pytest

from trimtab.report.markup import Markup, joined, tag, text

NASTY = '<script>alert("x")</script>'


def test_text_is_escaped_and_markup_is_not():
    assert text(NASTY) == "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"
    assert text(Markup("<b>bold</b>")) == "<b>bold</b>"


def test_attributes_cannot_be_left():
    assert tag("td", "x", title='" onclick="steal()') == '<td title="&quot; onclick=&quot;steal()">x</td>'


@pytest.mark.parametrize("unseen", ["\x1b[31m", "\x00", "\u202e", "\u200b", "\ufeff"])
def test_unseen_characters_become_visible(unseen):
    shown = text(f"a{unseen}b")
    assert unseen[0] not in shown
    assert "\\x" in shown


def test_markup_stays_markup_through_nesting():
    inner = tag("code", NASTY)
    assert tag("p", inner, " and ", NASTY).count("<script>") == 0
    assert joined(inner, None, "&") == f"{inner}&amp;"
