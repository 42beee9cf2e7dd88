import pytest
import torch

from harness.api.activation_grids import as_grid
from harness.api.activation_layouts import Layout


def test_convolution_output_stays():
    output = torch.randn(2, 768, 7, 7)
    assert as_grid(output, (224, 224)) is output


def test_channels_last_is_moved():
    output = torch.randn(2, 7, 7, 768)
    assert torch.equal(as_grid(output, (224, 224)), output.permute(0, 3, 1, 2))


def test_as_many_channels_as_cells_is_read_as_a_convolution():
    output = torch.randn(2, 7, 7, 7)
    assert as_grid(output, (224, 224)) is output


@pytest.mark.parametrize(("size", "grid"), [((224, 224), (7, 7)), ((96, 160), (6, 10)), ((64, 32), (4, 2))])
@pytest.mark.parametrize("class_token", [0, 1])
def test_every_token_goes_to_its_cell(size, grid, class_token):
    rows, columns = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    tokens = torch.stack([rows.flatten(), columns.flatten()], dim=1).float()[None]
    tokens = torch.cat([torch.full((1, class_token, 2), -1.0), tokens], dim=1)
    found = as_grid(tokens, size)
    assert torch.equal(found[0, 0], rows.float())
    assert torch.equal(found[0, 1], columns.float())


@pytest.mark.parametrize("shape", [(2, 10), (2, 47, 8), (2, 0, 8), (2,), (2, 3, 4, 5, 6)])
def test_what_is_no_grid_is_refused(shape):
    with pytest.raises(ValueError, match="no grid over an image of 224 × 224"):
        as_grid(torch.zeros(shape), (224, 224))


def test_what_is_known_of_a_layer_goes_before_the_look_of_its_shape():
    output = torch.randn(2, 8, 8, 32)
    assert as_grid(output, (64, 64), Layout(1, (8, 32))) is output
    assert torch.equal(as_grid(output, (64, 64), Layout(3, (8, 8))), output.permute(0, 3, 1, 2))


@pytest.mark.parametrize(("before", "after"), [(2, 0), (5, 0), (0, 4), (1, 4)])
@pytest.mark.parametrize("channels", [1, 2])
def test_tokens_beside_the_grid_are_left_out(before, after, channels):
    cells = torch.arange(15.0).view(1, 15, 1).repeat(2, 1, 3)
    tokens = torch.cat([torch.full((2, before, 3), -1.0), cells, torch.full((2, after, 3), -1.0)], dim=1)
    found = as_grid(tokens if channels == 2 else tokens.mT, (31, 47), Layout(channels, (3, 5), before, after))
    assert torch.equal(found[1, 2], torch.arange(15.0).view(3, 5))


@pytest.mark.parametrize("prefix", [0, 2, 9])
def test_how_many_tokens_stand_in_front_can_be_said(prefix):
    tokens = torch.cat([torch.full((1, prefix, 2), -1.0), torch.arange(16.0).view(1, 16, 1).repeat(1, 1, 2)], dim=1)
    assert torch.equal(as_grid(tokens, (32, 32), None, prefix)[0, 0], torch.arange(16.0).view(4, 4))
    with pytest.raises(ValueError, match="no grid"):
        as_grid(tokens, (32, 32), None, prefix + 1)
