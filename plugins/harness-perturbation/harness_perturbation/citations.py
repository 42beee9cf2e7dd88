"""BibTeX entries of the methods in this package."""

RISE = """@inproceedings{petsiuk2018rise,
  title = {{RISE}: Randomized Input Sampling for Explanation of Black-box Models},
  author = {Petsiuk, Vitali and Das, Abir and Saenko, Kate},
  booktitle = {Proceedings of the British Machine Vision Conference},
  year = {2018},
  eprint = {1806.07421},
  archiveprefix = {arXiv}
}"""

LIME = """@inproceedings{ribeiro2016why,
  title = {"{Why} Should {I} Trust You?": Explaining the Predictions of Any Classifier},
  author = {Ribeiro, Marco Tulio and Singh, Sameer and Guestrin, Carlos},
  booktitle = {Proceedings of the 22nd ACM SIGKDD International Conference on Knowledge Discovery and Data Mining},
  pages = {1135--1144},
  year = {2016},
  doi = {10.1145/2939672.2939778}
}"""

SHAPLEY = """@incollection{shapley1953value,
  title = {A Value for n-Person Games},
  author = {Shapley, Lloyd S.},
  booktitle = {Contributions to the Theory of Games, Volume II},
  editor = {Kuhn, Harold W. and Tucker, Albert W.},
  series = {Annals of Mathematics Studies},
  number = {28},
  pages = {307--317},
  publisher = {Princeton University Press},
  year = {1953},
  doi = {10.1515/9781400881970-018}
}"""

KERNEL_SHAP = """@inproceedings{lundberg2017unified,
  title = {A Unified Approach to Interpreting Model Predictions},
  author = {Lundberg, Scott M. and Lee, Su-In},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017},
  eprint = {1705.07874},
  archiveprefix = {arXiv}
}"""

SHAPLEY_SAMPLING = """@article{castro2009polynomial,
  title = {Polynomial calculation of the {Shapley} value based on sampling},
  author = {Castro, Javier and G{\\'o}mez, Daniel and Tejada, Juan},
  journal = {Computers \\& Operations Research},
  volume = {36},
  number = {5},
  pages = {1726--1730},
  year = {2009},
  doi = {10.1016/j.cor.2008.04.004}
}"""

OCCLUSION = """@inproceedings{zeiler2014visualizing,
  title = {Visualizing and Understanding Convolutional Networks},
  author = {Zeiler, Matthew D. and Fergus, Rob},
  booktitle = {European Conference on Computer Vision},
  pages = {818--833},
  year = {2014},
  doi = {10.1007/978-3-319-10590-1_53}
}"""

FEATURE_ABLATION = """@misc{kokhlikyan2020captum,
  title = {Captum: A unified and generic model interpretability library for {PyTorch}},
  author = {Kokhlikyan, Narine and Miglani, Vivek and Martin, Miguel and Wang, Edward and Alsallakh, Bilal and Reynolds, Jonathan
    and Melnikov, Alexander and Kliushkina, Natalia and Araya, Carlos and Yan, Siqi and Reblitz-Richardson, Orion},
  year = {2020},
  eprint = {2009.07896},
  archiveprefix = {arXiv}
}"""

OWEN = """@incollection{owen1977values,
  title = {Values of Games with a Priori Unions},
  author = {Owen, Guillermo},
  booktitle = {Mathematical Economics and Game Theory},
  editor = {Henn, Rudolf and Moeschlin, Otto},
  series = {Lecture Notes in Economics and Mathematical Systems},
  volume = {141},
  pages = {76--88},
  publisher = {Springer},
  year = {1977},
  doi = {10.1007/978-3-642-45494-3_7}
}"""

PREDICTION_DIFFERENCE = """@inproceedings{zintgraf2017visualizing,
  title = {Visualizing Deep Neural Network Decisions: Prediction Difference Analysis},
  author = {Zintgraf, Luisa M. and Cohen, Taco S. and Adel, Tameem and Welling, Max},
  booktitle = {International Conference on Learning Representations},
  year = {2017},
  eprint = {1702.04595},
  archiveprefix = {arXiv}
}"""
