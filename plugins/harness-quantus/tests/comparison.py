"""The table of docs/quantus.md: each of Quantus's metrics beside the harness's own, and the tests that say so.

``python plugins/harness-quantus/tests/comparison.py`` writes the table into the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "quantus.md"
OPENING, CLOSING = "<!-- table: made by plugins/harness-quantus/tests/comparison.py -->", "<!-- end of table -->"
OURS = "plugins/harness-metrics/tests/"
HERE = "plugins/harness-quantus/tests/"
Verdict = Literal["equal", "equal, rescaled", "equal, same draws", "differs"]


@dataclass(frozen=True)
class Direct:
    """What ours and Quantus's are given to be compared: parameters of each, and what Quantus's number is multiplied by."""

    params: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    normalise: str = "default"
    softmax: bool | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class Row:
    """One of Quantus's metrics.

    Attributes:
        metric: Quantus's name.
        ours: the component of the harness that answers the same question.
        verdict: how their numbers compare.
        tolerance: within which they are equal; None where they differ.
        how: where they are equal, under which parameters; where they differ, why.
        proofs: node ids of the tests that show it.
        direct: how `test_table.py` compares the two itself.
    """

    metric: str
    ours: str
    verdict: Verdict
    tolerance: float | None
    how: str
    proofs: tuple[str, ...] = ()
    direct: Direct | None = None

    @property
    def within(self) -> str:
        """The tolerance as the document and the tests write it."""
        return "" if self.tolerance is None else f"{self.tolerance:.0e}".replace("e-0", "e-")

    @property
    def shown_by(self) -> tuple[str, ...]:
        """Node ids of all tests of the row."""
        own = (f"{HERE}test_table.py::test_ours_equals_quantus",) if self.direct is not None else ()
        return (*own, *self.proofs)


ROWS = (
    Row(
        "Faithfulness Correlation",
        "faithfulness-correlation",
        "equal, same draws",
        1e-4,
        "With `reference: zero` on grey images, given the sets of pixels. Quantus's sets are of single channels, its `black` is"
        " each image's least value, and its sets depend on the batch.",
        (f"{OURS}test_faithfulness_correlations.py::test_faithfulness_correlation_equals_quantus_given_the_same_sets",),
    ),
    Row(
        "Faithfulness Estimate",
        "faithfulness-estimate",
        "equal",
        1e-4,
        "With `output: logit` and one `step` on grey images whose least value is black. Ours takes the probability by default, "
        "as the paper, and pixels where Quantus takes channels.",
        (f"{OURS}test_faithfulness_correlations.py::test_faithfulness_estimate_equals_quantus",),
        Direct({"step": 4, "reference": "zero", "output": "logit"}, {"features_in_step": 4}, "none"),
    ),
    Row(
        "Pixel-Flipping",
        "pixel-flipping",
        "equal, rescaled",
        1e-4,
        "On grey images. Quantus's area begins after the first step and is a sum over steps, ours begins at the image and is a "
        "mean. On RGB Quantus flips single channels. Its area needs `np.trapz`, which NumPy has no more.",
        (
            f"{OURS}test_perturbation_curves.py::test_pixel_flipping_equals_quantus",
            f"{OURS}test_perturbation_curves.py::test_quantus_on_rgb_tears_pixels_apart_and_raises",
            f"{OURS}test_faithfulness.py::test_curve_equals_quantus_pixel_flipping",
        ),
    ),
    Row(
        "Region Segmentation",
        "region-perturbation",
        "equal, rescaled",
        1e-5,
        "With `impute: zero` on grey images, after the mean over 0 to L of the paper. Quantus returns the drops as a curve and "
        "declares lower to be better; the drop under MoRF is better the higher it is, and so the harness ranks it. Its "
        "`uniform` is one number per image and step.",
        (
            f"{OURS}test_perturbation_curves.py::test_region_perturbation_equals_quantus",
            f"{OURS}test_perturbation_curves.py::test_quantus_black_is_the_least_value_and_its_uniform_noise_one_number",
            f"{HERE}test_wrapper.py::test_declares_what_quantus_does_but_for_two_directions",
        ),
    ),
    Row(
        "Monotonicity-Arya",
        "monotonicity-arya",
        "differs",
        None,
        "Quantus puts its baseline into the baseline and adds nothing of the image, so that every map is monotonic. Ours adds "
        "the pixels, and gives the share of steps that do not fall (1 is the authors' yes).",
        (f"{OURS}test_monotonicity.py::test_quantus_adds_nothing_and_calls_every_map_monotonic", f"{HERE}test_table.py::test_arya"),
    ),
    Row(
        "Monotonicity-Nguyen",
        "monotonicity-nguyen",
        "equal, same draws",
        1e-6,
        "On grey images, given the draws. Quantus gives all pixels of a group one common draw from [0, 1], whatever the inputs' range.",
        (f"{OURS}test_monotonicity.py::test_nguyen_equals_quantus_given_the_same_draws",),
    ),
    Row(
        "Selectivity",
        "selectivity",
        "equal, rescaled",
        1e-5,
        "On grey images. Quantus returns the curve from the first removed patch on; ours is its mean from none to all.",
        (f"{OURS}test_perturbation_curves.py::test_selectivity_equals_quantus",),
    ),
    Row(
        "SensitivityN",
        "sensitivity-n",
        "differs",
        None,
        "Quantus draws no sets: it removes pixels in the map's order, cumulatively, compares the drop so far with the "
        "attribution of the last step alone, and correlates across the samples of the first batch, so that a sample has no "
        "score. (The component `quantus` correlates the steps of each sample.) Ours draws sets of n pixels, as the paper.",
        (
            f"{OURS}test_faithfulness_correlations.py::test_sensitivity_n_of_quantus_needs_several_samples",
            f"{OURS}test_faithfulness_correlations.py::test_sensitivity_n_is_the_mean_of_quantus_faithfulness_correlations",
        ),
    ),
    Row(
        "IROF",
        "irof",
        "equal, rescaled",
        1e-5,
        "With `impute: zero` on grey images. Quantus raises on RGB; its `mean` is of the whole batch as perturbed so far; its "
        "area begins after the first segment and is a sum over segments.",
        (
            f"{OURS}test_perturbation_curves.py::test_irof_equals_quantus",
            f"{OURS}test_perturbation_curves.py::test_quantus_irof_imputes_a_mean_that_drifts_and_ours_the_image_s",
            f"{OURS}test_perturbation_curves.py::test_quantus_on_rgb_tears_pixels_apart_and_raises",
        ),
    ),
    Row(
        "ROAD",
        "road",
        "differs",
        None,
        "Quantus asks at each percentage whether the class stays, averages over the samples of the first batch, and raises on "
        "RGB. Ours is the change of the probability, per sample, equal to pytorch-grad-cam's. What both remove and impute is "
        "the same: the share of percentages at which our imputed images keep the class is Quantus's number.",
        (f"{OURS}test_faithfulness.py::test_road_equals_pytorch_grad_cam", f"{HERE}test_table.py::test_road"),
    ),
    Row(
        "Infidelity",
        "infidelity",
        "differs",
        None,
        "Quantus removes the squares of a grid one on top of the other, multiplies the map by the change of the input also for "
        "squares, and repeats that deterministic sum `n_perturb_samples` times. Ours draws squares (or noise), as the authors, "
        "and equals Captum.",
        (
            f"{OURS}test_infidelity.py::test_quantus_removes_the_squares_of_a_grid_one_on_top_of_the_other",
            f"{OURS}test_infidelity.py::test_equals_captum_given_the_same_noise",
        ),
    ),
    Row(
        "Sufficiency",
        "sufficiency",
        "differs",
        None,
        "Quantus compares the samples of a batch: a score depends on the neighbours, and is 0 where none is near. Ours compares"
        " each sample with its nearest training images.",
        (f"{OURS}test_sufficiency.py::test_quantus_scores_a_sample_by_what_else_is_in_the_batch",),
    ),
    Row(
        "Continuity Test",
        "continuity",
        "equal",
        1e-5,
        "Relative. Quantus raises where the image has slid out of sight and its map is 0 everywhere, and divides by 1e-9 where "
        "it slid by no pixel; its option `return_nan_when_prediction_changes` needs `np.NaN`, which NumPy has no more.",
        (
            f"{OURS}test_continuity.py::test_equals_quantus",
            f"{OURS}test_continuity.py::test_quantus_raises_on_blank_images_and_on_steps_that_divide_the_way",
            f"{HERE}test_table.py::test_continuity_where_the_prediction_changes",
        ),
    ),
    Row(
        "Local Lipschitz Estimate",
        "local-lipschitz",
        "equal, same draws",
        1e-5,
        "Relative. Quantus normalises maps over the batch.",
        (
            f"{OURS}test_robustness.py::test_equals_quantus_given_the_same_perturbations",
            f"{OURS}test_robustness.py::test_quantus_normalises_over_the_batch_and_this_does_not",
        ),
    ),
    Row(
        "Max-Sensitivity",
        "max-sensitivity",
        "equal, same draws",
        1e-5,
        "Relative. Quantus's noise depends on the batch, and its 0.2 is in units of the network's input; ours is a share of its range, "
        "several times as much where images are normalised.",
        (f"{OURS}test_robustness.py::test_equals_quantus_given_the_same_perturbations",),
    ),
    Row(
        "Avg-Sensitivity",
        "average-sensitivity",
        "equal, same draws",
        1e-5,
        "Relative. Quantus's noise depends on the batch, and its 0.2 is in units of the network's input, as in max-sensitivity.",
        (
            f"{OURS}test_robustness.py::test_equals_quantus_given_the_same_perturbations",
            f"{OURS}test_robustness.py::test_quantus_draws_other_noise_in_another_batch",
        ),
    ),
    Row(
        "Consistency",
        "consistency",
        "differs",
        None,
        "Quantus compares the samples of a batch by the signs of the first five pixels of their maps, and declares lower to be "
        "better; the paper's probability is better the higher it is, and so the harness ranks it. Ours compares a sample with "
        "perturbed neighbours; given these as its batch Quantus gives the same number (1e-6).",
        (
            f"{OURS}test_consistency.py::test_equals_quantus_where_its_batch_is_a_sample_and_its_neighbours",
            f"{OURS}test_consistency.py::test_in_quantus_the_score_of_a_sample_depends_on_the_batch",
            f"{OURS}test_consistency.py::test_the_top_signs_of_quantus_are_those_of_the_first_pixels",
            f"{HERE}test_wrapper.py::test_declares_what_quantus_does_but_for_two_directions",
        ),
    ),
    *(
        Row(
            f"Relative {name} Stability",
            f"relative-{name.lower()}-stability",
            "equal, same draws",
            1e-3,
            f"Relative. In Quantus one draw that changes the class makes the sample NaN, and the default noise only ever adds.{more}",
            (
                f"{OURS}test_relative_stability.py::test_equals_quantus_given_the_same_perturbations",
                f"{OURS}test_relative_stability.py::test_neighbours_of_another_class_are_left_out_where_quantus_gives_up",
                f"{OURS}test_relative_stability.py::test_quantus_perturbs_in_one_direction_by_default",
            ),
        )
        for name, more in (("Input", ""), ("Output", ""), ("Representation", " The representation is one layer, in Quantus all in a row."))
    ),
    Row(
        "Pointing Game",
        "pointing-game",
        "equal",
        1e-6,
        "Without ties; with ties Quantus counts a hit if any of the tied pixels hits, ours the share of them. Quantus counts an"
        " empty mask as a hit (NaN is put into a truth value), and its `weighted` raises at the first hit.",
        (
            f"{OURS}test_localisation.py::test_pointing_game_of_a_tied_map_is_chance_where_quantus_counts_a_hit",
            f"{HERE}test_table.py::test_pointing_at_an_empty_mask_is_a_hit_to_quantus_and_weights_raise",
        ),
        Direct(),
    ),
    Row("Top-K Intersection", "top-k-intersection", "equal", 1e-6, "Without ties.", (), Direct({"k": 50}, {"k": 50})),
    Row(
        "Relevance Mass Accuracy",
        "relevance-mass-accuracy",
        "equal",
        1e-5,
        "With absolute values, or on maps without negative values. Of signed maps Quantus divides signed sums, and leaves [0, "
        "1]; ours takes the positive part.",
        (f"{OURS}test_localisation.py::test_quantus_mass_accuracy_leaves_its_bounds_on_signed_maps",),
        Direct({"absolute": True}, {"abs": True}),
    ),
    Row("Relevance Rank Accuracy", "relevance-rank-accuracy", "equal", 1e-6, "Without ties.", (), Direct()),
    Row(
        "Attribution Localisation",
        "attribution-localisation",
        "equal",
        1e-5,
        "With absolute values, Quantus's default, and without weights. Quantus weighs by the inverse of the paper's factor, of "
        "a size that it takes from the wrong axis: for a batch of one it is infinite.",
        (f"{HERE}test_table.py::test_quantus_weighs_localisation_by_no_size",),
        Direct({"absolute": True}),
    ),
    Row("AUC", "auc", "equal", 1e-6, "Always.", (), Direct()),
    Row(
        "Focus",
        "focus",
        "equal",
        1e-5,
        "On the same mosaics. Quantus takes mosaics ready made, and the wrapper those of a data set of mosaics, whose masks are the "
        "quadrants of the target class; ours puts each sample's own together, with training images.",
        (
            f"{OURS}test_focus.py::test_the_share_equals_quantus",
            f"{HERE}test_wrapper.py::test_focus_is_of_mosaics_alone",
        ),
    ),
    Row(
        "Sparseness",
        "sparseness",
        "equal",
        1e-4,
        "Quantus adds 1e-7 to every value, which levels faint maps.",
        (f"{OURS}test_complexity.py::test_quantus_shifts_faint_maps_where_ours_do_not",),
        Direct(),
    ),
    Row("Complexity", "complexity", "equal", 1e-4, "Always.", (f"{OURS}test_complexity.py::test_equals_quantus",), Direct()),
    Row(
        "Effective Complexity",
        "effective-complexity",
        "equal",
        1e-6,
        "One sample at a time; Quantus's threshold is a share of the greatest value in the batch. `criterion: prediction` is "
        "the paper's own definition, which Quantus has not.",
        (f"{HERE}test_table.py::test_a_neighbour_changes_effective_complexity_in_quantus",),
        Direct(),
    ),
    Row(
        "MPRT",
        "mprt",
        "equal, same draws",
        1e-6,
        "Given the randomised models. Quantus's average counts the model that is not randomised, too; and it takes the SSIM of "
        "maps flattened to one dimension.",
        (
            f"{OURS}test_randomisation.py::test_mprt_equals_quantus_without_the_model_that_is_not_randomised",
            f"{OURS}test_randomisation.py::test_quantus_explains_the_original_layer_where_a_layer_is_named_and_the_copy_is_never_asked",
            f"{HERE}test_wrapper.py::test_mprt_is_the_mean_over_randomised_layers",
        ),
    ),
    Row(
        "Smooth MPRT",
        "smooth-mprt",
        "equal, same draws",
        1e-5,
        "Given the randomised models and the noise, once the last of Quantus's draws is noisy: it is silent. Quantus ignores "
        "the explainer that it is given.",
        (f"{OURS}test_randomisation.py::test_smooth_mprt_equals_quantus_once_its_last_draw_is_noisy",),
    ),
    Row(
        "Efficient MPRT",
        "efficient-mprt",
        "equal, same draws",
        1e-5,
        "Relative; given the randomised model.",
        (f"{OURS}test_randomisation.py::test_efficient_mprt_equals_quantus",),
    ),
    Row(
        "Random Logit",
        "random-logit",
        "equal, same draws",
        1e-6,
        "For two classes, where there is one other, by rank correlation. Quantus assumes 1000 classes, draws the same places in"
        " every batch, and takes the SSIM of maps flattened to one dimension.",
        (
            f"{OURS}test_randomisation.py::test_random_logit_equals_quantus_for_two_classes_and_quantus_assumes_a_thousand",
            f"{OURS}test_randomisation.py::test_quantus_takes_the_ssim_of_flattened_maps",
        ),
    ),
    Row(
        "Completeness",
        "completeness",
        "differs",
        None,
        "Quantus asks whether two sums are the same floating-point number, by default of a map divided by its maximum, and "
        "blanks one channel of an RGB image alone. Ours is the error.",
        (
            f"{HERE}test_table.py::test_completeness_within_rounding_is_none_to_quantus",
            f"{HERE}test_wrapper.py::test_completeness_of_a_linear_network",
        ),
    ),
    Row(
        "NonSensitivity",
        "non-sensitivity",
        "equal, rescaled",
        1e-6,
        "With `patch: 1` and `softmax: false` on grey images: ours is a share, Quantus's a number of pixels (on RGB of channels). "
        "Quantus raises where more than one feature is removed at a time.",
        (f"{HERE}test_table.py::test_quantus_removes_one_feature_at_a_time_or_raises",),
        Direct({"patch": 1, "impute": "zero"}, softmax=False, scale=1 / 400),
    ),
    Row(
        "InputInvariance",
        "input-invariance",
        "differs",
        None,
        "Quantus leaves the first value of the image unshifted and does not shift padding, so that its two networks differ; it "
        "fails where the first named module is no convolution with a bias; and it answers yes or no within 1e-4. Ours is the "
        "relative change.",
        (
            f"{HERE}test_wrapper.py::test_the_gradient_is_invariant_to_a_shifted_input_and_its_product_with_the_input_is_not",
            f"{HERE}test_table.py::test_quantus_compensates_a_shift_of_all_but_padding",
            f"{HERE}test_table.py::test_quantus_shifts_nothing_but_a_first_convolution_with_a_bias",
        ),
    ),
)


def table() -> str:
    """The rows in Markdown."""
    lines = ["| Quantus | ours | | within | |", "| --- | --- | --- | --- | --- |"]
    for row in ROWS:
        lines.append(f"| {row.metric} | `{row.ours}` | {row.verdict} | {row.within} | {row.how} |")
    return "\n".join(lines)


def evidence() -> str:
    """The tests of each row in Markdown."""
    return "\n".join(f"- {row.metric}: {', '.join(f'`{node}`' for node in row.shown_by)}" for row in ROWS)


def made() -> str:
    """What stands between the marks in the document."""
    return f"{OPENING}\n\n{table()}\n\n### The tests\n\n{evidence()}\n\n{CLOSING}"


def main() -> None:
    """Write the table into the document."""
    text = DOCUMENT.read_text()
    before, after = text.split(OPENING)[0], text.split(CLOSING)[1]
    DOCUMENT.write_text(before + made() + after)


if __name__ == "__main__":
    main()
