"""BibTeX entries of the methods in this package."""

DESALINET = """@inproceedings{mahendran2016salient,
  title = {Salient Deconvolutional Networks},
  author = {Mahendran, Aravindh and Vedaldi, Andrea},
  booktitle = {European Conference on Computer Vision},
  pages = {120--135},
  year = {2016},
  doi = {10.1007/978-3-319-46466-4_8}
}"""

RAP = """@inproceedings{nam2020relative,
  title = {Relative Attributing Propagation: Interpreting the Comparative Contributions of Individual Units in Deep Neural Networks},
  author = {Nam, Woo-Jeoung and Gur, Shir and Choi, Jaesik and Wolf, Lior and Lee, Seong-Whan},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  volume = {34},
  number = {03},
  pages = {2501--2508},
  year = {2020},
  doi = {10.1609/aaai.v34i03.5632}
}"""

PATTERNS = """@inproceedings{kindermans2018learning,
  title = {Learning how to explain neural networks: {P}attern{N}et and {P}attern{A}ttribution},
  author = {Kindermans, Pieter-Jan and Sch{\\"u}tt, Kristof T. and Alber, Maximilian and M{\\"u}ller, Klaus-Robert
            and Erhan, Dumitru and Kim, Been and D{\\"a}hne, Sven},
  booktitle = {International Conference on Learning Representations},
  year = {2018},
  eprint = {1705.05598},
  archiveprefix = {arXiv}
}"""
