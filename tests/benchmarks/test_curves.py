"""Pictures of lines: valid XML, every point inside its panel, names escaped."""

from __future__ import annotations

from xml.etree import ElementTree

from curves import LEFT, WIDE, Line, Panel, chart

SVG = "{http://www.w3.org/2000/svg}"


def test_points_lie_in_their_panels_and_names_are_text() -> None:
    line = Line("<ours>", [(0.0, 0.0), (10.0, 1.0)], whiskers=[(10.0, 0.5, 1.0)])
    other = Line("theirs", [(0.0, 0.5), (10.0, 0.5)], "b", dashed=True)
    ticks = ((0.0, "0"), (10.0, "10"))
    root = ElementTree.fromstring(
        chart("a & b", [Panel("p", [line], ticks), Panel("q", [line, other], ticks)])
    )
    places = [float(circle.get("cx", "")) for circle in root.iter(f"{SVG}circle")]
    assert places[:2] == [LEFT, LEFT + WIDE]
    assert len(places) == 4
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("<ours>") == 1
    assert root.get("aria-label") == "a & b"
    assert float(root.get("width", "")) >= max(places)


def test_one_tick_has_a_place() -> None:
    assert "nan" not in chart("x", [Panel("p", [Line("l", [(3.0, 0.2)])], ((3.0, "3"),))])
