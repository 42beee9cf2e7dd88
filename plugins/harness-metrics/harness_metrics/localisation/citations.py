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

OLIVEIRA_2024 = """@article{oliveira2024benchmarking,
  title = {Benchmarking the influence of pre-training on explanation performance in {MR} image classification},
  author = {Oliveira, Marta and Wilming, Rick and Clark, Benedict and Budding, C{\\'e}line and Eitel, Fabian and Ritter, Kerstin
    and Haufe, Stefan},
  journal = {Frontiers in Artificial Intelligence},
  volume = {7},
  pages = {1330919},
  year = {2024},
  doi = {10.3389/frai.2024.1330919},
}"""

ARRAS_2022 = """@article{arras2022clevrxai,
  title = {{CLEVR-XAI}: A benchmark dataset for the ground truth evaluation of neural network explanations},
  author = {Arras, Leila and Osman, Ahmed and Samek, Wojciech},
  journal = {Information Fusion},
  volume = {81},
  pages = {14--40},
  year = {2022},
  doi = {10.1016/j.inffus.2021.11.008},
}"""

ZHANG_2018 = """@article{zhang2018excitation,
  title = {Top-Down Neural Attention by Excitation Backprop},
  author = {Zhang, Jianming and Bargal, Sarah Adel and Lin, Zhe and Brandt, Jonathan and Shen, Xiaohui and Sclaroff, Stan},
  journal = {International Journal of Computer Vision},
  volume = {126},
  number = {10},
  pages = {1084--1102},
  year = {2018},
  doi = {10.1007/s11263-017-1059-x},
}"""

THEINER_2022 = """@inproceedings{theiner2022interpretable,
  title = {Interpretable Semantic Photo Geolocation},
  author = {Theiner, Jonas and M{\\"u}ller-Budack, Eric and Ewerth, Ralph},
  booktitle = {IEEE/CVF Winter Conference on Applications of Computer Vision},
  year = {2022},
  eprint = {2104.14995},
  archiveprefix = {arXiv},
}"""

KOHLBRENNER_2020 = """@inproceedings{kohlbrenner2020towards,
  title = {Towards Best Practice in Explaining Neural Network Decisions with {LRP}},
  author = {Kohlbrenner, Maximilian and Bauer, Alexander and Nakajima, Shinichi and Binder, Alexander and Samek, Wojciech
    and Lapuschkin, Sebastian},
  booktitle = {International Joint Conference on Neural Networks},
  year = {2020},
  eprint = {1910.09840},
  archiveprefix = {arXiv},
}"""

WANG_2020 = """@inproceedings{wang2020scorecam,
  title = {{Score-CAM}: Score-Weighted Visual Explanations for Convolutional Neural Networks},
  author = {Wang, Haofan and Wang, Zifan and Du, Mengnan and Yang, Fan and Zhang, Zijian and Ding, Sirui and Mardziel, Piotr
    and Hu, Xia},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops},
  year = {2020},
  eprint = {1910.01279},
  archiveprefix = {arXiv},
}"""

FONG_2017 = """@inproceedings{fong2017interpretable,
  title = {Interpretable Explanations of Black Boxes by Meaningful Perturbation},
  author = {Fong, Ruth C. and Vedaldi, Andrea},
  booktitle = {IEEE International Conference on Computer Vision},
  pages = {3449--3457},
  year = {2017},
  eprint = {1704.03296},
  archiveprefix = {arXiv},
}"""

FAWCETT_2006 = """@article{fawcett2006introduction,
  title = {An introduction to {ROC} analysis},
  author = {Fawcett, Tom},
  journal = {Pattern Recognition Letters},
  volume = {27},
  number = {8},
  pages = {861--874},
  year = {2006},
  doi = {10.1016/j.patrec.2005.10.010},
}"""

ARIAS_DUART_2022 = """@inproceedings{ariasduart2022focus,
  title = {{Focus!} Rating {XAI} Methods and Finding Biases},
  author = {Arias-Duart, Anna and Par{\\'e}s, Ferran and Garcia-Gasulla, Dario and Gim{\\'e}nez-{\\'A}balos, Victor},
  booktitle = {IEEE International Conference on Fuzzy Systems},
  year = {2022},
  eprint = {2109.15035},
  archiveprefix = {arXiv},
}"""
