"""BibTeX entries of the methods in this package."""

GRADIENT = """@inproceedings{simonyan2014deep,
  title = {Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps},
  author = {Simonyan, Karen and Vedaldi, Andrea and Zisserman, Andrew},
  booktitle = {Workshop at the International Conference on Learning Representations},
  year = {2014},
  eprint = {1312.6034},
  archiveprefix = {arXiv}
}"""

SMOOTH_GRAD = """@misc{smilkov2017smoothgrad,
  title = {{SmoothGrad}: removing noise by adding noise},
  author = {Smilkov, Daniel and Thorat, Nikhil and Kim, Been and Vi{\\'e}gas, Fernanda and Wattenberg, Martin},
  year = {2017},
  eprint = {1706.03825},
  archiveprefix = {arXiv}
}"""

SQUARE_GRAD = """@inproceedings{hooker2019benchmark,
  title = {A Benchmark for Interpretability Methods in Deep Neural Networks},
  author = {Hooker, Sara and Erhan, Dumitru and Kindermans, Pieter-Jan and Kim, Been},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {32},
  year = {2019},
  eprint = {1806.10758},
  archiveprefix = {arXiv}
}"""

VAR_GRAD = """@misc{adebayo2018local,
  title = {Local Explanation Methods for Deep Neural Networks Lack Sensitivity to Parameter Values},
  author = {Adebayo, Julius and Gilmer, Justin and Goodfellow, Ian and Kim, Been},
  year = {2018},
  eprint = {1810.03307},
  archiveprefix = {arXiv}
}"""

NOISE_GRAD = """@inproceedings{bykov2022noisegrad,
  title = {{NoiseGrad} --- Enhancing Explanations by Introducing Stochasticity to Model Weights},
  author = {Bykov, Kirill and Hedstr{\\"o}m, Anna and Nakajima, Shinichi and H{\\"o}hne, Marina M.-C.},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  volume = {36},
  number = {6},
  pages = {6132--6140},
  year = {2022},
  doi = {10.1609/aaai.v36i6.20561}
}"""

FULL_GRAD = """@inproceedings{srinivas2019fullgradient,
  title = {Full-Gradient Representation for Neural Network Visualization},
  author = {Srinivas, Suraj and Fleuret, Fran{\\c{c}}ois},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {32},
  year = {2019},
  eprint = {1905.00780},
  archiveprefix = {arXiv}
}"""

RECT_GRAD = """@misc{kim2019saliency,
  title = {Why are Saliency Maps Noisy? Cause of and Solution to Noisy Saliency Maps},
  author = {Kim, Beomsu and Seo, Junghoon and Jeon, Seunghyeon and Koo, Jamyoung and Choe, Jeongyeol and Jeon, Taegyun},
  year = {2019},
  eprint = {1902.04893},
  archiveprefix = {arXiv}
}"""

INTEGRATED_HESSIANS = """@article{janizek2021explaining,
  title = {Explaining Explanations: Axiomatic Feature Interactions for Deep Networks},
  author = {Janizek, Joseph D. and Sturmfels, Pascal and Lee, Su-In},
  journal = {Journal of Machine Learning Research},
  volume = {22},
  number = {104},
  pages = {1--54},
  year = {2021},
  url = {http://jmlr.org/papers/v22/20-1223.html}
}"""
