"""A map's records as the page's script reads them: positions and ties packed, names as they are.

All strings are cleaned here, because the script writes them to the page as they come.
"""

from __future__ import annotations

import base64
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.report.escape import clean, key
from headwater.report.layout import SPAN, arrange
from headwater.report.page import Map

#: Pale dots in the map's own box; where there are more others, each dot stands for several.
FIELD = 3_000
_HINT = "Point at a dot, or choose a group."


def _packed(array: NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype=kind).tobytes()).decode("ascii")


def map_data(m: Map) -> dict[str, Any]:
    """The map as JSON-ready data; see `assets/map.js` for its reader. At most 65,535 members a disc."""
    sizes = [len(disc.members) for disc in m.discs]
    if any(size > 0xFFFF for size in sizes):
        raise ValueError(f"a disc of {max(sizes)} members is too large to draw")
    places = arrange(sizes, min(m.field, FIELD))
    starts = [0, *accumulate(sizes)]
    tie_starts = [0, *accumulate(len(disc.ties) for disc in m.discs)]
    labels = {label: i for i, label in enumerate(sorted({t.label for d in m.discs for t in d.ties})[:255])}
    ties = [tie for disc in m.discs for tie in disc.ties]
    discs = [
        {
            "name": clean(disc.name),
            "sentence": clean(disc.sentence),
            "x": int(places.centres[i, 0]),
            "y": int(places.centres[i, 1]),
            "r": int(places.radii[i]),
            # the distance between neighbouring dots
            "gap": round(float(places.radii[i]) / (max(sizes[i], 4) ** 0.5 + 1) * 1.6, 1),
            "start": starts[i],
            "drawn": sizes[i],
            "tieStart": tie_starts[i],
            "ties": len(disc.ties),
            "solid": disc.solid,
            "opens": key(disc.opens) if disc.opens else None,
        }
        for i, disc in enumerate(m.discs)
    ]
    return {
        "width": places.width,
        "height": places.height,
        "span": SPAN,
        "hint": _HINT,
        "valuesWord": clean(m.values_word),
        "discs": discs,
        "dots": _packed(np.concatenate([*places.dots, np.zeros((0, 2))]), "<i2"),
        "field": _packed(places.field, "<i2"),
        "names": [clean(name) for disc in m.discs for name in disc.members],
        "pairs": _packed(np.array([(t.a, t.b) for t in ties]).reshape(-1, 2), "<u2"),
        "kinds": _packed(np.array([labels.get(t.label, 255) for t in ties]), "u1"),
        "labels": [clean(label) for label in labels],
        "values": {
            str(starts[i] + member): [clean(v) for v in values]
            for i, disc in enumerate(m.discs)
            for member, values in sorted(disc.values.items())
        },
        "bridges": [list(pair) for pair in m.bridges],
    }
