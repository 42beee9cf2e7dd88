"""What each metric says in the words of two taxonomies, as `catalogue` writes it into docs/metrics.md."""

from __future__ import annotations

CO_12 = (
    "Correctness",
    "Completeness",
    "Consistency",
    "Continuity",
    "Contrastivity",
    "Covariate complexity",
    "Compactness",
    "Composition",
    "Confidence",
    "Context",
    "Coherence",
    "Controllability",
)
"""The properties of explanations of Nauta et al. 2023; in parentheses stands their kind of evaluation."""

VXAI = ("Parsimony", "Plausibility", "Coverage", "Fidelity", "Continuity", "Consistency", "Efficiency")
"""The desiderata of Dembinsky et al. 2025."""

GROUPS = (
    (
        "Correctness (incremental deletion)",
        "Fidelity",
        "abpc deletion insertion pixel-flipping selectivity region-perturbation irof road aic sic roar",
    ),
    (
        "Correctness (single deletion)",
        "Fidelity",
        "faithfulness-correlation faithfulness-estimate sensitivity-n infidelity monotonicity-nguyen saco single-deletion part-importance",
    ),
    ("Correctness (incremental addition)", "Fidelity", "monotonicity-arya"),
    ("Completeness (preservation)", "Fidelity", "average-drop average-increase average-gain kar"),
    ("Completeness (preservation), Compactness", "Fidelity, Parsimony", "saliency-metric"),
    ("Completeness (preservation), Compactness, Continuity", "Fidelity, Parsimony, Continuity", "adcc"),
    ("Completeness (of the explained output)", "Fidelity", "completeness sufficiency consistency"),
    (
        "Continuity",
        "Continuity",
        "average-sensitivity max-sensitivity local-lipschitz continuity relative-input-stability relative-output-stability "
        "relative-representation-stability attack coherency",
    ),
    ("Consistency", "Consistency", "hyperparameter-sensitivity implementation-invariance input-invariance"),
    (
        "Coherence; Correctness where the truth is known",
        "Plausibility; Fidelity where the truth is known",
        "attribution-localisation auc average-precision dice iou pixel-accuracy earth-mover energy-pointing-game "
        "explanation-precision localisation-error pointing-game relevance-mass-accuracy relevance-rank-accuracy "
        "top-k-intersection dual-polarity-precision",
    ),
    ("Contrastivity, Correctness (controlled data)", "Fidelity", "focus grid-pointing-game di-part"),
    ("Coherence", "Plausibility", "human-agreement"),
    ("Compactness", "Parsimony", "complexity effective-complexity sparseness"),
    ("Correctness (parameter randomisation)", "Fidelity", "mprt smooth-mprt efficient-mprt gef"),
    ("Contrastivity (data randomisation)", "Fidelity", "data-randomisation"),
    ("Contrastivity (target sensitivity)", "Fidelity", "random-logit class-sensitivity ccs"),
    ("Correctness (white box)", "Fidelity", "symmetry linearity non-sensitivity"),
    ("Coherence (agreement of methods)", "Consistency", "component-agreement component-similarity component-contribution"),
)
"""Of each group of metrics its place in Co-12, its place in VXAI, and names."""


def places() -> dict[str, tuple[str, str]]:
    """By metric its place in Co-12 and in VXAI; raises ``ValueError`` for one that stands twice."""
    found: dict[str, tuple[str, str]] = {}
    for co_12, vxai, names in GROUPS:
        for name in names.split():
            if name in found:
                raise ValueError(f"{name} stands in two groups")
            found[name] = (co_12, vxai)
    return found
