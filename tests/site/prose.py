"""The words of a page without its figures, code and tables, and the measures of style that the pages must keep.

`Page` reads Markdown as our pages write it. Every measure is a plain function from a page to what it finds, with line
numbers, so that the tests of the pages and the tests of these measures ask the same questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
#: British English with -ise, from SCOWL (dictionary-en-gb: MIT and BSD).
DICTIONARY: Final = ROOT / "node_modules" / "dictionary-en-gb"
#: Words of the trade and names: one a line, each used by some page.
TERMS: Final = Path(__file__).with_name("terms.txt")

MOST_WORDS: Final = 25  # in a sentence
HIGHEST_GRADE: Final = 6.5  # Flesch-Kincaid, of a page
MOST_PASSIVE: Final = 0.25  # share of the sentences of a page

#: What a sentence loses nothing without, or what a plainer word says.
EMPTY: Final = (
    "it is important to", "it is worth", "it should be noted", "please note", "note that", "keep in mind",
    "needless to say", "of course", "obviously", "clearly", "basically", "essentially", "actually", "simply",
    "very", "really", "quite", "in order to", "due to the fact", "in this section", "in this chapter", "on this page we",
    "as mentioned", "as you can see", "as we have seen", "let us", "let's", "we will now", "in conclusion", "in summary",
    "utilize", "utilise", "leverage", "robust", "seamless", "powerful", "cutting-edge", "state-of-the-art", "easily",
    "dive into", "deep dive", "delve", "at the end of the day", "a number of", "plays a role", "a wide range of",
    "crucial", "comprehensive", "in terms of", "with regard to", "there are several", "there are many", "and so on",
)  # fmt: skip


class Line(NamedTuple):
    """One line of a page with its number, without markup."""

    number: int
    text: str
    kind: str  # paragraph, item, cell, heading


class Sentence(NamedTuple):
    """One sentence, and the line in which it begins."""

    number: int
    text: str

    @property
    def words(self) -> list[str]:
        """Its words; what stood in code counts as one word."""
        return re.findall(r"[^\W_](?:[\w.'’/-]*\w)?|\ufffc", self.text)


#: In place of code: one word that no measure judges.
CODE: Final = "\ufffc"
_FENCE: Final = re.compile(r"\s*(```+|~~~+)")
_ABBREVIATIONS: Final = re.compile(r"\b(?:e\.g|i\.e|etc|vs|vol|ch|St|Jr|[A-Z]|Jan|Feb|Mar|Apr|Aug|Sep|Sept|Oct|Nov|Dec)\.$")
_END: Final = re.compile(r"(?<=[.?!])[”\"')*]*\s+(?=[“\"'(*]*[A-Z0-9\ufffc])")


def plain(text: str) -> str:
    """A line without citations, marks, links' targets, attributes, tags and emphasis; code becomes one sign."""
    text = re.sub(r"\[@[^\]]*\]", "", text)
    text = re.sub(r"\[=[^\]]*\]", "sixty seconds", text)
    text = re.sub(r"\[(?:unverified|our reading)\](?![(\[:])", "", text)
    text = re.sub(r"<[^>]+>", "", text)
    text = re.sub(r"\{:?\s*[#.][^}]*\}", "", text)
    text = re.sub(r"`[^`]*`", CODE, text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\*+", "", text).strip()


@dataclass(frozen=True)
class Page:
    """A page in Markdown: `source` is its text, `name` what messages call it."""

    name: str
    source: str

    @classmethod
    def read(cls, path: Path) -> Page:
        """The page in a file."""
        return cls(path.relative_to(DOCS).as_posix(), path.read_text(encoding="utf-8"))

    @property
    def lines(self) -> tuple[Line, ...]:
        """Everything that a reader reads as words."""
        return _lines(self.source)

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences of paragraphs and lists: no headings, no cells."""
        return tuple(
            Sentence(line.number, sentence)
            for line in self.lines
            if line.kind in ("paragraph", "item")
            for sentence in split(line.text)
        )


@cache
def _lines(source: str) -> tuple[Line, ...]:
    found, fence, front = [], "", source.startswith("---\n")
    for number, raw in enumerate(source.splitlines(), 1):
        if front:
            front = number == 1 or raw != "---"
            if match := re.match(r"(?:title|description): \"?(.*?)\"?$", raw):
                found.append(Line(number, plain(match[1]), "heading"))
            continue
        if match := _FENCE.match(raw):
            fence = "" if fence and match[1].startswith(fence) else fence or match[1]
            continue
        text = raw.strip()
        if fence or not text or text.startswith(("=== ", "--8<--", "<div", "</div")) or re.fullmatch(r"[-| :]+", text):
            continue
        if text.startswith("|"):
            found += [Line(number, plain(cell), "cell") for cell in re.split(r"(?<!\\)\|", text.strip("|"))]
        elif text.startswith(("#", "!!! ")) or re.fullmatch(r"\*\*[^*]+\*\* \{ #[\w-]+ \}", text):
            found.append(Line(number, plain(re.sub(r"^(?:#+|!!! \w+) ", "", text)), "heading"))
        elif match := re.match(r"(?:[-*+]|\d+\.|:)\s+", text):
            found.append(Line(number, plain(text[match.end() :]), "item"))
        else:
            found.append(Line(number, plain(text), "paragraph"))
    return tuple(line for line in found if line.text)


def split(text: str) -> Iterator[str]:
    """The sentences of a line."""
    rest = ""
    for part in _END.split(text):
        rest = f"{rest} {part}".strip()
        if not _ABBREVIATIONS.search(rest):
            yield rest
            rest = ""
    if rest:
        yield rest


# --- measures: each gives what is wrong, as lines of text -------------------------------------------------


def long_sentences(page: Page, most: int = MOST_WORDS) -> list[str]:
    """Sentences with more words than that."""
    return [f"{page.name}:{s.number}: {len(s.words)} words" for s in page.sentences if len(s.words) > most]


def shared_lines(page: Page) -> list[str]:
    """Lines of a paragraph that hold more than one sentence, or end in the middle of one."""
    wrong = []
    for line in page.lines:
        if line.kind != "paragraph":
            continue
        if len(list(split(line.text))) > 1:
            wrong.append(f"{page.name}:{line.number}: more than one sentence in the line")
        elif not re.search(r"[.?!:;,][”\"')]*$", line.text) and not line.text.endswith(CODE):
            wrong.append(f"{page.name}:{line.number}: the line ends in the middle of a sentence")
    return wrong


def empty_phrases(page: Page) -> list[str]:
    """Phrases without content."""
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, EMPTY)) + r")\b", re.IGNORECASE)
    return [f"{page.name}:{x.number}: {m[0]!r} says nothing" for x in page.lines for m in pattern.finditer(x.text)]


_BE: Final = r"\b(?:am|is|are|was|were|be|been|being|gets|get|got)"
_IRREGULAR: Final = (
    "begun bound broken brought built bought caught chosen done drawn driven fallen felt found forgotten given gone got "
    "held hidden hit kept known laid led left lent lost made meant met paid put read run said seen sent set shown shut "
    "split spoken spent stolen stuck sung taken taught thought thrown told understood woken won worn written"
).split()
_PASSIVE: Final = re.compile(
    rf"{_BE}\s+(?:(?:not|never|also|still|only|already|often|always|mostly|first|then|\w+ly)\s+)*"
    rf"(?:\w+ed|{'|'.join(_IRREGULAR)})\b(?!-)", re.IGNORECASE,
)  # fmt: skip


def passive(page: Page) -> list[str]:
    """Sentences in the passive voice, by their form. A state such as "it is closed" counts too."""
    return [f"{page.name}:{s.number}: {m[0]!r}" for s in page.sentences if (m := _PASSIVE.search(s.text))]


def passive_share(page: Page) -> float:
    """How many of the page's sentences are passive, from 0 to 1."""
    return len(passive(page)) / max(1, len(page.sentences))


def syllables(word: str) -> int:
    """The syllables of an English word, by rule: groups of vowels, less those that are silent."""
    word = re.sub(r"[^a-z]", "", word.lower())
    if not word:
        return 1
    if len(word) <= 2 or word in ("the", "she"):
        return 1
    word = re.sub(r"(?:[^aeioulsxzcghy]es|[aeiouy]les|[^aeioutdlr]ed|[^l]e|[aeiouy]le)$", lambda m: m[0][0], word)
    word = re.sub(r"^y", "", word)
    groups = len(re.findall(r"[aeiouy]+", word))
    # Two vowels that are spoken apart: area, create, science, quiet, actual, idea, radio.
    groups += len(re.findall(r"(?:[^tscg]ia|rea$|[^tscgx]io|iu|eo|[^q]ua[lt]|creat|rea[l]?i|dea$|ie[tn]|uou|ying|nuat)", word))
    return max(1, groups)


def grade(page: Page) -> float:
    """The Flesch-Kincaid grade: years of school in which a reader follows the page. Code and numbers are left out."""
    sentences = [[w for w in s.words if re.match(r"[A-Za-z]", w)] for s in page.sentences]
    sentences = [words for words in sentences if words]
    words = [w for sentence in sentences for w in sentence]
    if not words:
        return 0.0
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


# --- words ------------------------------------------------------------------------------------------------


def _affixes(text: str) -> dict[str, list[tuple[str, str, str, re.Pattern[str], bool]]]:
    rules: dict[str, list[tuple[str, str, str, re.Pattern[str], bool]]] = {}
    crosses: dict[str, bool] = {}
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 4 and parts[0] in ("PFX", "SFX"):
            crosses[parts[1]] = parts[2] == "Y"
        elif len(parts) >= 5 and parts[0] in ("PFX", "SFX"):
            kind, flag, strip, add, where = parts[:5]
            pattern = re.compile(f"^{where}" if kind == "PFX" else f"{where}$")
            add = add.partition("/")[0]
            rules.setdefault(flag, []).append((kind, "" if strip == "0" else strip, add, pattern, crosses[flag]))
    return rules


@cache
def dictionary() -> frozenset[str]:
    """All forms of all words of the dictionary, names with their capitals."""
    rules = _affixes((DICTIONARY / "index.aff").read_text(encoding="utf-8"))
    forms: set[str] = set()
    for entry in (DICTIONARY / "index.dic").read_text(encoding="utf-8").splitlines()[1:]:
        word, _, flags = entry.partition("/")
        forms.add(word)
        prefixed = [word]
        for flag in flags:
            for kind, strip, add, where, crosses in rules.get(flag, ()):
                if kind == "PFX" and where.search(word):
                    forms.add(add + word.removeprefix(strip))
                    if crosses:
                        prefixed.append(add + word.removeprefix(strip))
        for flag in flags:
            for kind, strip, add, where, crosses in rules.get(flag, ()):
                if kind == "SFX" and where.search(word):
                    forms.update(p.removesuffix(strip) + add for p in (prefixed if crosses else prefixed[:1]))
    return frozenset(forms)


@cache
def terms() -> frozenset[str]:
    """Our own list of words."""
    return frozenset(TERMS.read_text(encoding="utf-8").split())


_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NAME: Final = re.compile(r"\S*(?:[a-z][A-Z]|[_.@/:=%]\w|\d|[A-Z]{2})\S*|\S+\(\)")


def words(page: Page) -> Iterator[tuple[int, str]]:
    """The words that a dictionary can know, with their lines: no identifiers, no versions, no acronyms."""
    for line in page.lines:
        for match in _WORD.finditer(_NAME.sub(" ", line.text)):
            yield line.number, match[0].replace("’", "'")


def known(word: str, own: frozenset[str] | None = None) -> bool:
    """Whether the dictionary or our list has the word, also with a capital as the first of a sentence."""
    own = terms() if own is None else own
    for form in (word, word[:1].lower() + word[1:], word.removesuffix("'s"), word.removesuffix("'s").lower()):
        if form in own or form in dictionary():
            return True
    return len(word) == 1


def unknown_words(page: Page, own: frozenset[str] | None = None) -> list[str]:
    """Words in neither list."""
    return [f"{page.name}:{number}: {word!r}" for number, word in words(page) if not known(word, own)]


# --- the built site ---------------------------------------------------------------------------------------


class Built(NamedTuple):
    """One built page: where its links lead (file and place, "" for none), those in its text, and its places."""

    links: frozenset[tuple[str, str]]
    told: frozenset[str]
    places: frozenset[str]


_LINK: Final = re.compile(r"<a\b[^>]*?\shref=\"([^\"]*)\"|<a\b[^>]*?\shref=([^\s>\"]+)")
_PLACE: Final = re.compile(r"\s(?:id|name)=(?:\"([^\"]+)\"|([^\s>\"]+))")
_TEXT: Final = re.compile(r"<article\b.*?</article>", re.DOTALL)


def built(site: Path) -> Mapping[str, Built]:
    """Every page of a built site by its path from the root: `guide/index.html`."""
    return {
        path.relative_to(site).as_posix(): _built(site, path)
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"
    }


def _built(site: Path, path: Path) -> Built:
    html = path.read_text(encoding="utf-8")
    text = "".join(_TEXT.findall(html))
    return Built(
        frozenset(_targets(site, path, html)),
        frozenset(page for page, _ in _targets(site, path, text)),
        frozenset(a or b for a, b in _PLACE.findall(html)),
    )


def _targets(site: Path, path: Path, html: str) -> Iterator[tuple[str, str]]:
    from html import unescape
    from urllib.parse import unquote, urlsplit

    for quoted, bare in _LINK.findall(html):
        link = urlsplit(unescape(quoted or bare))
        if link.scheme or link.netloc:
            continue
        base = path.parent if not link.path.startswith("/") else site
        target = (base / unquote(link.path).lstrip("/")).resolve() if link.path else path.resolve()
        if target.is_dir():
            target /= "index.html"
        try:
            yield target.relative_to(site.resolve()).as_posix(), unquote(link.fragment)
        except ValueError:
            yield f"../{target.name}", ""


def broken_links(site: Path, pages: Mapping[str, Built]) -> list[str]:
    """Links that lead to no file, or to no place in it."""
    wrong = []
    for name, page in pages.items():
        for target, place in sorted(page.links):
            if not (site / target).is_file():
                wrong.append(f"{name}: no {target}")
            elif place and target in pages and place not in pages[target].places and not place.startswith("__"):
                wrong.append(f"{name}: no #{place} in {target}")
    return wrong


def clicks(pages: Mapping[str, Built], start: str = "index.html") -> dict[str, int]:
    """How many links in the *text* of pages lead from the start to each page. Menus and the search do not count."""
    far, edge = {start: 0}, [start]
    while edge:
        reached = [t for name in edge for t in sorted(pages[name].told) if t in pages and t not in far]
        edge = list(dict.fromkeys(reached))
        for name in edge:
            far[name] = 1 + min(far[n] for n in far if name in pages[n].told and n != name)
    return far
