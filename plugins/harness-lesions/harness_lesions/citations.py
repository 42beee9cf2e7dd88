"""Sources of the data."""

OLIVEIRA_2024 = """@article{oliveira2024benchmarking,
  title = {Benchmarking the influence of pre-training on explanation performance in {MR} image classification},
  author = {Oliveira, Marta and Wilming, Rick and Clark, Benedict and Budding, C{\\'e}line and Eitel, Fabian and Ritter, Kerstin
            and Haufe, Stefan},
  journal = {Frontiers in Artificial Intelligence},
  volume = {7},
  pages = {1330919},
  year = {2024},
  doi = {10.3389/frai.2024.1330919}
}"""
SIMONYAN_2015 = """@inproceedings{simonyan2015very,
  title = {Very Deep Convolutional Networks for Large-Scale Image Recognition},
  author = {Simonyan, Karen and Zisserman, Andrew},
  booktitle = {International Conference on Learning Representations},
  year = {2015},
  eprint = {1409.1556},
  archivePrefix = {arXiv}
}"""
