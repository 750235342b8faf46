"""In which order a built page asks for its files, and what is named in it."""

from __future__ import annotations

import re

from teardown.site import order

HEAD = '<head><link rel="stylesheet" href="../../assets/web/all.css"></head>'
AHEAD = "made(0)"
END = '<script src="../../assets/javascripts/bundle.1.min.js"></script><script src="../../assets/web/main.js" type="module"></script>'


def page(content: str) -> str:
    return f"<html>{HEAD}<body>{content}{END}</body></html>"


def test_a_page_of_text_gets_its_fonts_sooner_and_nothing_else() -> None:
    before, after = page("<p>x</p>"), order.arranged(page("<p>x</p>"), AHEAD)
    assert len(re.findall(r'<link rel="preload" as="font"[^>]* href="\.\./\.\./assets/fonts/', after)) == len(order.FONTS)
    assert re.sub(r'<link rel="preload"[^>]*>', "", after) == before


def test_a_lab_comes_before_the_theme() -> None:
    after = order.arranged(page("<tcp-lab></tcp-lab>"), AHEAD)
    head, _, body = after.partition("</head>")
    assert re.search(r'<script type="module" async blocking="render" [^>]*src="\.\./\.\./assets/web/main\.js"></script>', head)
    assert '<script nomodule src="../../assets/javascripts/bundle.1.min.js"></script>' in body
    assert order.LAB_FONT in head
    # Before the style sheets: a script after them waits for them.
    assert head.index(f'<script data-worker="../../assets/web/worker.js">{AHEAD}</script>') < head.index('rel="stylesheet"')


def test_only_where_something_can_be_pressed_an_old_browser_is_told() -> None:
    for element in ("lab", "code", "machine", "pkt"):
        assert "too old" in order.arranged(page(f"<tcp-{element}></tcp-{element}>"), AHEAD)
    assert "too old" not in order.arranged(page("<tcp-player></tcp-player>"), AHEAD)


def test_the_scheme_that_a_system_asks_for_follows_the_one_that_a_reader_chose() -> None:
    theirs = '<script>var palette=__md_get("__palette");if(palette){}</script>'
    after = order.arranged(page(f"{theirs}<p>x</p>"), AHEAD)
    assert re.search(rf"{re.escape(theirs)}<script>[^<]*prefers-color-scheme[^<]*</script><p>", after)


def test_a_page_in_order_stays_and_so_does_one_of_others() -> None:
    after = order.arranged(page("<tcp-lab></tcp-lab>"), AHEAD)
    assert order.arranged(after, AHEAD) == after
    assert order.arranged("<html><head></head><body></body></html>", AHEAD) == "<html><head></head><body></body></html>"


def test_what_the_theme_leaves_unnamed_is_named_by_the_words_that_are_there() -> None:
    nav = '<nav class="md-nav" data-md-level="1" aria-labelledby="__nav_2_label" aria-expanded="true">\n'
    title = '<label class="md-nav__title" for="__nav_2">\n<span class="md-icon"></span>\n TCP &amp; "you" \n</label>'
    after = order.arranged(page(f'<div class="md-search" role="dialog">…</div>{nav}{title}<ul></ul></nav>'), AHEAD)
    assert '<div class="md-search" aria-label="Search" role="dialog">' in after
    assert f'aria-label="TCP &amp; &quot;you&quot;" aria-expanded="true">\n{title}<ul>' in after
    assert "aria-labelledby" not in after
