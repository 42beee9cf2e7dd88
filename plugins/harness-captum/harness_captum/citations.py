"""BibTeX entries of the methods in this package."""

SALIENCY = """@inproceedings{simonyan2014deep,
  title = {Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps},
  author = {Simonyan, Karen and Vedaldi, Andrea and Zisserman, Andrew},
  booktitle = {Workshop at the International Conference on Learning Representations},
  year = {2014},
  eprint = {1312.6034},
  archiveprefix = {arXiv}
}"""

INPUT_X_GRADIENT = """@misc{shrikumar2016not,
  title = {Not Just a Black Box: Learning Important Features Through Propagating Activation Differences},
  author = {Shrikumar, Avanti and Greenside, Peyton and Shcherbina, Anna and Kundaje, Anshul},
  year = {2016},
  eprint = {1605.01713},
  archiveprefix = {arXiv}
}"""

INTEGRATED_GRADIENTS = """@inproceedings{sundararajan2017axiomatic,
  title = {Axiomatic Attribution for Deep Networks},
  author = {Sundararajan, Mukund and Taly, Ankur and Yan, Qiqi},
  booktitle = {Proceedings of the 34th International Conference on Machine Learning},
  series = {PMLR},
  volume = {70},
  pages = {3319--3328},
  year = {2017},
  eprint = {1703.01365},
  archiveprefix = {arXiv}
}"""

GUIDED_BACKPROP = """@inproceedings{springenberg2015striving,
  title = {Striving for Simplicity: The All Convolutional Net},
  author = {Springenberg, Jost Tobias and Dosovitskiy, Alexey and Brox, Thomas and Riedmiller, Martin},
  booktitle = {Workshop at the International Conference on Learning Representations},
  year = {2015},
  eprint = {1412.6806},
  archiveprefix = {arXiv}
}"""

DECONVOLUTION = """@inproceedings{zeiler2014visualizing,
  title = {Visualizing and Understanding Convolutional Networks},
  author = {Zeiler, Matthew D. and Fergus, Rob},
  booktitle = {European Conference on Computer Vision},
  pages = {818--833},
  year = {2014},
  doi = {10.1007/978-3-319-10590-1_53}
}"""

DEEP_LIFT = """@inproceedings{shrikumar2017learning,
  title = {Learning Important Features Through Propagating Activation Differences},
  author = {Shrikumar, Avanti and Greenside, Peyton and Kundaje, Anshul},
  booktitle = {Proceedings of the 34th International Conference on Machine Learning},
  series = {PMLR},
  volume = {70},
  pages = {3145--3153},
  year = {2017},
  eprint = {1704.02685},
  archiveprefix = {arXiv}
}"""

GRADIENT_SHAP = """@inproceedings{lundberg2017unified,
  title = {A Unified Approach to Interpreting Model Predictions},
  author = {Lundberg, Scott M. and Lee, Su-In},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017},
  eprint = {1705.07874},
  archiveprefix = {arXiv}
}"""
