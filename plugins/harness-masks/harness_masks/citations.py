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
