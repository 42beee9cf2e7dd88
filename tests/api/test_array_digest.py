"""Digests of samples: noise of the last bits leaves them, one level of 8 bit in one pixel does not, nor does anything else that counts."""

from __future__ import annotations

import pytest
import torch

from harness.api import Sample

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
        assert [other.is_content(sample.digest) for other in samples] == [at == place for at in range(len(samples))]
    assert Sample(base, 0, "a", mask, boxes + 1e-5).is_content(samples[5].digest)


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
KNOWN = [  # kind of image, whether it has a mask, how many boxes (None: none are given), digest when there were masks and boxes alone
    ("levels", False, None, "138b459ce19696dfec579ebf28dfd975aa02d9571e62af15e65027ea69a671b1"),
    ("levels", False, 2, "09a7ca693728906bae08ce733e6aac2d225a9141f9a4dd4274ffc6431594e24a"),
    ("levels", False, 0, "f50a8914dacd551ff3384547d3185bd9d4474dd69fcfe95fc690438b510cfe23"),
    ("levels", True, None, "5bd8e9c12253664e0f6ddb82912a0ce2b2ea3aca88dada7ae8c2629e75484e87"),
    ("levels", True, 2, "59b900a9665a42972144667777484e9bf572241b54433cd58ecea8d96f89d947"),
    ("levels", True, 0, "cda668efdfca9f23a6419b892dd4bc6591fc3e0ad396370d68b4e8a707aae63f"),
    ("continuous", False, None, "ce16118e1e776ba297623568c862ee9510c7b9ffa24146d1b522b4294462c0a5"),
    ("continuous", False, 2, "54e4cf6bf7ed85cdda7399cb2fcef3933f1670bc53ccc2647aaf3b36cf371266"),
    ("continuous", False, 0, "2a1539ec9dfaf8e0f3d3cf23094401cb4f318d6635a7f73763ad7a4494db717f"),
    ("continuous", True, None, "c5953c94214ec0571339974aed3d92c271f257cce166d6d6c7e3875338362021"),
    ("continuous", True, 2, "242c9cf69a3c4ae63bf3bc17acf6fb8a512608f6374192b4810483683877a84f"),
    ("continuous", True, 0, "fddefef9ad829accf4d9e4eb7d5f10a6b07fffcce362e3720c8bd420e356eb24"),
]


@pytest.mark.parametrize(("kind", "masked", "boxes", "digest"), KNOWN)
def test_samples_without_other_evidence_have_the_digests_that_they_always_had(
    kind: str, masked: bool, boxes: int | None, digest: str
) -> None:
    mask = torch.zeros(7, 9, dtype=torch.bool)
    mask[2:5, 3:8] = True
    corners = torch.tensor([[1.0, 2.0, 3.5, 4.25], [0.0, 0.0, 9.0, 7.0]])
    sample = Sample(PATTERNS[kind], 1, "a", mask if masked else None, None if boxes is None else corners[:boxes])
    assert sample.digest == digest
    other = Sample(PATTERNS[kind], 1, "a", evidence={**sample.evidence, "human": mask.float()})
    assert other.digest != digest and not other.is_content(digest) and not sample.is_content(other.digest)


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
        assert [other.is_content(sample.digest) for other in samples] == [at == place for at in range(len(samples))]
    assert Sample(base, 0, "a", evidence={"human": noisy(drawn, 5e-7)}).is_content(samples[1].digest)
    assert Sample(base, 0, "a", evidence={"human": noisy(drawn, 5e-7) / 1e6}).is_content(samples[8].digest)
    changed = drawn.clone()
    changed[40, 40] = (changed[40, 40] + 0.5) % 1
    assert not Sample(base, 0, "a", evidence={"human": changed}).is_content(samples[1].digest)
