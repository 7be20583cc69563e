"""An audit as aligned tables."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from options.printable import shortened
from options.table import aligned_rows
from tools.preparation.audit.audit import Audit
from tools.preparation.audit.audited_split import AuditedSplit
from tools.preparation.audit.finding import SEVERITIES, Finding, FindingLog, Severity
from tools.preparation.audit.images import ImageFacts, ImagesByName
from tools.preparation.audit.pairs import UNLABELLED

LONGEST_EXAMPLE = 120
"""Signs of an example that are shown."""


def summary_table(audit: Audit, max_tokens: int) -> str:
    """Return how much there is of what, a column a split."""
    columns = [_figures(split, audit.images, max_tokens) for split in audit.splits]
    names = list(dict.fromkeys(name for column in columns for name in column))
    header = ("", *(split.name for split in audit.splits))
    return aligned_rows([header, *((name, *(column.get(name, "") for column in columns)) for name in names)])


def finding_table(log: FindingLog, splits: Sequence[str]) -> str:
    """Return how often each kind was found in each split, the gravest first, with an example."""
    order = list(SEVERITIES)
    kinds = sorted(log.counts, key=lambda kind: (-kind[0], order.index(kind[1])))
    rows = [
        (
            kind,
            severity.name.lower(),
            *(f"{count:,}" if (count := log.counts[severity, kind][split]) else "" for split in splits),
            _example(log.first[severity, kind]),
        )
        for severity, kind in kinds
    ]
    header = ("finding", "severity", *splits, "the first")
    return aligned_rows([header, *rows], left=(0, 1, len(header) - 1))


def verdict(log: FindingLog) -> str:
    """Return the numbers of faults, warnings and notes as words."""
    counts = [(log.count(severity), severity.name.lower()) for severity in sorted(Severity, reverse=True)]
    return ", ".join(f"{count:,} {name}{'' if count == 1 else 's'}" for count, name in counts)


def _figures(split: AuditedSplit, images: ImagesByName, max_tokens: int) -> dict[str, str]:
    num_same, num_different = split.pairs.count(1), split.pairs.count(0)
    num_labelled = num_same + num_different
    figures = {
        "items in the file": f"{split.num_items:,}",
        "items that pairs name": f"{split.num_paired:,}",
        "pairs": f"{len(split.pairs):,}",
        "  labelled": f"{len(split.pairs) - split.pairs.count(UNLABELLED):,}",
        "  positive": f"{num_same / num_labelled:.1%}" if num_labelled else "",
    }
    if split.token_lengths:
        tokens = np.asarray(split.token_lengths)
        cut = np.maximum(tokens - max_tokens, 0)
        figures |= {
            "tokens of a text, median": f"{np.median(tokens):,.0f}",
            "  95th percentile": f"{np.percentile(tokens, 95):,.0f}",
            "  longest": f"{tokens.max():,}",
            f"texts longer than {max_tokens}": f"{(cut > 0).mean():.1%}",
            "tokens cut off": f"{cut.sum() / tokens.sum():.1%}",
            "tokens unknown": f"{split.num_unknown / tokens.sum():.1%}",
        }
    folder = str(split.files.images)
    names = {item.image for item in split.items}
    return figures | _image_figures([images[folder, name] for name in names if (folder, name) in images])


def _image_figures(images: Sequence[ImageFacts]) -> dict[str, str]:
    if not images:
        return {}
    readable = [facts for facts in images if not facts.fault]
    kinds = Counter(f"{facts.format} {facts.mode}" for facts in readable)
    return {
        "images": f"{len(images):,}",
        "  readable": f"{len(readable):,}",
        "  megabytes": f"{sum(facts.num_bytes for facts in images) / 1e6:,.1f}",
        **{f"  {kind}": f"{count:,}" for kind, count in sorted(kinds.items())},
    }


def _example(finding: Finding) -> str:
    place = finding.file.name if finding.line is None else f"{finding.file.name}:{finding.line}"
    return shortened(f"{place}: {finding.message}", LONGEST_EXAMPLE)
