"""Steps of a datatrove pipeline: one that annotates documents, one that keeps those of some verdicts.

Both run the stages of the audit on a document's text and metadata, a batch at a time. Needs `headwater[datatrove]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.writers.disk_base import DiskWriter
from datatrove.utils.batching import batched

from headwater.provenance.audit import Annotation, Annotator

#: Documents that are looked at together.
BATCH = 512


def _rows(documents: Sequence[Document]) -> list[Mapping[str, object]]:
    return [{**document.metadata, "text": document.text} for document in documents]


class HeadwaterAnnotator(PipelineStep):
    """Writes what the audit says to `metadata["headwater"]`; every document goes on, its text untouched."""

    type = "📎 - ANNOTATOR"
    name = "💧 Headwater"

    def __init__(self, use: str = "train", *, annotator: Annotator | None = None) -> None:
        super().__init__()
        self.annotator = annotator or Annotator(use)

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        """Annotate documents as they come."""
        for batch in batched(data, BATCH):
            with self.track_time("batch"):
                found = self.annotator.annotate(_rows(batch))
            for document, annotation in zip(batch, found, strict=True):
                document.metadata["headwater"] = annotation.flat()
                self.stat_update(annotation.verdict)
                self.update_doc_stats(document)
                yield document


class HeadwaterFilter(BaseFilter):
    """Keeps documents of the verdicts in `keep`; others go to `exclusion_writer` with their verdict as the reason."""

    name = "💧 Headwater"

    def __init__(
        self,
        use: str = "train",
        *,
        keep: Sequence[str] = ("clean", "unknown"),
        annotator: Annotator | None = None,
        exclusion_writer: DiskWriter | None = None,
    ) -> None:
        super().__init__(exclusion_writer, batch_size=BATCH)
        self.annotator = annotator or Annotator(use)
        self.keep = frozenset(keep)

    def filter(self, doc: Document) -> Any:
        """Whether one document is kept, or the reason why not."""
        return self.filter_batch([doc])[0]

    def filter_batch(self, batch: list[Document]) -> list[Any]:
        """Whether each document of a batch is kept, or the reason why not."""
        return [self._kept(annotation) for annotation in self.annotator.annotate(_rows(batch))]

    def _kept(self, annotation: Annotation) -> Any:
        return True if annotation.verdict in self.keep else (False, annotation.verdict)
