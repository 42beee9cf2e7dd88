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
