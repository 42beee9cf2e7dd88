"""BibTeX entries of the methods in this package."""

LRP = """@article{bach2015pixel,
  title = {On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation},
  author = {Bach, Sebastian and Binder, Alexander and Montavon, Grégoire and Klauschen, Frederick
            and Müller, Klaus-Robert and Samek, Wojciech},
  journal = {PLOS ONE},
  volume = {10},
  number = {7},
  pages = {e0130140},
  year = {2015},
  doi = {10.1371/journal.pone.0130140}
}"""

DEEP_TAYLOR = """@article{montavon2017explaining,
  title = {Explaining nonlinear classification decisions with deep {T}aylor decomposition},
  author = {Montavon, Gr{\\'e}goire and Lapuschkin, Sebastian and Binder, Alexander and Samek, Wojciech
            and M{\\"u}ller, Klaus-Robert},
  journal = {Pattern Recognition},
  volume = {65},
  pages = {211--222},
  year = {2017},
  doi = {10.1016/j.patcog.2016.11.008}
}"""

EXCITATION_BACKPROP = """@inproceedings{zhang2016top,
  title = {Top-Down Neural Attention by Excitation Backprop},
  author = {Zhang, Jianming and Lin, Zhe and Brandt, Jonathan and Shen, Xiaohui and Sclaroff, Stan},
  booktitle = {Computer Vision -- {ECCV} 2016},
  pages = {543--559},
  year = {2016},
  doi = {10.1007/978-3-319-46493-0_33}
}"""

CONTRASTIVE_LRP = """@inproceedings{gu2018understanding,
  title = {Understanding Individual Decisions of {CNN}s via Contrastive Backpropagation},
  author = {Gu, Jindong and Yang, Yinchong and Tresp, Volker},
  booktitle = {Computer Vision -- {ACCV} 2018},
  year = {2018},
  eprint = {1812.02100},
  archiveprefix = {arXiv}
}"""

SOFTMAX_GRADIENT_LRP = """@inproceedings{iwana2019explaining,
  title = {Explaining Convolutional Neural Networks using Softmax Gradient Layer-wise Relevance Propagation},
  author = {Iwana, Brian Kenji and Kuroki, Ryohei and Uchida, Seiichi},
  booktitle = {{IEEE/CVF} International Conference on Computer Vision Workshop ({ICCVW})},
  year = {2019},
  eprint = {1908.04351},
  archiveprefix = {arXiv}
}"""
