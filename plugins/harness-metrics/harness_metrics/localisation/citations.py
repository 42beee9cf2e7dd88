"""BibTeX of the papers that define metrics of localisation, beside those of `harness_metrics.citations`."""

DAVIS_2006 = """@inproceedings{davis2006relationship,
  title = {The Relationship Between {Precision-Recall} and {ROC} Curves},
  author = {Davis, Jesse and Goadrich, Mark},
  booktitle = {International Conference on Machine Learning},
  pages = {233--240},
  year = {2006},
  doi = {10.1145/1143844.1143874},
}"""

CHEFER_2021 = """@inproceedings{chefer2021transformer,
  title = {Transformer Interpretability Beyond Attention Visualization},
  author = {Chefer, Hila and Gur, Shir and Wolf, Lior},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {782--791},
  year = {2021},
  eprint = {2012.09838},
  archiveprefix = {arXiv},
}"""

DICE_1945 = """@article{dice1945measures,
  title = {Measures of the Amount of Ecologic Association Between Species},
  author = {Dice, Lee R.},
  journal = {Ecology},
  volume = {26},
  number = {3},
  pages = {297--302},
  year = {1945},
  doi = {10.2307/1932409},
}"""

CEDRO_2026 = """@misc{cedro2026scaling,
  title = {Scaling Vision Models Does Not Consistently Improve Localisation-Based Explanation Quality},
  author = {Cedro, Mateusz and Chlebus, Marcin},
  year = {2026},
  eprint = {2605.10142},
  archiveprefix = {arXiv},
}"""

FEL_2022 = """@inproceedings{fel2022harmonizing,
  title = {Harmonizing the object recognition strategies of deep neural networks with humans},
  author = {Fel, Thomas and Felipe, Ivan and Linsley, Drew and Serre, Thomas},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {35},
  year = {2022},
  eprint = {2211.04533},
  archiveprefix = {arXiv},
}"""

BYLINSKII_2019 = """@article{bylinskii2019saliency,
  title = {What Do Different Evaluation Metrics Tell Us About Saliency Models?},
  author = {Bylinskii, Zoya and Judd, Tilke and Oliva, Aude and Torralba, Antonio and Durand, Fr{\\'e}do},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume = {41},
  number = {3},
  pages = {740--757},
  year = {2019},
  doi = {10.1109/TPAMI.2018.2815601},
}"""

CLARK_2024 = """@article{clark2024xaitris,
  title = {{XAI-TRIS}: non-linear image benchmarks to quantify false positive post-hoc attribution of feature importance},
  author = {Clark, Benedict and Wilming, Rick and Haufe, Stefan},
  journal = {Machine Learning},
  volume = {113},
  pages = {6871--6910},
  year = {2024},
  doi = {10.1007/s10994-024-06574-3},
}"""

BOEHLE_2021 = """@inproceedings{boehle2021convolutional,
  title = {Convolutional Dynamic Alignment Networks for Interpretable Classifications},
  author = {B{\\"o}hle, Moritz and Fritz, Mario and Schiele, Bernt},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {10029--10038},
  year = {2021},
  doi = {10.1109/CVPR46437.2021.00990},
}"""

RAO_2022 = """@inproceedings{rao2022towards,
  title = {Towards Better Understanding Attribution Methods},
  author = {Rao, Sukrut and B{\\"o}hle, Moritz and Schiele, Bernt},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {10223--10232},
  year = {2022},
  eprint = {2205.10435},
  archiveprefix = {arXiv},
}"""
