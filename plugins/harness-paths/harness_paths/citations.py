"""BibTeX entries of the methods in this package."""

BLUR_IG = """@inproceedings{xu2020attribution,
  title = {Attribution in Scale and Space},
  author = {Xu, Shawn and Venugopalan, Subhashini and Sundararajan, Mukund},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {9680--9689},
  year = {2020},
  eprint = {2004.03383},
  archiveprefix = {arXiv}
}"""

GUIDED_IG = """@inproceedings{kapishnikov2021guided,
  title = {Guided Integrated Gradients: An Adaptive Path Method for Removing Noise},
  author = {Kapishnikov, Andrei and Venugopalan, Subhashini and Avci, Besim and Wedin, Ben and Terry, Michael and Bolukbasi, Tolga},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {5050--5058},
  year = {2021},
  eprint = {2106.09788},
  archiveprefix = {arXiv}
}"""

IDGI = """@inproceedings{yang2023idgi,
  title = {{IDGI}: A Framework to Eliminate Explanation Noise from Integrated Gradients},
  author = {Yang, Ruo and Wang, Binghui and Bilgic, Mustafa},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {23725--23734},
  year = {2023},
  eprint = {2303.14242},
  archiveprefix = {arXiv}
}"""

AGI = """@inproceedings{pan2021explaining,
  title = {Explaining Deep Neural Network Models with Adversarial Gradient Integration},
  author = {Pan, Deng and Li, Xin and Zhu, Dongxiao},
  booktitle = {Proceedings of the Thirtieth International Joint Conference on Artificial Intelligence (IJCAI)},
  pages = {2876--2883},
  year = {2021},
  doi = {10.24963/ijcai.2021/396}
}"""

BOUNDARY_IG = """@inproceedings{wang2022robust,
  title = {Robust Models Are More Interpretable Because Attributions Look Normal},
  author = {Wang, Zifan and Fredrikson, Matt and Datta, Anupam},
  booktitle = {Proceedings of the 39th International Conference on Machine Learning},
  series = {PMLR},
  volume = {162},
  pages = {22625--22651},
  year = {2022},
  eprint = {2103.11257},
  archiveprefix = {arXiv}
}"""
