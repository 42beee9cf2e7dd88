"""Figures as the bytes of files."""

from __future__ import annotations

from io import BytesIO

import matplotlib as mpl
from matplotlib.figure import Figure


def to_png(figure: Figure, dpi: float = 150) -> bytes:
    """A figure as the bytes of a PNG file, without a time stamp, so that one figure is always one file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """A figure as the bytes of a PDF file, without a time stamp; its letters are those of embedded TrueType fonts, as publishers want."""
    buffer = BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}):
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return buffer.getvalue()
