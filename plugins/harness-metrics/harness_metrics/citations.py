"""BibTeX of the papers that define the metrics."""

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

PETSIUK_2018 = """@inproceedings{petsiuk2018rise,
  title = {{RISE}: Randomized Input Sampling for Explanation of Black-box Models},
  author = {Petsiuk, Vitali and Das, Abir and Saenko, Kate},
  booktitle = {British Machine Vision Conference},
  year = {2018},
  eprint = {1806.07421},
  archiveprefix = {arXiv},
}"""

RONG_2022 = """@inproceedings{rong2022road,
  title = {A Consistent and Efficient Evaluation Strategy for Attribution Methods},
  author = {Rong, Yao and Leemann, Tobias and Borisov, Vadim and Kasneci, Gjergji and Kasneci, Enkelejda},
  booktitle = {International Conference on Machine Learning},
  year = {2022},
  eprint = {2202.00449},
  archiveprefix = {arXiv},
}"""

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

HEDSTROEM_2025 = """@article{hedstrom2025evaluating,
  title = {Evaluating Interpretable Methods via Geometric Alignment of Functional Distortions},
  author = {Hedstr{\\"o}m, Anna and Bommer, Philine Lou and Burns, Thomas F. and Lapuschkin, Sebastian and Samek, Wojciech
    and H{\\"o}hne, Marina M.-C.},
  journal = {Transactions on Machine Learning Research},
  year = {2025},
  url = {https://openreview.net/forum?id=ukLxqA8zXj},
}"""

SIXT_2020 = """@inproceedings{sixt2020explanations,
  title = {When Explanations Lie: Why Many Modified {BP} Attributions Fail},
  author = {Sixt, Leon and Granz, Maximilian and Landgraf, Tim},
  booktitle = {International Conference on Machine Learning},
  year = {2020},
  eprint = {1912.09818},
  archiveprefix = {arXiv},
}"""

ALVAREZ_MELIS_2018_SENN = """@inproceedings{alvarezmelis2018selfexplaining,
  title = {Towards Robust Interpretability with Self-Explaining Neural Networks},
  author = {Alvarez-Melis, David and Jaakkola, Tommi S.},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {31},
  year = {2018},
  eprint = {1806.07538},
  archiveprefix = {arXiv},
}"""

ARYA_2019 = """@misc{arya2019one,
  title = {One Explanation Does Not Fit All: A Toolkit and Taxonomy of {AI} Explainability Techniques},
  author = {Arya, Vijay and Bellamy, Rachel K. E. and Chen, Pin-Yu and Dhurandhar, Amit and Hind, Michael and Hoffman, Samuel C. and
    Houde, Stephanie and Liao, Q. Vera and Luss, Ronny and Mojsilovi\\'c, Aleksandra and Mourad, Sami and Pedemonte, Pablo and
    Raghavendra, Ramya and Richards, John and Sattigeri, Prasanna and Shanmugam, Karthikeyan and Singh, Moninder and Varshney, Kush R.
    and Wei, Dennis and Zhang, Yunfeng},
  year = {2019},
  eprint = {1909.03012},
  archiveprefix = {arXiv},
}"""

NGUYEN_2020 = """@misc{nguyen2020quantitative,
  title = {On quantitative aspects of model interpretability},
  author = {Nguyen, An-phi and Rodr{\\'i}guez Mart{\\'i}nez, Mar{\\'i}a},
  year = {2020},
  eprint = {2007.07584},
  archiveprefix = {arXiv},
}"""

ANCONA_2018 = """@inproceedings{ancona2018towards,
  title = {Towards better understanding of gradient-based attribution methods for Deep Neural Networks},
  author = {Ancona, Marco and Ceolini, Enea and {\\"O}ztireli, Cengiz and Gross, Markus},
  booktitle = {International Conference on Learning Representations},
  year = {2018},
  eprint = {1711.06104},
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

BACH_2015 = """@article{bach2015pixelwise,
  title = {On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation},
  author = {Bach, Sebastian and Binder, Alexander and Montavon, Gr{\\'e}goire and Klauschen, Frederick and M{\\"u}ller, Klaus-Robert
    and Samek, Wojciech},
  journal = {PLOS ONE},
  volume = {10},
  number = {7},
  pages = {e0130140},
  year = {2015},
  doi = {10.1371/journal.pone.0130140},
}"""

SAMEK_2017 = """@article{samek2017evaluating,
  title = {Evaluating the Visualization of What a Deep Neural Network Has Learned},
  author = {Samek, Wojciech and Binder, Alexander and Montavon, Gr{\\'e}goire and Lapuschkin, Sebastian and M{\\"u}ller, Klaus-Robert},
  journal = {IEEE Transactions on Neural Networks and Learning Systems},
  volume = {28},
  number = {11},
  pages = {2660--2673},
  year = {2017},
  doi = {10.1109/TNNLS.2016.2599820},
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

RIEGER_2020 = """@misc{rieger2020irof,
  title = {{IROF}: a low resource evaluation metric for explanation methods},
  author = {Rieger, Laura and Hansen, Lars Kai},
  year = {2020},
  eprint = {2003.08747},
  archiveprefix = {arXiv},
}"""

CHATTOPADHAY_2018 = """@inproceedings{chattopadhay2018gradcampp,
  title = {{Grad-CAM++}: Generalized Gradient-Based Visual Explanations for Deep Convolutional Networks},
  author = {Chattopadhay, Aditya and Sarkar, Anirban and Howlader, Prantik and Balasubramanian, Vineeth N.},
  booktitle = {IEEE Winter Conference on Applications of Computer Vision},
  pages = {839--847},
  year = {2018},
  doi = {10.1109/WACV.2018.00097},
}"""

DABKOWSKI_2017 = """@inproceedings{dabkowski2017realtime,
  title = {Real Time Image Saliency for Black Box Classifiers},
  author = {Dabkowski, Piotr and Gal, Yarin},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017},
  eprint = {1705.07857},
  archiveprefix = {arXiv},
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

WU_2024 = """@inproceedings{wu2024faithfulness,
  title = {On the Faithfulness of Vision Transformer Explanations},
  author = {Wu, Junyi and Kang, Weitai and Tang, Hao and Hong, Yuan and Yan, Yan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {10936--10945},
  year = {2024},
  eprint = {2404.01415},
  archiveprefix = {arXiv},
}"""

HESSE_2024 = """@inproceedings{hesse2024benchmarking,
  title = {Benchmarking the Attribution Quality of Vision Models},
  author = {Hesse, Robin and Schaub-Meyer, Simone and Roth, Stefan},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {37},
  year = {2024},
  eprint = {2407.11910},
  archiveprefix = {arXiv},
}"""

ZHANG_2024 = """@article{zhang2024opticam,
  title = {{Opti-CAM}: Optimizing saliency maps for interpretability},
  author = {Zhang, Hanwei and Torres, Felipe and Sicre, Ronan and Avrithis, Yannis and Ayache, Stephane},
  journal = {Computer Vision and Image Understanding},
  volume = {248},
  pages = {104101},
  year = {2024},
  eprint = {2301.07002},
  archiveprefix = {arXiv},
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

KAPISHNIKOV_2019 = """@inproceedings{kapishnikov2019xrai,
  title = {{XRAI}: Better Attributions Through Regions},
  author = {Kapishnikov, Andrei and Bolukbasi, Tolga and Vi{\'e}gas, Fernanda and Terry, Michael},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  pages = {4947--4956},
  year = {2019},
  eprint = {1906.02825},
  archiveprefix = {arXiv},
}"""

ELISHA_2025 = """@article{elisha2025rethinking,
  title = {Rethinking Saliency Maps: A Cognitive Human Aligned Taxonomy and Evaluation Framework for Explanations},
  author = {Elisha, Yehonatan and Cohen, Seffi and Barkan, Oren and Koenigstein, Noam},
  journal = {arXiv preprint arXiv:2511.13081},
  year = {2025},
  eprint = {2511.13081},
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
