"""Digests of samples: noise of the last bits leaves them, one level of 8 bit in one pixel does not, nor does anything else that counts."""

from __future__ import annotations

import pytest
import torch

from harness.api import Sample
from harness.worker.samples import find_sample_difference

KINDS = ("8 bit", "16 bit", "continuous", "constant", "small")


def image(kind: str, shape: tuple[int, int, int] = (3, 96, 96), seed: int = 0) -> torch.Tensor:
    """An image of one kind of values in [0, 1]."""
    drawn = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    if kind == "8 bit":
        return (drawn * 255).round() / 255
    if kind == "16 bit":
        return (drawn * 65535).round() / 65535
    return {"continuous": drawn, "constant": torch.full(shape, 1 / 3), "small": drawn[:, :4, :4]}[kind]


def noisy(clean: torch.Tensor, size: float, seed: int = 1) -> torch.Tensor:
    drawn = torch.rand(clean.shape, generator=torch.Generator().manual_seed(seed))
    return clean + size * (2 * drawn - 1)


def digests(sample: Sample) -> tuple[str, dict[str, str]]:
    """Of what is explained, and of evidence by kind."""
    return sample.digest, {kind: sample.evidence_digest(kind) for kind in sample.evidence}


def same(sample: Sample, known: tuple[str, dict[str, str]]) -> bool:
    return find_sample_difference(sample, sample.id, *known) is None


@pytest.mark.parametrize("kind", KINDS)
def test_noise_in_every_pixel_is_no_other_content(kind: str) -> None:
    for seed in range(3):
        clean = image(kind, seed=seed)
        digest = Sample(clean, 1, "a").digest
        for size in (3e-8, 1e-7, 5e-7):
            for draw in range(2):
                assert Sample(noisy(clean, size, draw), 1, "b").is_content(digest), (seed, size)
        assert Sample(clean.double(), 1, "c").is_content(digest)


@pytest.mark.parametrize("kind", KINDS)
def test_one_level_in_one_pixel_is_other_content(kind: str) -> None:
    clean = image(kind)
    digest = Sample(clean, 1, "a").digest
    places = torch.randint(clean.numel(), (60,), generator=torch.Generator().manual_seed(2))
    for place in places.tolist():
        changed = noisy(clean, 5e-7)
        value = changed.view(-1)[place]
        value += -1 / 255 if value > 0.5 else 1 / 255
        assert not Sample(changed, 1, "a").is_content(digest)
        assert Sample(changed, 1, "a").digest != digest


@pytest.mark.parametrize("level", [1, -1])
@pytest.mark.parametrize("kind", ["8 bit", "16 bit"])
def test_one_level_of_16_bit_in_one_pixel_is_other_content_of_levels(kind: str, level: int) -> None:
    """What a scanner of 16 bit tells apart, however little it is."""
    clean = image(kind)
    digest = Sample(clean, 1, "a").digest
    changed = noisy(clean, 5e-7)
    changed[1, 40, 40] = changed[1, 40, 40] + level / 65535
    assert not Sample(changed, 1, "a").is_content(digest)


@pytest.mark.parametrize("kind", ["8 bit", "16 bit", "constant"])
def test_digests_of_levels_are_equal_texts_under_noise(kind: str) -> None:
    """So that runs of two stores compare: they need no hints, which are of 64 hexadecimals alone."""
    clean = image(kind)
    digest = Sample(clean, 1, "a").digest
    assert len(digest) == 64 or kind == "constant"
    assert {Sample(noisy(clean, 5e-7, draw), 1, "a").digest for draw in range(8)} == {digest}


def test_all_that_counts_makes_other_content() -> None:
    base, other = image("continuous"), image("continuous", seed=1)
    mask, boxes = torch.zeros(96, 96, dtype=torch.bool), torch.tensor([[1.0, 2.0, 3.5, 4.25]])
    one = mask.clone()
    one[5, 5] = True
    samples = [
        Sample(base, 0, "a"),
        Sample(other, 0, "a"),
        Sample(base, 1, "a"),
        Sample(base, 0, "a", mask),
        Sample(base, 0, "a", one),
        Sample(base, 0, "a", mask, boxes),
        Sample(base, 0, "a", mask, boxes + 0.1),
        Sample(base, 0, "a", mask, boxes[:0]),
        Sample(base.transpose(1, 2), 0, "a"),
        Sample(base.reshape(3, 48, 192), 0, "a"),
        Sample(base[:1], 0, "a"),
    ]
    for place, sample in enumerate(samples):
        assert [same(other, digests(sample)) for other in samples] == [at == place for at in range(len(samples))]
    assert same(Sample(base, 0, "a", mask, boxes + 1e-5), digests(samples[5]))


def test_what_is_explained_is_known_without_its_evidence() -> None:
    """Predictions and explanations have the rows of the image and the label, whatever else is known of it."""
    base, drawn = image("8 bit"), image("continuous")[0]
    plain = Sample(base, 0, "a")
    rich = Sample(base, 0, "a", drawn > 0.5, torch.zeros(0, 4), {"human": drawn})
    assert plain.digest == rich.digest
    assert len({plain.digest, *digests(rich)[1].values()}) == 4


def test_what_is_not_finite_counts() -> None:
    clean = image("continuous")
    digests = set()
    for value in (torch.nan, torch.inf, -torch.inf, 0.5):
        changed = clean.clone()
        changed[0, 0, 0] = value
        sample = Sample(changed, 0, "a")
        assert sample.is_content(sample.digest)
        digests.add(sample.digest.partition(".")[0])
    assert len(digests) == 4
    assert Sample(torch.full((1, 2, 2), torch.nan), 0, "a").digest == Sample(-torch.full((1, 2, 2), torch.nan), 0, "a").digest


@pytest.mark.parametrize("text", ["", "0" * 64, "x.y.z", "0" * 64 + ".00000000.", "0" * 64 + ".zz.", "0" * 64 + "." + "0" * 8])
def test_texts_that_are_no_digest_are_no_content(text: str) -> None:
    assert not Sample(image("continuous"), 0, "a").is_content(text)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_images_of_any_floating_type_are_taken(dtype: torch.dtype) -> None:
    sample = Sample(image("8 bit").to(dtype), 0, "a")
    assert sample.image.dtype == torch.float32
    torch.testing.assert_close(sample.image, image("8 bit").to(dtype).float(), rtol=0, atol=0)
    assert sample.is_content(sample.digest)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (torch.zeros(3, 4, 4, dtype=torch.uint8), "image must be float in [0, 1], not torch.uint8: divide by 255"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "image must be float in [0, 1], not torch.int64"),
        (torch.zeros(4, 4), "image must be (C, H, W), not (4, 4)"),
        (torch.zeros(3, 4, 4).numpy(), "image must be a torch tensor (C, H, W), not ndarray"),
    ],
)
def test_what_is_no_image_is_refused_in_words(given: object, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        Sample(given, 0, "mine")  # type: ignore[arg-type]
    assert str(refused.value) == f"sample mine: {said}"


PATTERN = torch.arange(3 * 7 * 9).reshape(3, 7, 9)
PATTERNS = {"levels": (PATTERN * 37 % 256).float() / 255, "continuous": (PATTERN.double() * 0.0137).sin().abs().float()}
KNOWN = {
    "levels": "982a370480f0c07288076dc828f1a7e067c23a296f394d001df28db71d574ac1",
    "continuous": "5c5e88455b88fbdcaf2878c93f63d29d5d0e41d98e2de33cbd9041f582975da9",
    "mask": "3008ba4641ab0448e739f2e3209372b02dd27eb167d97fbffdd54746aa4f9bf2",
    "boxes": "413ba34a360c0440f60865500303ea5686f6855f32e56c3fb0579e48ce46cf65",
    "human": "51df94ae60eae90efd10d2b2df791f0a83cf8fa9515018bae5f20097ac38cc66",
}


def test_digests_are_stable_over_time() -> None:
    """Should they change, every store is stale, and `IDENTITY_VERSION` must say so."""
    mask = torch.zeros(7, 9, dtype=torch.bool)
    mask[2:5, 3:8] = True
    corners = torch.tensor([[1.0, 2.0, 3.5, 4.25], [0.0, 0.0, 9.0, 7.0]])
    sample = Sample(PATTERNS["levels"], 1, "a", mask, corners, {"human": mask.float()})
    found = {kind: Sample(pattern, 1, "a").digest for kind, pattern in PATTERNS.items()}
    assert found | digests(sample)[1] == KNOWN


def test_evidence_of_any_kind_counts_by_name_type_and_value() -> None:
    base, drawn = image("8 bit"), image("continuous")[0]
    named = [
        {},
        {"human": drawn},
        {"gaze": drawn},
        {"human": drawn * 2},
        {"human": drawn.flip(0)},
        {"human": drawn[None]},
        {"human": drawn > 0.5},
        {"human": (drawn > 0.5).long()},
        {"human": drawn / 1e6},
        {"human": drawn, "gaze": drawn},
    ]
    samples = [Sample(base, 0, "a", evidence=evidence) for evidence in named]
    for place, sample in enumerate(samples):
        assert [same(other, digests(sample)) for other in samples] == [at == place for at in range(len(samples))]
    assert same(Sample(base, 0, "a", evidence={"human": noisy(drawn, 5e-7)}), digests(samples[1]))
    assert same(Sample(base, 0, "a", evidence={"human": noisy(drawn, 5e-7) / 1e6}), digests(samples[8]))
    changed = drawn.clone()
    changed[40, 40] = (changed[40, 40] + 0.5) % 1
    assert not same(Sample(base, 0, "a", evidence={"human": changed}), digests(samples[1]))
