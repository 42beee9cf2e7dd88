"""BibTeX of the papers that define metrics of several categories, or of one that has few."""

CHALASANI_2020 = """@inproceedings{chalasani2020concise,
  title = {Concise Explanations of Neural Networks using Adversarial Training},
  author = {Chalasani, Prasad and Chen, Jiefeng and Roy Chowdhury, Amrita and Wu, Xi and Jha, Somesh},
  booktitle = {International Conference on Machine Learning},
  year = {2020},
  eprint = {1810.06583},
  archiveprefix = {arXiv},
}"""

BHATT_2020 = """@inproceedings{bhatt2020evaluating,
  title = {Evaluating and Aggregating Feature-based Model Explanations},
  author = {Bhatt, Umang and Weller, Adrian and Moura, Jos{\\'e} M. F.},
  booktitle = {International Joint Conference on Artificial Intelligence},
  year = {2020},
  eprint = {2005.00631},
  archiveprefix = {arXiv},
}"""

YEH_2019 = """@inproceedings{yeh2019infidelity,
  title = {On the (In)fidelity and Sensitivity of Explanations},
  author = {Yeh, Chih-Kuan and Hsieh, Cheng-Yu and Suggala, Arun Sai and Inouye, David I. and Ravikumar, Pradeep},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {32},
  year = {2019},
  eprint = {1901.09392},
  archiveprefix = {arXiv},
}"""

ADEBAYO_2018 = """@inproceedings{adebayo2018sanity,
  title = {Sanity Checks for Saliency Maps},
  author = {Adebayo, Julius and Gilmer, Justin and Muelly, Michael and Goodfellow, Ian and Hardt, Moritz and Kim, Been},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {31},
  year = {2018},
  eprint = {1810.03292},
  archiveprefix = {arXiv},
}"""

HEDSTROEM_2024 = """@misc{hedstrom2024sanity,
  title = {Sanity Checks Revisited: An Exploration to Repair the Model Parameter Randomisation Test},
  author = {Hedstr{\\"o}m, Anna and Weber, Leander and Lapuschkin, Sebastian and H{\\"o}hne, Marina M.-C.},
  year = {2024},
  eprint = {2401.06465},
  archiveprefix = {arXiv},
}"""

SIXT_2020 = """@inproceedings{sixt2020explanations,
  title = {When Explanations Lie: Why Many Modified {BP} Attributions Fail},
  author = {Sixt, Leon and Granz, Maximilian and Landgraf, Tim},
  booktitle = {International Conference on Machine Learning},
  year = {2020},
  eprint = {1912.09818},
  archiveprefix = {arXiv},
}"""

NGUYEN_2020 = """@misc{nguyen2020quantitative,
  title = {On quantitative aspects of model interpretability},
  author = {Nguyen, An-phi and Rodr{\\'i}guez Mart{\\'i}nez, Mar{\\'i}a},
  year = {2020},
  eprint = {2007.07584},
  archiveprefix = {arXiv},
}"""

DASGUPTA_2022 = """@inproceedings{dasgupta2022framework,
  title = {Framework for Evaluating Faithfulness of Local Explanations},
  author = {Dasgupta, Sanjoy and Frost, Nave and Moshkovitz, Michal},
  booktitle = {International Conference on Machine Learning},
  pages = {4794--4815},
  year = {2022},
  eprint = {2202.00734},
  archiveprefix = {arXiv},
}"""

MONTAVON_2018 = """@article{montavon2018methods,
  title = {Methods for interpreting and understanding deep neural networks},
  author = {Montavon, Gr{\\'e}goire and Samek, Wojciech and M{\\"u}ller, Klaus-Robert},
  journal = {Digital Signal Processing},
  volume = {73},
  pages = {1--15},
  year = {2018},
  doi = {10.1016/j.dsp.2017.10.011},
}"""

ALVAREZ_MELIS_2018 = """@inproceedings{alvarezmelis2018robustness,
  title = {On the Robustness of Interpretability Methods},
  author = {Alvarez-Melis, David and Jaakkola, Tommi S.},
  booktitle = {ICML Workshop on Human Interpretability in Machine Learning},
  year = {2018},
  eprint = {1806.08049},
  archiveprefix = {arXiv},
}"""

AGARWAL_2022 = """@inproceedings{agarwal2022rethinking,
  title = {Rethinking Stability for Attribution-based Explanations},
  author = {Agarwal, Chirag and Johnson, Nari and Pawelczyk, Martin and Krishna, Satyapriya and Saxena, Eshika and Zitnik, Marinka
    and Lakkaraju, Himabindu},
  booktitle = {ICLR Workshop on Privacy, Accountability, Interpretability, Robustness, Reasoning on Structured Data},
  year = {2022},
  eprint = {2203.06877},
  archiveprefix = {arXiv},
}"""

BANSAL_2020 = """@inproceedings{bansal2020sam,
  title = {{SAM}: The Sensitivity of Attribution Methods to Hyperparameters},
  author = {Bansal, Naman and Agarwal, Chirag and Nguyen, Anh},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {8673--8683},
  year = {2020},
  eprint = {2003.08754},
  archiveprefix = {arXiv},
}"""

GHORBANI_2019 = """@inproceedings{ghorbani2019fragile,
  title = {Interpretation of Neural Networks Is Fragile},
  author = {Ghorbani, Amirata and Abid, Abubakar and Zou, James},
  booktitle = {AAAI Conference on Artificial Intelligence},
  volume = {33},
  pages = {3681--3688},
  year = {2019},
  eprint = {1710.10547},
  archiveprefix = {arXiv},
}"""

SUNDARARAJAN_2017 = """@inproceedings{sundararajan2017axiomatic,
  title = {Axiomatic Attribution for Deep Networks},
  author = {Sundararajan, Mukund and Taly, Ankur and Yan, Qiqi},
  booktitle = {International Conference on Machine Learning},
  year = {2017},
  eprint = {1703.01365},
  archiveprefix = {arXiv},
}"""

KINDERMANS_2019 = """@incollection{kindermans2019unreliability,
  title = {The (Un)reliability of Saliency Methods},
  author = {Kindermans, Pieter-Jan and Hooker, Sara and Adebayo, Julius and Alber, Maximilian and Sch{\\"u}tt, Kristof T.
    and D{\\"a}hne, Sven and Erhan, Dumitru and Kim, Been},
  booktitle = {Explainable {AI}: Interpreting, Explaining and Visualizing Deep Learning},
  publisher = {Springer},
  pages = {267--280},
  year = {2019},
  eprint = {1711.00867},
  archiveprefix = {arXiv},
}"""

KRISHNA_2024 = """@article{krishna2024disagreement,
  title = {The Disagreement Problem in Explainable Machine Learning: A Practitioner's Perspective},
  author = {Krishna, Satyapriya and Han, Tessa and Gu, Alex and Wu, Steven and Jabbari, Shahin and Lakkaraju, Himabindu},
  journal = {Transactions on Machine Learning Research},
  year = {2024},
  eprint = {2202.01602},
  archiveprefix = {arXiv},
}"""

NIMON_2013 = """@article{nimon2013understanding,
  title = {Understanding the Results of Multiple Linear Regression: Beyond Standardized Regression Coefficients},
  author = {Nimon, Kim F. and Oswald, Frederick L.},
  journal = {Organizational Research Methods},
  volume = {16},
  number = {4},
  pages = {650--674},
  year = {2013},
  doi = {10.1177/1094428113493929},
}"""

POPPI_2021 = """@inproceedings{poppi2021revisiting,
  title = {Revisiting the Evaluation of Class Activation Mapping for Explainability: A Novel Metric and Experimental Analysis},
  author = {Poppi, Samuele and Cornia, Marcella and Baraldi, Lorenzo and Cucchiara, Rita},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops},
  pages = {2299--2304},
  year = {2021},
  eprint = {2104.10252},
  archiveprefix = {arXiv},
}"""

WILLIAMSON_2025 = """@article{williamson2025case,
  title = {{CASE}: Contrastive Activation for Saliency Estimation},
  author = {Williamson, Dane and Dwyer, Matthew and Ji, Yangfeng},
  journal = {arXiv preprint arXiv:2506.07327},
  year = {2025},
  eprint = {2506.07327},
  archiveprefix = {arXiv},
}"""
