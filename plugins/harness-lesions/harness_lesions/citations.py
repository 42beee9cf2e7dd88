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
CHENG_2015 = """@article{cheng2015enhanced,
  title = {Enhanced Performance of Brain Tumor Classification via Tumor Region Augmentation and Partition},
  author = {Cheng, Jun and Huang, Wei and Cao, Shuangliang and Yang, Ru and Yang, Wei and Yun, Zhaoqiang
            and Wang, Zhijian and Feng, Qianjin},
  journal = {PLoS ONE},
  volume = {10},
  number = {10},
  pages = {e0140381},
  year = {2015},
  doi = {10.1371/journal.pone.0140381}
}"""
SIMONYAN_2015 = """@inproceedings{simonyan2015very,
  title = {Very Deep Convolutional Networks for Large-Scale Image Recognition},
  author = {Simonyan, Karen and Zisserman, Andrew},
  booktitle = {International Conference on Learning Representations},
  year = {2015},
  eprint = {1409.1556},
  archivePrefix = {arXiv}
}"""
