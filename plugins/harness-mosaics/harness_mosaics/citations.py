"""Sources of the data."""

BOEHLE_2021 = """@inproceedings{boehle2021convolutional,
  title = {Convolutional Dynamic Alignment Networks for Interpretable Classifications},
  author = {B{\\"o}hle, Moritz and Fritz, Mario and Schiele, Bernt},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {10029--10038},
  year = {2021},
  doi = {10.1109/CVPR46437.2021.00990}
}"""
ARIAS_DUART_2022 = """@inproceedings{ariasduart2022focus,
  title = {{Focus!} Rating {XAI} Methods and Finding Biases},
  author = {Arias-Duart, Anna and Par{\\'e}s, Ferran and Garcia-Gasulla, Dario and Gim{\\'e}nez-{\\'A}balos, Victor},
  booktitle = {IEEE International Conference on Fuzzy Systems},
  year = {2022},
  eprint = {2109.15035},
  archiveprefix = {arXiv}
}"""
HESSE_2023 = """@inproceedings{hesse2023funnybirds,
  title = {{FunnyBirds}: A Synthetic Vision Dataset for a Part-Based Analysis of Explainable {AI} Methods},
  author = {Hesse, Robin and Schaub-Meyer, Simone and Roth, Stefan},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  pages = {3981--3991},
  year = {2023},
  eprint = {2308.06248},
  archiveprefix = {arXiv}
}"""
