"""BibTeX entries of this plugin's explainers."""

SOBOL = """@inproceedings{fel2021look,
  title = {Look at the Variance! {Efficient} Black-box Explanations with {Sobol}-based Sensitivity Analysis},
  author = {Fel, Thomas and Cadène, Rémi and Chalvidal, Mathieu and Cord, Matthieu and Vigouroux, David and Serre, Thomas},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {34},
  year = {2021},
  eprint = {2111.04138},
  archiveprefix = {arXiv}
}"""

HSIC = """@inproceedings{novello2022making,
  title = {Making Sense of Dependence: Efficient Black-box Explanations Using Dependence Measure},
  author = {Novello, Paul and Fel, Thomas and Vigouroux, David},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {35},
  year = {2022},
  eprint = {2206.06219},
  archiveprefix = {arXiv}
}"""

EXTREMAL_PERTURBATION = """@inproceedings{fong2019understanding,
  title = {Understanding Deep Networks via Extremal Perturbations and Smooth Masks},
  author = {Fong, Ruth and Patrick, Mandela and Vedaldi, Andrea},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  pages = {2950--2958},
  year = {2019},
  eprint = {1910.08485},
  archiveprefix = {arXiv}
}"""

MEANINGFUL_PERTURBATION = """@inproceedings{fong2017interpretable,
  title = {Interpretable Explanations of Black Boxes by Meaningful Perturbation},
  author = {Fong, Ruth C. and Vedaldi, Andrea},
  booktitle = {IEEE International Conference on Computer Vision},
  pages = {3449--3457},
  year = {2017},
  eprint = {1704.03296},
  archiveprefix = {arXiv}
}"""

REAL_TIME_SALIENCY = """@inproceedings{dabkowski2017real,
  title = {Real Time Image Saliency for Black Box Classifiers},
  author = {Dabkowski, Piotr and Gal, Yarin},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017},
  eprint = {1705.07857},
  archiveprefix = {arXiv}
}"""

FGVIS = """@inproceedings{wagner2019interpretable,
  title = {Interpretable and Fine-Grained Visual Explanations for Convolutional Neural Networks},
  author = {Wagner, Jörg and Köhler, Jan Mathias and Gindele, Tobias and Hetzel, Leon and Wiedemer, Jakob Thaddäus and Behnke, Sven},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {9097--9107},
  year = {2019},
  eprint = {1908.02686},
  archiveprefix = {arXiv}
}"""

XRAI = """@inproceedings{kapishnikov2019xrai,
  title = {{XRAI}: Better Attributions Through Regions},
  author = {Kapishnikov, Andrei and Bolukbasi, Tolga and Viégas, Fernanda and Terry, Michael},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  pages = {4948--4957},
  year = {2019},
  eprint = {1906.02825},
  archiveprefix = {arXiv}
}"""

INFORMATION_BOTTLENECK = """@inproceedings{schulz2020restricting,
  title = {Restricting the Flow: Information Bottlenecks for Attribution},
  author = {Schulz, Karl and Sixt, Leon and Tombari, Federico and Landgraf, Tim},
  booktitle = {International Conference on Learning Representations},
  year = {2020},
  eprint = {2001.00396},
  archiveprefix = {arXiv}
}"""
