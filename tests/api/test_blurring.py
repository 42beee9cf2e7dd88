import torch

from harness.api.blurring import gaussian_blur


def test_what_is_one_pixel_wide_is_left_as_it_is_and_a_surface_too():
    images = torch.randn(2, 3, 1, 1)
    torch.testing.assert_close(gaussian_blur(images, 1.5, 2.0), images)
    torch.testing.assert_close(gaussian_blur(images.expand(2, 3, 2, 4), 1.5, 2.0), images.expand(2, 3, 2, 4))
