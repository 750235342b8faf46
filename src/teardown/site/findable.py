"""What makes a page findable: data about it for search engines, and the other wordings of an error.

A Python-Markdown extension, named `teardown.site.findable` in the site's configuration. It adds to each page

- a block of JSON-LD (schema.org): a question is a FAQPage, the guide a Course, a lab or a chapter a
  LearningResource, the glossary a DefinedTermSet, anything else a TechArticle. All of it is read off the page and
  the lab's file. The block is data: no browser executes it, so a strict Content-Security-Policy lets it pass;
- on a question with `tags` in its front matter, a closed list of them: the ways in which programs word the same
  error. The site's search looks at tags too, and shows them; nothing is hidden from anybody.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as etree
from typing import Any, Final

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import STX, AtomicString

from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.site.cite import fatal
from teardown.site.page import Page, link, page_of, read

AUTHOR: Final = {"@type": "Organization", "name": "The FIN_WAIT_2 project"}
LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
COURSE: Final = "guide/index.md"

_STASH: Final = re.compile(f"{STX}[^\u0003]*\u0003")


class FindableExtension(Extension):
    """Works on the finished tree, before links are made relative (0), and after citations (15) and attributes (8)."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (Python-Markdown's name)
        """Register the one step."""
        md.treeprocessors.register(_Findable(md), "teardown-findable", 6)


def makeExtension(**kwargs: Any) -> FindableExtension:  # noqa: N802 (Python-Markdown's name)
    """What Python-Markdown calls for `teardown.site.findable` in a configuration."""
    return FindableExtension(**kwargs)


class _Findable(Treeprocessor):
    """Adds the two blocks to a page that the builder names."""

    def run(self, root: etree.Element) -> None:
        page = page_of(self.md)
        if page is None:
            return
        try:
            data = described(page, root)
        except InputError as error:
            raise fatal(self.md, error, "") from error
        if page.name.startswith("questions/") and page.tags:
            _print_wordings(root, page.tags)
        block = etree.SubElement(root, "p")
        # "<" never stands in it, so nothing in a title or an answer can end the element.
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        block.text = self.md.htmlStash.store(f'<script type="application/ld+json">{text}</script>')


def _print_wordings(root: etree.Element, words: tuple[str, ...]) -> None:
    """The list, at the end of what the reader sees: before the second heading of the second level."""
    box = etree.Element("details", {"class": "wordings"})
    etree.SubElement(box, "summary").text = AtomicString("The same trouble in other words")
    listing = etree.SubElement(box, "ul")
    for text in words:
        code = etree.SubElement(etree.SubElement(listing, "li"), "code")
        code.text = AtomicString(text)
    places = [n for n, child in enumerate(root) if child.tag == "h2"]
    root.insert(places[1] if len(places) > 1 else len(root), box)


# --- what a page is --------------------------------------------------------------------------------------


def described(page: Page, root: etree.Element) -> dict[str, Any]:
    """The page as schema.org has it. `root` is its text, with citations already set."""
    folder, _, name = page.name.rpartition("/")
    made: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "TechArticle",
        "name": page.title,
        "description": page.description,
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "license": LICENCE,
        "author": AUTHOR,
    }
    if page.name == "index.md":
        return made | {"@type": "WebSite"}
    if folder == "questions" and name != "index.md":
        return made | {"@type": "FAQPage", "mainEntity": [_question(page, root)]}
    if page.name == COURSE:
        return made | _course(page)
    if folder == "guide":
        return made | {
            "@type": "LearningResource",
            "learningResourceType": "chapter",
            "isPartOf": {"@type": "Course", "name": _title(page, COURSE), "url": link(page.name, COURSE)},
        }
    if folder == "labs" and name.removesuffix(".md") in labs.names():
        return made | _lab(name.removesuffix(".md"))
    if page.name == "reference/glossary.md":
        return made | {"@type": "DefinedTermSet", "hasDefinedTerm": _terms(root)}
    return made


def _question(page: Page, root: etree.Element) -> dict[str, Any]:
    """The heading is the question; whose turn it is and what to change are the answer."""
    first = next((child for child in root if child.tag == "p"), None)
    parts = [] if first is None else [_text(first)]
    wanted = False
    for child in root:
        if child.tag == "h2":
            wanted = _text(child) == "What to change"
        elif wanted:
            parts.append(_text(child))
    answer = " ".join(part for part in parts if part)
    if not answer:
        raise InputError(f"{page.name} has no answer: its first paragraph is empty")
    return {"@type": "Question", "name": page.title, "acceptedAnswer": {"@type": "Answer", "text": answer}}


def _course(page: Page) -> dict[str, Any]:
    """The chapters that the guide's page links to, in its order, and the time that the labs take."""
    text = page.file.read_text(encoding="utf-8")
    chapters = list(dict.fromkeys(re.findall(r"\]\(([a-z0-9-]+\.md)\)", text)))
    minutes = sum(labs.load(name).minutes for name in labs.names())
    return {
        "@type": "Course",
        "provider": AUTHOR,
        "hasPart": [
            {"@type": "LearningResource", "name": _title(page, f"guide/{name}"), "url": link(COURSE, f"guide/{name}")}
            for name in chapters
        ],
        "hasCourseInstance": {"@type": "CourseInstance", "courseMode": "Online", "courseWorkload": f"PT{minutes}M"},
    }


def _lab(name: str) -> dict[str, Any]:
    lab = labs.load(name)
    return {
        "@type": "LearningResource",
        "learningResourceType": "interactive lab",
        "interactivityType": "active",
        "timeRequired": f"PT{lab.minutes}M",
        "teaches": list(lab.objectives),
    }


def _terms(root: etree.Element) -> list[dict[str, Any]]:
    terms = []
    for listing in root.iter("dl"):
        name, code = "", None
        for child in listing:
            if child.tag == "dt":
                name, code = _text(child), next((e.get("id") for e in child.iter() if e.get("id")), None)
            else:
                terms.append({"@type": "DefinedTerm", "name": name, "termCode": code, "description": _text(child)})
    return terms


def _title(page: Page, name: str) -> str:
    """The title of the page `name`, found beside `page`."""
    docs = page.file.parents[page.name.count("/")]
    other = read(docs / name)
    if other is None:
        raise InputError(f"{name} has no title", mend="Write one in its front matter")
    return other.title


def _text(element: etree.Element) -> str:
    """What a reader reads there, in one line: no numbers of sources, no placeholders of finished HTML."""
    if element.tag == "sup" and element.get("class") == "cite":
        return ""
    parts = [element.text or ""]
    for child in element:
        parts += [_text(child), child.tail or ""]
    return " ".join(_STASH.sub("", "".join(parts)).split())
