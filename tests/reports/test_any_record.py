"""Whatever texts and numbers a record holds, it renders, and none of them becomes markup."""

import dataclasses
import json
import math
import tempfile
import xml.etree.ElementTree as ET
from enum import StrEnum
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reports
from hrm.codec import Record
from reports import files
from tests.reports.made import make_report
from tests.reports.rows import varied_rows

ROWS = [row for row in varied_rows() if not row.pictures]
# Words that are looked up, not shown as they are.
LOOKED_UP = {"tier", "sign", "form", "id", "document"}
MARKUP = [
    "<zz onzz=1>",
    '" onzz="1',
    "' onzz='1",
    "</script><zz>",
    "]]><zz/>",
    "&zz;",
    "<!--",
    "$x$",
]
texts = st.one_of(
    st.sampled_from(MARKUP),
    st.text(max_size=12),
    st.builds("{}{}".format, st.text(max_size=4), st.sampled_from(MARKUP)),
)
numbers = st.floats(allow_nan=False, allow_infinity=False)


def changed(draw, value, name=""):
    """The same record with some of its texts exchanged."""
    if isinstance(value, Record):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        new = {key: changed(draw, each, key) for key, each in fields.items()}
        return dataclasses.replace(value, **new)
    if isinstance(value, tuple):
        return tuple(changed(draw, each, name) for each in value)
    if isinstance(value, str) and not isinstance(value, StrEnum) and name not in LOOKED_UP:
        return draw(texts) if draw(st.integers(0, 2)) == 0 else value
    return value


@st.composite
def rows(draw):
    row = changed(draw, draw(st.sampled_from(ROWS)))
    figures = {name: draw(st.none() | numbers) for name in ("estimate", "low", "high")}
    return dataclasses.replace(row, verdict=dataclasses.replace(row.verdict, **figures))


class Elements(HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.names, self.attributes = [], set()
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(some=st.lists(rows(), max_size=2, unique_by=lambda row: row.verdict.id), machine=texts)
def test_any_record_renders_and_stays_text(some, machine):
    made = make_report(tuple(some), machines=(machine,), versions={machine: machine})
    with tempfile.TemporaryDirectory() as folder:
        page = reports.render(made, Path(folder))
        found = Elements(page.read_text(encoding="utf-8"))
        assert "zz" not in found.names
        assert "onzz" not in found.attributes
        assert found.names.count("script") == SCRIPTS
        for name in ("junit.xml", "badge.svg"):
            tree = ET.parse(page.with_name(name))
            assert not any(element.tag.endswith("zz") for element in tree.iter())
        twin = page.with_name("report.json").read_text(encoding="utf-8")
        assert files.read(twin, "report.json").to_json() == made.to_json()
        json.loads(twin, parse_constant=lambda name: math.nan / 0)


def scripts():
    with tempfile.TemporaryDirectory() as folder:
        page = reports.render(make_report(()), Path(folder))
        return Elements(page.read_text(encoding="utf-8")).names.count("script")


SCRIPTS = scripts()
