"""What a component may return: real numbers, of any precision."""

import warnings
from collections.abc import Callable

import pytest
import torch

from harness.api.attribution import Attribution
from harness.worker.contracts import ContractError, checked_attribution, checked_logits, checked_scores

IMAGES = torch.zeros(2, 3, 4, 4)
COMPLEX = torch.complex(torch.ones(2), torch.ones(2))


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checked_attribution(COMPLEX[:, None, None].expand(2, 4, 4), IMAGES), "the map must be real numbers, not torch.complex64"),
        (
            lambda: checked_attribution(Attribution(torch.ones(2, 4, 4), {"p": COMPLEX[:, None, None].expand(2, 4, 4)}), IMAGES),
            "the part 'p' must be real numbers",
        ),
        (lambda: checked_attribution(Attribution(torch.ones(2, 4, 4), expected=COMPLEX), IMAGES), "expected must be real numbers"),
        (lambda: checked_attribution(torch.ones(2, 4, 4).to_sparse(), IMAGES), "an explainer must return a dense tensor"),
        (lambda: checked_attribution(torch.ones(2, 4, 4, device="meta"), IMAGES), "an explainer must return a dense tensor"),
        (lambda: checked_scores(COMPLEX, 2), "a metric must return real numbers"),
        (lambda: checked_logits(COMPLEX[:, None], 2, 1), "a model must return real numbers"),
    ],
)
def test_what_holds_no_real_numbers_is_refused(check: Callable[[], object], message: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ContractError, match=message):
            check()


@pytest.mark.parametrize("channels", [[30000.0] * 3, [1.0, 2**-10, 2**-10]])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_channels_in_half_precision_add_up_as_in_float32(channels: list[float], dtype: torch.dtype) -> None:
    halved = torch.tensor(channels)[:, None, None].expand(2, 3, 4, 4).to(dtype)
    found = checked_attribution(halved, IMAGES).map
    assert found.dtype == torch.float32 and torch.equal(found.double(), halved.double().sum(dim=1))
